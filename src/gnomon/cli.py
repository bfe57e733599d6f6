"""The command line: thin commands over ``assemble.Gnomon``; no logic of its own.

Exit codes: 0 done; 1 it could not be done (one sentence on standard error); 2 wrong usage;
3 the answer is "I don't know"; 130 interrupted (Ctrl-C, or SIGTERM). ``check`` ends with 1 where a
claim is refuted, and with 2 where it could not be done.

With ``--json`` standard output holds one JSON document and nothing else, whatever happens; where
it could not be done that is ``{"error": {"type", "message"}}``.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gnomon import __version__
from gnomon.config import Config, load
from gnomon.errors import GnomonError, InputError

if TYPE_CHECKING:
    from gnomon.assemble import Gnomon, Report
    from gnomon.types import Filter

DONE, FAILED, USAGE, UNKNOWN, INTERRUPTED = 0, 1, 2, 3, 130
REFUTED = 1  # of `check`, which tells its failures by USAGE


class UsageError(Exception):
    """The command line itself is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    parser = build_parser()
    failed = FAILED
    try:
        _prepare_streams()
        args = parser.parse_args(words)
        failed = getattr(args, "failed", FAILED)
        if not getattr(args, "run", None):
            parser.print_help()
            return USAGE
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _failed("UsageError", str(error), as_json, USAGE)
    except GnomonError as error:
        return _failed(type(error).__name__, str(error), as_json, failed)
    except KeyboardInterrupt:
        said = "stopped; what was acknowledged is kept."
        return _failed("Interrupted", said, as_json, INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error, but stdout is gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        said = f"{place}{error.strerror or error}; see whether it may be used, then try again."
        return _failed(type(error).__name__, said, as_json, failed)


def _prepare_streams() -> None:
    """What an output cannot show becomes an escape, not an error; SIGTERM ends as Ctrl-C does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _failed(kind: str, message: str, as_json: bool, code: int) -> int:
    """Say on standard error what went wrong, and as JSON where that is what was asked for."""
    try:
        if as_json:
            print_json({"error": {"type": kind, "message": message}})
            sys.stdout.flush()
    except OSError:  # the output is what failed; standard error still tells
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"gnomon: {message}", file=sys.stderr)
    return code


# ------------------------------------------------------------------------------- the parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` says more.")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse sees it."""
    parser = _Parser(
        prog="gnomon",
        description="Ask what is going on, and get an answer whose every sentence was checked.",
        epilog='exit codes: 0 done, 1 failed, 2 wrong usage, 3 the answer is "I don\'t know", '
        "130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"gnomon {__version__}")
    parser.add_argument("--home", help="where everything lives (default $GNOMON_HOME or ~/.gnomon)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_ask, _check, _search, _show, _pull, _status, _models, _serve, _lab):
        add(commands)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str, detail: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}. {detail}",
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print one JSON document, no more")
    return parser


def _scope(parser: argparse.ArgumentParser, *, file: bool = True) -> None:
    """What to look in."""
    if file:
        parser.add_argument(
            "--file", action="append", default=[], metavar="PATH",
            help="look in this file or folder only, with nothing else set up (repeatable)",
        )  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="look in the sample world (fiction)")
    parser.add_argument("--since", metavar="TIME", help="only posts from this time on (ISO 8601)")
    parser.add_argument("--until", metavar="TIME", help="only posts before this time")
    parser.add_argument("--source", action="append", default=[], help="only this source")
    parser.add_argument("--author", action="append", default=[], help="only this author")
    parser.add_argument("--lang", action="append", default=[], help="only this language (en, zh)")


def _risk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--risk", type=_share, metavar="SHARE",
        help="the share of checked claims that may get a wrong verdict (default 0.05): what is "
        "less sure is not said; 1 says everything",
    )  # fmt: skip


def _ask(commands: Any) -> None:
    parser = _command(
        commands, "ask", ask, "answer a question from what is held",
        "Comes back: sentences with citations, each checked, what disagrees, what was left out "
        "and why; or \"I don't know\" with the reason (exit code 3). Fails on an empty or "
        "overlong question, a file that cannot be read, and a model that is not here. While "
        "gnomon serve or pull is writing, the answer is given and not kept in the journal.",
    )  # fmt: skip
    parser.add_argument("question", nargs="+", help="the question")
    parser.add_argument("--as-of", metavar="TIME", help="ask as if it were this time (ISO 8601)")
    parser.add_argument("--model", help="chat model: a name, a GGUF path, a URL, or none")
    _risk(parser)
    parser.add_argument("--quiet", action="store_true", help="do not show the steps")
    _scope(parser)


def _check(commands: Any) -> None:
    parser = _command(
        commands, "check", check, "check what a text claims",
        "FILE is plain text, Markdown, HTML or PDF, or - for standard input. Comes back: each "
        "claim with its place, a verdict (supported, refuted, disputed, not enough evidence), "
        "confidence, origins for and against, and exact quotes; opinions, questions and "
        "instructions are listed as not checked. Exit codes: 0 none is refuted, 1 one is (or of "
        "another label that --fail-on names), 2 it could not be checked, 130 interrupted: what "
        "was checked by then is printed. The text itself, where it is held, is no evidence.",
    )  # fmt: skip
    parser.set_defaults(failed=USAGE)
    parser.add_argument("text", nargs="+", metavar="FILE", help="what to check (- for stdin)")
    parser.add_argument(
        "--against", "--file", dest="file", action="extend", nargs="+", default=[],
        metavar="PATH", help="check against these files or folders only, with nothing else set up",
    )  # fmt: skip
    parser.add_argument(
        "--fail-on", action="append", type=_labels, default=[], metavar="LABELS",
        help="exit with 1 on these: refuted (the default), disputed, not_enough_evidence, none; "
        "repeatable, or parted by commas",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=["text", "markdown", "github"], default="text",
        help="text (default), a Markdown report, or annotations for GitHub Actions",
    )  # fmt: skip
    parser.add_argument("--markdown", dest="format", action="store_const", const="markdown",
                        help="the same as --format markdown")  # fmt: skip
    parser.add_argument("--date", metavar="TIME",
                        help="when the text was written: its \"yesterday\" is the day before "
                        "(default: the date it states, the file's, or today)")  # fmt: skip
    parser.add_argument("--as-of", metavar="TIME", help="check as if it were this time (ISO 8601)")
    parser.add_argument("--as", dest="kind", choices=["text", "markdown", "html", "pdf"],
                        default="", help="what FILE is (default: by its name)")  # fmt: skip
    parser.add_argument("--encoding", default="", help="encoding of a text that is not UTF-8")
    parser.add_argument(
        "--model", help="chat model as second judge: a name, a path, a URL, or none"
    )
    _risk(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    _scope(parser, file=False)


def _labels(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    known = ("refuted", "disputed", "not_enough_evidence", "supported", "none")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name[:40]!r} is none of {', '.join(known)}")
    return names


def _search(commands: Any) -> None:
    parser = _command(
        commands, "search", search, "find posts, copies shown as one origin",
        "Comes back: the best post of each origin, with its id, time, author and how many posts "
        "the origin stands for. No match is not an error.",
    )  # fmt: skip
    parser.add_argument("words", nargs="+", help="words to look for")
    parser.add_argument("-k", type=_positive, default=10, metavar="N",
                        help="at most N origins (default 10)")  # fmt: skip
    _scope(parser)


def _show(commands: Any) -> None:
    parser = _command(
        commands, "show", show, "show a post as it is held",
        "Comes back: its words, author, times, hash, origin, copies, earlier texts and replies. "
        "Fails if no such post is held, or its author deleted it.",
    )  # fmt: skip
    parser.add_argument("post", help="the post's id, as search and citations give it")
    _scope(parser)


def _pull(commands: Any) -> None:
    parser = _command(
        commands, "pull", pull, "take in posts from sources",
        "SOURCE is a file or folder (JSONL, CSV, Parquet, Markdown, text, HTML, PDF), a feed's "
        "URL, bluesky, feeds (the configured list), or - for JSON lines on standard input. "
        "Comes back: counts, and how many items were set aside (gnomon status says why). A "
        "source that fails is named and the others go on (exit code 1 at the end). Fails where "
        "another process is writing, or the disk is full. Ctrl-C keeps what was taken in.",
    )  # fmt: skip
    parser.add_argument("source", nargs="+", help="what to take in")
    parser.add_argument("--name", default="", help="name of the source; put before ids (NAME:id)")
    parser.add_argument("--encoding", default="", help="encoding of text files that are not UTF-8")
    parser.add_argument("--every", type=_seconds, metavar="SECONDS",
                        help="poll feeds again and again")  # fmt: skip
    parser.add_argument("--for", type=_seconds, dest="for_s", metavar="SECONDS",
                        help="stop after so long (bluesky and --every would go on)")  # fmt: skip
    parser.add_argument("--adult", action="store_true", help="take in posts labelled adult")


def _status(commands: Any) -> None:
    parser = _command(
        commands, "status", status, "say what is held, and what is missing",
        "Comes back: posts, origins, sources with their newest post, known gaps, what was set "
        "aside and why, models and what is wrong with them, disk. Reads only; fails where the "
        "configuration or the store cannot be read.",
    )  # fmt: skip
    parser.add_argument("--config", action="store_true", help="also list every setting")
    parser.add_argument("--set-aside", type=_positive, default=1000, metavar="N",
                        help="look at the newest N things set aside (default 1000)")  # fmt: skip
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="of this file or folder alone (repeatable)")  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="of the sample world (fiction)")


def _models(commands: Any) -> None:
    parser = _command(
        commands, "models", models, "list models, or pull one",
        "Comes back: task, licence, size, SHA-256 and sources of each known model. pull NAME "
        "fetches one, resumes, and refuses bytes whose hash is not the publisher's; NAME may be a "
        "GGUF file or its URL, too. export DIR and import DIR move pulled models between "
        "machines. Fails on an unknown name, a wrong hash, no way to the bytes, or a full disk.",
    )  # fmt: skip
    parser.add_argument("action", nargs="?", choices=["list", "pull", "export", "import"],
                        default="list", help="default: list")  # fmt: skip
    parser.add_argument("name", nargs="?", help="model name or URL (pull), folder (export, import)")
    parser.add_argument("--sha256", help="expected hash, for a model that is not in the table")


def _serve(commands: Any) -> None:
    parser = _command(
        commands, "serve", serve, "serve the page and the API",
        "Prints the address once it listens, and goes on until Ctrl-C. Fails if the port is in "
        "use, another process is writing, or a model that you named is not here. Without posts "
        "and without a network it opens the sample world and says so.",
    )  # fmt: skip
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default 8080; 0 picks a free one)")
    parser.add_argument("--live", action="store_true", help="also take in live posts")
    parser.add_argument("--sample", action="store_true", help="serve the sample world (fiction)")
    parser.add_argument("--file", action="append", default=[], metavar="PATH",
                        help="serve what these files hold, and nothing else")  # fmt: skip


def _lab(commands: Any) -> None:
    from gnomon.lab.commands import add_arguments

    parser = _command(
        commands, "lab", lab, "train models of your own",
        "verifier: train the model that checks claims, from published sets, and export it as the "
        "folder that the setting `verifier` takes. Comes back: that folder. Shows progress, can be "
        "interrupted, and the same command goes on where it was. Fails where gnomon[lab] is not "
        "installed, a set or the base model is not here, or the folder holds another run.",
    )  # fmt: skip
    parser.add_argument("recipe", choices=["verifier"], help="what to train")
    add_arguments(parser)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 on")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no share from 0 to 1, such as 0.05")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds above 0")
    return value


# ------------------------------------------------------------------------------- the commands


def config_of(args: argparse.Namespace, **overrides: Any) -> Config:
    return load(args.home, **overrides)


@contextmanager
def opened(args: argparse.Namespace, how: str = "read", **overrides: Any) -> Iterator[Gnomon]:
    """What the arguments name: files, the sample world, or the owner's store, opened to "read",
    to "ask" (and journal, if it can be) or to "write"."""
    config = config_of(args, **overrides)
    from gnomon import assemble

    if getattr(args, "file", None):
        gnomon = assemble.open_files(config, args.file)
    elif getattr(args, "sample", False):
        gnomon = assemble.open_sample(config)
    elif how == "ask":
        gnomon = assemble.open_for_asking(config)
    else:
        gnomon = assemble.open_gnomon(config, readonly=how == "read")
    with gnomon:
        yield gnomon


def filter_of(args: argparse.Namespace) -> Filter:
    from gnomon.types import Filter
    from gnomon.wire import parse_time

    since = parse_time(args.since) if args.since else None
    until = parse_time(args.until) if args.until else None
    if since is not None and until is not None and since >= until:
        raise InputError(f"--since {args.since} is not before --until {args.until}; swap them.")
    return Filter(since, until, tuple(args.source), tuple(args.author), tuple(args.lang))


def ask(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.types import Finished
    from gnomon.wire import parse_time, to_json

    now, where = parse_time(args.as_of) if args.as_of else None, filter_of(args)
    with opened(args, "ask", chat_model=args.model, risk=args.risk) as gnomon:
        events = gnomon.ask(" ".join(args.question), where=where, now=now)
        if args.json:
            last = [event for event in events if isinstance(event, Finished)][-1]
            print_json(to_json(last.answer))
        else:
            last = terminal.follow(events, steps=not args.quiet)
        for trouble in gnomon.trouble.values():
            terminal.warn(f"Answered without a model: {trouble}")
        if gnomon.unkept:
            terminal.warn(f"This answer is not in the journal: {gnomon.unkept}.")
        _say_set_aside(args, gnomon)
    return UNKNOWN if last.answer.abstained else DONE


def _say_set_aside(args: argparse.Namespace, gnomon: Gnomon) -> None:
    """Of files given with ``--file``, which nothing else would tell about."""
    from gnomon import terminal

    total = gnomon.store.status().set_aside if args.file else 0
    if total:
        paths = " ".join(f"--file {shlex.quote(path)}" for path in args.file)
        said = terminal.count(total, "thing")
        terminal.warn(f"Set aside: {said}; `gnomon status {paths}` says what and why.")


def check(args: argparse.Namespace) -> int:
    from gnomon import assemble, terminal
    from gnomon.types import Label
    from gnomon.wire import parse_time, to_json

    where = filter_of(args)
    date = parse_time(args.date) if args.date else None
    now = parse_time(args.as_of) if args.as_of else None
    named = [name for names in args.fail_on for name in names] or ["refuted"]
    fails = {Label(name) for name in named if name != "none"}
    if args.text.count("-") > 1:
        raise UsageError("standard input (-) can be read only once.")
    read = partial(assemble.open_document, stdin=sys.stdin.buffer, kind=args.kind,
                   encoding=args.encoding, date=date)  # fmt: skip
    with opened(args, "ask", chat_model=args.model, risk=args.risk) as gnomon:
        documents = [read(path, now=gnomon.now()) for path in args.text]
        if not gnomon.store.status().posts:
            raise InputError(
                "Nothing is held to check against; give evidence with --against FILE, or take "
                "posts in with `gnomon pull`."
            )
        checks = (gnomon.check(document, where=where, now=now) for document in documents)
        shown = "json" if args.json else args.format
        done, stopped = terminal.follow_checks(checks, shown, fails, progress=not args.quiet)
        if args.json:
            one = len(documents) == 1 and done
            print_json(to_json(done[0] if one else {"object": "list", "data": done}))
        for trouble in gnomon.trouble.values():
            terminal.warn(f"Checked without a model: {trouble}")
        if gnomon.unkept:
            terminal.warn(f"This check is not in the journal: {gnomon.unkept}.")
        _say_set_aside(args, gnomon)
    if stopped:
        print("gnomon: stopped; what was checked by then is above.", file=sys.stderr)
        return INTERRUPTED
    labels = {f.verdict.label for one in done for f in one.findings if f.verdict}
    return REFUTED if labels & fails else DONE


def search(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    where = filter_of(args)
    with opened(args) as gnomon:
        found = gnomon.search(" ".join(args.words), k=args.k, where=where)
        if args.json:
            print_json(to_json(found))
        else:
            terminal.results(found, held=gnomon.store.status().posts)
        _say_set_aside(args, gnomon)
    return DONE


def show(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    with opened(args) as gnomon:
        view = gnomon.show(args.post)
        print_json(to_json(view)) if args.json else terminal.post(view)
    return DONE


def pull(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import to_json

    latest: dict[str, Report] = {}
    with (
        opened(args, "write", adult=args.adult or None) as gnomon,
        terminal.progress(not args.json) as show,
    ):

        def count(report: Report) -> None:
            latest[report.source] = report
            if show is not None:
                show(report)

        try:
            reports = gnomon.pull(
                args.source,
                name=args.name,
                encoding=args.encoding,
                every_s=args.every,
                for_s=args.for_s,
                stdin=sys.stdin.buffer,
                on_progress=count,
            )
        except KeyboardInterrupt:
            reports = None
    rows = list(latest.values()) if reports is None else reports
    print_json(to_json(rows)) if args.json else terminal.reports(rows)
    if reports is None:
        print("gnomon: stopped; what was acknowledged is kept.", file=sys.stderr)
        return INTERRUPTED
    return FAILED if any(report.error for report in reports) else DONE


def status(args: argparse.Namespace) -> int:
    from gnomon import terminal

    with opened(args) as gnomon:
        facts = dict(gnomon.status(args.set_aside))
        if args.config:
            facts["config"] = gnomon.settings()
        print_json(facts) if args.json else terminal.status(facts)
    return DONE


def models(args: argparse.Namespace) -> int:
    from gnomon import assemble, terminal

    config = config_of(args)
    if args.action == "list":
        rows = assemble.model_rows(config)
        print_json(rows) if args.json else terminal.models(rows)
        return DONE
    if not args.name:
        what = "NAME; `gnomon models` lists names" if args.action == "pull" else "DIR, a folder"
        raise UsageError(f"say which: gnomon models {args.action} {what}.")
    with terminal.download(not args.json) as show:
        paths = assemble.move_model(
            args.action, args.name, config, sha256=args.sha256, on_progress=show
        )
    print_json([str(path) for path in paths]) if args.json else terminal.pulled(paths)
    return DONE


def lab(args: argparse.Namespace) -> int:
    from gnomon.lab import commands

    config = config_of(args)
    folder = commands.verifier(args, config.models_dir, config.threads)
    print_json({"verifier": str(folder)}) if args.json else print(folder)
    return DONE


def serve(args: argparse.Namespace) -> int:
    from gnomon import assemble
    from gnomon.serve.app import listen, url_of
    from gnomon.serve.app import serve as run_server

    config = config_of(args, host=args.host, port=args.port)
    say = partial(print, file=sys.stderr if args.json else sys.stdout, flush=True)
    with (
        closing(listen(config.host, config.port)) as listening,
        assemble.open_for_serving(
            config, files=args.file, use_sample=args.sample, live=args.live, say=say
        ) as gnomon,
    ):
        url = url_of(listening)
        if args.json:
            print_json({"url": url})
            sys.stdout.flush()
        say(f"gnomon is at {url} (Ctrl-C stops it)")
        try:
            run_server(gnomon, config.host, config.port, listening=listening)
        except KeyboardInterrupt:
            say("gnomon: stopped.")
    return DONE


def print_json(value: Any) -> None:
    """One JSON document on standard output; what could steer a terminal is escaped."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2, default=str)
    print(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


_STEERING = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def entry() -> NoReturn:
    """The ``gnomon`` command: ``main``, and then out.

    A thread that still waits in a read (a pipe, a name look-up) would be torn down inside native
    code while the interpreter finalises, which can abort the process. All that must be kept is
    closed by then, so it leaves at once instead.
    """
    code = main()
    if threading.active_count() > 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    entry()

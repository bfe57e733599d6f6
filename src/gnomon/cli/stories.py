"""``gnomon stories`` and ``gnomon story``: what is told, by whom, and what is agreed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gnomon.cli import story_telling
from gnomon.cli.arguments import DONE, UsageError, command, opened, positive
from gnomon.cli.output import print_json, say_set_aside

if TYPE_CHECKING:
    from gnomon.types import Fact, Saying, Story, Version

_BARS = " ▁▂▃▄▅▆▇█"
_SPARK = 24
_SHOWN = 8


def add_stories(commands: Any) -> None:
    parser = command(
        commands, "stories", stories, "list the stories of a time",
        "Comes back: for each story its headline, how loud it is (people who carry it, counting "
        "half with every six hours) and how well supported (things said independently, and by how "
        "many), two separate figures, in both of which a coordinated group is one. Without --since "
        "the 24 hours up to now, or up to the newest post. None is not an error.",
    )  # fmt: skip
    parser.add_argument("--since", metavar="TIME", help="from this time on (ISO 8601)")
    parser.add_argument("--until", metavar="TIME", help="before this time")
    parser.add_argument("--lang", action="append", default=[], help="told in this language")
    parser.add_argument("-k", type=positive, default=10, metavar="N",
                        help="at most N stories (default 10)")  # fmt: skip
    parser.add_argument("--by", choices=("interest", "support"), default="interest",
                        help="loudest or best supported first (default interest)")  # fmt: skip
    _place(parser)


def add_story(commands: Any) -> None:
    parser = command(
        commands, "story", story, "tell a story that is held, or continue a plot of your own",
        "With the id of a story: who said it first, what each origin added, what independent "
        "origins agree on, numbers that conflict and who gives them, who carried it; fails if no "
        "such story is held. With --plot FILE: the next part of a plot, each sentence held to the "
        "characters, threads and facts that FILE keeps; FILE then has the new part and what it "
        "changed, to be edited. Needs a chat model.",
    )  # fmt: skip
    parser.add_argument("id", nargs="*", help="the story's id, as `gnomon stories` shows it, or a "
                        "post's; with --plot: what happens next")  # fmt: skip
    _place(parser)
    story_telling.add_plot(parser)


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--file", action="append", default=[], metavar="PATH",
        help="look in this file or folder only, with nothing else set up (repeatable)",
    )  # fmt: skip
    parser.add_argument("--sample", action="store_true", help="look in the sample world (fiction)")


def stories(args: argparse.Namespace) -> int:
    from gnomon import terminal
    from gnomon.wire import parse_time, to_json

    since = parse_time(args.since) if args.since else None
    until = parse_time(args.until) if args.until else None
    with opened(args, "ask") as gnomon:
        with terminal.catching_up(gnomon.rising):
            gnomon.rising.stories_caught_up()
        found = gnomon.rising.stories(
            since=since, until=until, langs=args.lang, k=args.k, by=args.by
        )
        if args.json:
            print_json(to_json(found))
        else:
            for one in found.stories:
                _line(one)
            if not found.stories:
                span = f"{terminal.when(found.since)} to {terminal.when(found.until)}"
                terminal.prose(
                    f"No story between {span}: one needs two origins, or one that many carry. "
                    "--since looks further back."
                )
        say_set_aside(args, gnomon)
    return DONE


def story(args: argparse.Namespace) -> int:
    if args.plot is not None:
        return story_telling.tell(args)
    if len(args.id) != 1:
        said = f"{' '.join(args.id)[:60]!r} is no story's id" if args.id else "which story?"
        raise UsageError(
            f"{said}; `gnomon stories` lists them, and --plot FILE continues a plot of your own."
        )
    from gnomon import terminal
    from gnomon.wire import to_json

    with opened(args, "ask") as gnomon:
        with terminal.catching_up(gnomon.rising):
            gnomon.rising.stories_caught_up()
        told = gnomon.rising.story(args.id[0])
        if args.json:
            print_json(to_json(told))
        else:
            _whole(told)
        say_set_aside(args, gnomon)
    return DONE


def _line(story: Story) -> None:
    from gnomon import terminal
    from gnomon.terminal import count, safe

    terminal.line(f"[bold]{safe(story.title)}[/]")
    support = story.support
    terminal.line(
        f"  {_spark(story)}  [dim]{safe(story.id)}  {' '.join(story.langs)}[/]\n"
        f"  loud: {story.interest:.1f} of {count(story.authors, 'author')}, "
        f"{count(story.posts, 'post')}  [green]supported: {count(support.origins, 'origin')} by "
        f"{support.authors}[/]  [dim]since {terminal.when(story.first_seen)}[/]"
    )
    if story.discount.share or story.discount.passed_off:
        terminal.prose(f"  [yellow]{safe(story.discount.reason)}[/]")


def _whole(story: Story) -> None:
    from gnomon import terminal
    from gnomon.terminal import count, line, prose, safe

    _line(story)
    first = story.first
    line(f"\nFirst said by {_who(first)}")
    prose(f"  {safe(first.quote)}")
    line("\n[bold]Timeline[/]")
    for moment in story.timeline:
        said = moment.saying
        new = ", ".join([*moment.numbers, *moment.names])
        line(f"  [dim]{terminal.when(said.said_at)}[/]  {safe(said.author)}  [dim]{safe(new)}[/]")
        prose(f"    {safe(said.quote)}")
    checked = f" [dim](compared by {safe(story.checked_by)})[/]" if story.checked_by else ""
    line(f"\n[bold]Agreed[/]{checked}")
    for fact in story.agreed:
        prose(f"  [green]{safe(fact.text)}[/]")
        line(f"    [dim]{_names(fact.said_by)}{_as_one(fact)}[/]")
    if not story.agreed:
        line("  [dim]nothing that two independent origins say[/]")
    if story.disputed:
        line("\n[bold]Conflicting numbers[/]")
    for conflict in story.disputed:
        line(f"  {safe(conflict.about)}")
        for version in conflict.versions:
            since = terminal.when(version.said_by[0].said_at)
            said_by = f"{_names(version.said_by)}{_as_one(version)}, since {since}"
            line(f"    [yellow]{safe(version.value)}[/]  [dim]{said_by}[/]")
    line("\n[bold]Carried by[/]")
    for one in story.carriers[:_SHOWN]:
        line(f"  {count(one.posts, 'post')}  {safe(one.author)}  [dim]{safe(one.post)}[/]")


def _who(said: Saying) -> str:
    from gnomon import terminal
    from gnomon.terminal import safe

    author = safe(said.author or said.source)
    return f"{author}, [dim]{terminal.when(said.said_at)}, {safe(said.post)}[/]"


def _names(said_by: tuple[Saying, ...]) -> str:
    from gnomon.terminal import safe

    named = dict.fromkeys(said.author or said.source for said in said_by)
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return safe(", ".join(list(named)[:_SHOWN])) + more


def _as_one(told: Fact | Version) -> str:
    """How many voices those are who say it, where that is fewer than origins."""
    if told.voices >= len(told.said_by):
        return ""
    return f" ({len(told.said_by)} origins that count as {told.voices})"


def _spark(story: Story) -> str:
    bins = story.spark
    size = -(-len(bins) // _SPARK)
    sums = [sum(bins[i : i + size]) for i in range(0, len(bins), size)]
    top = max(sums)
    return "".join(_BARS[-(-8 * n // top)] if n else _BARS[0] for n in sums)

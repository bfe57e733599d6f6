"""What the documentation says is there is there: links, files, commands, and code that runs."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import environment, serving
from gnomon.cli import build_parser
from gnomon.cli.arguments import UsageError
from gnomon.lab.workspace import PICTURE_STAGES, STAGES

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# A record of what was: its commands and files may be gone.
LASTING = [page for page in PAGES if page.name != "LOG.md"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_FILE = re.compile(r"`((?:docs|tests|bench|src)/[\w./-]+)`")
_PAGE_COMMAND = re.compile(r"^(?:\$ )?(gnomon(?: .*)?)$", re.MULTILINE)
_INLINE_COMMAND = re.compile(r"`(gnomon [^`]+)`")
# A synopsis, a placeholder for any command, or a line that says where output goes.
_SYNOPSIS = re.compile(r"\[|\b(?:COMMAND|ARGS)\b|\||…")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code, in which brackets mean something else."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What may follow '#' after a page's name, as GitHub makes it of headings
    (https://docs.github.com/get-started/writing-on-github: section links)."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = sum(1 for one in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", one))
        found.add(f"{slug}-{number}" if number else slug)
    return found


def commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Every `gnomon ...` that a page shows, and whether in a block, so whole: a sentence may name
    a command without what it needs."""
    text = page.read_text(encoding="utf-8")
    found = [(line, True) for lang, block in _FENCE.findall(text) if lang in ("", "sh")
             for line in _PAGE_COMMAND.findall(block)]  # fmt: skip
    inline = _INLINE_COMMAND.findall(_FENCE.sub("", text))
    found += [(" ".join(one.split()), False) for one in inline]
    yield from (one for one in found if not _SYNOPSIS.search(one[0].partition("  #")[0]))


def words_of(command: str) -> list[str]:
    """A line of a shell as arguments, without its comment and without where its output goes."""
    words = shlex.split(command, comments=True)[1:]
    for sign in (">", ">>", "<", "&&", "&"):
        words = words[: words.index(sign)] if sign in words else words
    return words


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name_of(page)} links to {link}, which is not there"
        assert there.is_relative_to(ROOT), f"{name_of(page)} links out of the project: {link}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name_of(page)} links to {link}: no such heading"


@pytest.mark.parametrize("page", LASTING, ids=name_of)
def test_files_that_are_named_are_there(page: Path) -> None:
    for path in _FILE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), f"{name_of(page)} names {path}, which is not there"


@pytest.mark.parametrize("page", LASTING, ids=name_of)
def test_commands_are_understood(page: Path) -> None:
    """By the parser alone: nothing is run."""
    for command, whole in commands(page):
        words = words_of(command)
        try:
            if words not in ([], ["--help"]):
                build_parser().parse_args(words)
        except UsageError as error:
            if not whole and "arguments are required" in str(error):
                continue
            raise AssertionError(f"{name_of(page)} shows `{command}`: {error}") from None


def test_the_readme_shows_every_command_but_help() -> None:
    """So that the two tests above look at something, and nothing new is forgotten."""
    shown = {words_of(one)[0] for one, _ in commands(ROOT / "README.md") if words_of(one)}
    known = next(a for a in build_parser()._actions if isinstance(a.choices, dict)).choices
    assert known is not None
    assert set(known) - shown == {"show"}


def test_the_settings_are_those_of_the_code() -> None:
    """Made anew by ``make docs``."""
    code = "import sys; sys.path.insert(0, 'docs'); import cli_help; print(cli_help.settings())"
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.split() == (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").split()


def test_every_page_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    listed = {link for link in _LINK.findall(index) if "/" not in link}
    here = {page.name for page in PAGES if page.parent.name == "docs"}
    assert here - listed == {"README.md"}


def test_the_readmes_code_runs_against_the_sample_world(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block for lang, block in _FENCE.findall(text) if lang == "python"]
    assert len(blocks) == 3
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        xai = str(free.getsockname()[1])
    with serving(tmp_path, "--sample", "--xai-port", xai) as url:
        for block, said in zip(blocks, ("20 March", "will not close", "refuted"), strict=True):
            code = block.replace("http://127.0.0.1:8080", url).replace("50051", xai)
            assert code != block, "the code does not name the server that the README starts"
            done = subprocess.run(
                [sys.executable, "-c", code],
                env=environment(tmp_path),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert said in done.stdout


@pytest.mark.parametrize("script", sorted((ROOT / "runs").glob("*.sh")), ids=lambda p: p.name)
def test_the_recipes_say_what_the_command_line_understands(script: Path, tmp_path: Path) -> None:
    """Each command of a recipe, as bash makes it of its variables; what the commands then do, the
    tests of the lab try. One that begins with a word model has every stage, one of pictures those
    that it needs, in their order."""
    said = tmp_path / "said"
    for name in ("gnomon", "torchrun"):
        stand_in = tmp_path / name
        stand_in.write_text(
            f"#!/usr/bin/env bash\nprintf '%s\\0' {name} \"$@\" >> {said}\necho >> {said}\n"
        )
        stand_in.chmod(0o755)
    given = {"EVAL_DIR": "sets", "CHATS": "chats", "FROM": "posts.jsonl", "PICTURE": "garden.jpg"}
    environ = os.environ | given | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", str(script), "2"], env=environ, check=True, capture_output=True)
    lines = [line.split("\0")[:-1] for line in said.read_text().splitlines()]
    for program, *words in lines:
        if program == "torchrun":
            words = words[words.index("gnomon") + 1 :]
        build_parser().parse_args(words)
    done = [words[words.index("lab") + 1] for words in lines if "lab" in words]
    done = list(dict.fromkeys(done))
    if done[0] in STAGES:
        assert done == list(STAGES)
    else:
        assert done == [stage for stage in PICTURE_STAGES if stage in done]


def test_every_stage_of_pictures_has_its_recipe() -> None:
    recipes = "\n".join(path.read_text("utf-8") for path in (ROOT / "runs").glob("*.sh"))
    assert [stage for stage in PICTURE_STAGES if f"gnomon lab {stage} " not in recipes] == []

"""Takes out each guard that SECURITY.md names, one at a time, and sees whether its tests notice.

    python -m bench.guards [--only NAME ...] [--attack WORDS] [--fresh] [--list]

`guards.toml` beside this file has the guards: the file, the exact text of the guard, what stands
there without it, and the tests of SECURITY.md that must then fail, each of them. The tree is copied
to a temporary folder and changed there alone. First the tests run as they are: one that does not
pass then proves nothing later. A failure is a failed assertion; an error of the set-up, or a module
that no longer loads, is none. One that speaks of time may be the machine's doing, not the guard's
absence: then the test has to pass with the guard back in place and to fail again without it.

What was seen is kept (`--state`) until the row, its file or its tests change, so an interrupted
run goes on where it was; `--fresh` begins anew. Exit 1 where the absence of a guard goes unseen, 2
where the table is not true any more. The last line is JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".toml")
LEFT_BEHIND = (".git", ".venv", ".cache", "runs", "node_modules", "__pycache__", ".*_cache")
MOST_SAID = 400
"""Characters of a failure that are kept: what it says of time stands at its beginning."""
LONGEST_S = 120
"""A test that takes longer has failed: without its guard, some wait for ever."""
OF_TIME = re.compile(r"time[d ]*out|too (?:slow|late|long)|deadline|did not (?:end|stop)", re.I)
"""Failures that a loaded machine can bring about by itself: they are tried again."""


class TableError(Exception):
    """The table says what is no longer so; the message has a line for each."""


@dataclass(frozen=True)
class Change:
    """``guard`` stands in ``file`` exactly once, and becomes ``without``."""

    file: str
    guard: str
    without: str


@dataclass(frozen=True)
class Guard:
    """``changes`` together leave ``attack`` (first column of SECURITY.md's table) unguarded;
    ``tests`` are those of its row that must then fail."""

    name: str
    attack: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Unguarded:
    """Why a test of SECURITY.md, or with ``test`` "" a whole row, has nothing to take out."""

    attack: str
    reason: str
    test: str = ""


@dataclass(frozen=True)
class Table:
    guards: tuple[Guard, ...]
    unguarded: tuple[Unguarded, ...]


@dataclass(frozen=True)
class Seen:
    """How each test of a guard went without it: "failed", "passed", "skipped", "error"; ``why`` has
    the first line of each failure."""

    outcomes: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def unseen(self) -> list[str]:
        return [test for test, how in self.outcomes.items() if how in ("passed", "error")]

    @property
    def untried(self) -> list[str]:
        return [test for test, how in self.outcomes.items() if how == "skipped"]

    @property
    def of_time(self) -> list[str]:
        """The tests that failed with a word of time: a loaded machine may have done it."""
        failed = [test for test, how in self.outcomes.items() if how == "failed"]
        return [test for test in failed if OF_TIME.search(self.why.get(test, ""))]


def read(path: Path = TABLE) -> Table:
    """The table; raises TableError where a row lacks something."""
    given = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        guards = tuple(
            Guard(
                row["name"],
                row["attack"],
                tuple(
                    Change(one["file"], one["guard"], one["without"])
                    for one in (row, *row.get("also", ()))
                ),
                tuple(row["tests"]),
            )
            for row in given["guard"]
        )
    except KeyError as missing:
        raise TableError(f"A guard in {path.name} has no {missing}; add it.") from None
    return Table(guards, tuple(Unguarded(**row) for row in given.get("unguarded", ())))


def attacks(text: str) -> dict[str, tuple[str, ...]]:
    """The rows of SECURITY.md's table: what is attacked, and the tests that try it."""
    _, _, after = text.partition("## Attacks")
    cells = [line.strip("| ").split(" | ") for line in after.splitlines() if line.startswith("|")]
    return {
        row[0].strip(): tuple(re.findall(r"`(tests/\w+\.py::\w+)`", row[2])) for row in cells[2:]
    }


def faults(table: Table, rows: Mapping[str, Sequence[str]], root: Path = ROOT) -> list[str]:
    """What of the table is not true of the tree; [] where all is."""
    wrong = []
    names = [guard.name for guard in table.guards]
    wrong += [
        f"{name}: the name is given twice" for name in {n for n in names if names.count(n) > 1}
    ]
    for guard in table.guards:
        for change in guard.changes:
            path = root / change.file
            times = path.read_text(encoding="utf-8").count(change.guard) if path.exists() else 0
            if times != 1:
                wrong.append(
                    f"{guard.name}: its guard stands {times} times in {change.file}, not once; "
                    f"say in guards.toml how it reads now: {change.guard.strip()[:100]!r}"
                )
            if change.guard == change.without:
                wrong.append(f"{guard.name}: nothing is taken out of {change.file}")
        strangers = [test for test in guard.tests if test not in rows.get(guard.attack, ())]
        if guard.attack not in rows:
            wrong.append(f"{guard.name}: SECURITY.md has no row {guard.attack!r}")
        elif strangers or not guard.tests:
            wrong.append(f"{guard.name}: not tests of its row in SECURITY.md: {strangers}")
    for reason in table.unguarded:
        if reason.attack not in rows or (reason.test and reason.test not in rows[reason.attack]):
            wrong.append(f"unguarded: SECURITY.md has no {reason.attack!r} with {reason.test!r}")
    return wrong + _untested(table, rows, root)


def _untested(table: Table, rows: Mapping[str, Sequence[str]], root: Path) -> list[str]:
    """Tests that are not there, and tests and rows for which nothing is taken out."""
    wrong = []
    excused = {(reason.attack, reason.test) for reason in table.unguarded}
    tried = {(guard.attack, test) for guard in table.guards for test in guard.tests}
    for attack, tests in rows.items():
        if not tests:
            wrong.append(f"SECURITY.md names no test for {attack!r}")
        for test in tests:
            file, _, function = test.partition("::")
            path = root / file
            if not path.exists() or f"def {function}(" not in path.read_text(encoding="utf-8"):
                wrong.append(f"SECURITY.md names {test}, which is not there")
            if not {(attack, test)} & tried and not {(attack, test), (attack, "")} & excused:
                wrong.append(
                    f"nothing is taken out for {test} ({attack!r}); add a guard to guards.toml, "
                    "or an [[unguarded]] with the reason"
                )
    return wrong


class Copy:
    """The tree in a folder where it may be broken."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        shutil.copytree(
            root, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND), dirs_exist_ok=True
        )
        self._written = 0

    def write(self, file: str, text: str) -> None:
        """With a time of its own for each: Python takes a compiled file for one of the same second
        and length."""
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        self._written += 1
        at = 1_700_000_000 + self._written
        os.utime(path, (at, at))

    def without(self, guard: Guard, tests: Collection[str] = ()) -> Seen:
        """How the tests of ``guard`` (or ``tests`` of them) go while it is out."""
        held = {one.file: (self.folder / one.file).read_text("utf-8") for one in guard.changes}
        try:
            for one in guard.changes:
                text = (self.folder / one.file).read_text(encoding="utf-8")
                if text.count(one.guard) != 1:
                    raise TableError(f"{guard.name}: its guard is not once in {one.file}.")
                self.write(one.file, text.replace(one.guard, one.without))
            return self.run(tests or guard.tests)
        finally:
            for file, text in held.items():
                self.write(file, text)

    def run(self, tests: Collection[str]) -> Seen:
        """How each test goes: "failed" where any of its cases fails."""
        report = self.folder.parent / f"{self.folder.name}-report.xml"
        report.unlink(missing_ok=True)
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout"]
        words += [f"--timeout={LONGEST_S}"]
        env = {
            "GNOMON_TEST_MODELS": str(self.root / ".cache" / "models"),
            **os.environ,
            # A third of what a small run takes is the loading of plugins that no test here needs.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(self.folder / "src"),
            "PYTHONPYCACHEPREFIX": str(self.folder / ".compiled"),
        }
        done = subprocess.run(
            [sys.executable, *words, f"--junitxml={report}", *tests],
            cwd=self.folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seen = _outcomes(report, tests) if report.exists() else Seen()
        seen = replace(seen, outcomes=dict.fromkeys(tests, "error") | dict(seen.outcomes))
        for test, how in seen.outcomes.items():
            if how == "error":
                print(f"  {test} could not be run:\n{done.stdout[-1500:]}{done.stderr[-500:]}")
        return seen


def _outcomes(report: Path, tests: Collection[str]) -> Seen:
    cases: dict[str, set[str]] = {test: set() for test in tests}
    why: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        file = case.get("classname", "").replace(".", "/") + ".py"
        test = f"{file}::{case.get('name', '').partition('[')[0]}"
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        cases.setdefault(test, set()).update(kinds or {"passed"})
        for failure in case.iter("failure"):
            why.setdefault(test, " ".join(failure.get("message", "").split())[:MOST_SAID])
    words = (
        ("failure", "failed"),
        ("error", "error"),
        ("passed", "passed"),
        ("skipped", "skipped"),
    )
    outcomes = {
        test: next((word for kind, word in words if kind in kinds), "error")
        for test, kinds in cases.items()
        if test in tests
    }
    return Seen(outcomes, {test: said for test, said in why.items() if test in tests})


class Record:
    """What was seen before, kept in a file: how the tests of each guard went without it, and which
    tests passed as they are. It counts as long as the row, its files and its tests stay the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._rows: dict[str, dict[str, str]] = held.get("rows", {})
        self._why: dict[str, dict[str, str]] = held.get("why", {})
        self._plain: dict[str, str] = held.get("plain", {})

    def seen(self, guard: Guard, root: Path) -> Seen | None:
        name = _digest(guard, root)
        row = self._rows.get(name)
        return Seen(row, self._why.get(name, {})) if row is not None else None

    def see(self, guard: Guard, root: Path, seen: Seen) -> None:
        name = _digest(guard, root)
        self._rows[name], self._why[name] = dict(seen.outcomes), dict(seen.why)
        self._keep()

    def plain(self, test: str, root: Path) -> str:
        """How a test goes with every guard in place, "" where that is not known."""
        return self._plain.get(_plain(test, root), "")

    def see_plain(self, outcomes: Mapping[str, str], root: Path) -> None:
        self._plain |= {_plain(test, root): how for test, how in outcomes.items()}
        self._keep()

    def forget(self) -> None:
        self._rows, self._why, self._plain = {}, {}, {}

    def _keep(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        staged = self._path.with_suffix(".part")
        staged.write_text(
            json.dumps({"rows": self._rows, "why": self._why, "plain": self._plain}, indent=1),
            encoding="utf-8",
        )
        staged.replace(self._path)


def _digest(guard: Guard, root: Path) -> str:
    files = {one.file for one in guard.changes} | {test.partition("::")[0] for test in guard.tests}
    said = hashlib.sha256(repr(guard).encode())
    for file in sorted(files):
        said.update((root / file).read_bytes())
    return f"{guard.name} {said.hexdigest()[:16]}"


def _plain(test: str, root: Path) -> str:
    file = (root / test.partition("::")[0]).read_bytes()
    return f"{test} {hashlib.sha256(file).hexdigest()[:16]}"


def take_out(guards: Sequence[Guard], copy: Copy, record: Record) -> None:
    """Take out each, telling and keeping what was seen."""
    tests = {test for guard in guards for test in guard.tests}
    unknown = sorted(test for test in tests if not record.plain(test, copy.folder))
    for file, some in groupby(unknown, lambda test: test.partition("::")[0]):
        named = list(some)
        print(f"as they are: {len(named)} tests of {file}", flush=True)
        record.see_plain(copy.run(named).outcomes, copy.folder)
    for number, guard in enumerate(guards, 1):
        began = time.monotonic()
        plain = {test: record.plain(test, copy.folder) for test in guard.tests}
        # Who does not pass with the guard in place proves nothing without it.
        unfit = {test: how for test, how in plain.items() if how != "passed"}
        seen = again(guard, copy, copy.without(guard))
        outcomes = {**seen.outcomes, **unfit}
        outcomes |= {test: "error" for test, how in unfit.items() if how != "skipped"}
        seen = replace(seen, outcomes=outcomes)
        record.see(guard, copy.folder, seen)
        took_s = time.monotonic() - began
        print(f"[{number}/{len(guards)}, {took_s:.0f} s] {told(guard, seen)}", flush=True)
        for test, how in unfit.items():
            print(f"  with the guard in place {test} has {how}", flush=True)


def again(guard: Guard, copy: Copy, seen: Seen) -> Seen:
    """``seen`` with each failure that speaks of time tried once more, on both sides: it counts if
    the test passes now with the guard in place, and fails again without it."""
    late = seen.of_time
    if not late:
        return seen
    plain = copy.run(late).outcomes
    second = copy.without(guard, late)
    outcomes = {
        test: second.outcomes[test] if plain[test] == "passed" else "error" for test in late
    }
    for test, how in outcomes.items():
        print(f"  {test} spoke of time: tried again, in place {plain[test]}, without {how}")
    return Seen({**seen.outcomes, **outcomes}, {**seen.why, **second.why})


def told(guard: Guard, seen: Seen) -> str:
    """One line for people."""
    failed = [test.partition("::")[2] for test, how in seen.outcomes.items() if how == "failed"]
    if seen.unseen:
        noticed = f"; noticed by {', '.join(failed)}" if failed else ""
        return f"BAD   {guard.name} gone -> unseen by {', '.join(seen.unseen)}{noticed}"
    if seen.untried:
        return f"?     {guard.name} gone -> skipped: {', '.join(seen.untried)}"
    return f"good  {guard.name} gone -> failed: {', '.join(failed)}"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="these guards")
    parser.add_argument("--attack", default="", help="guards of the rows with these words")
    parser.add_argument("--fresh", action="store_true", help="take all out again")
    parser.add_argument("--list", action="store_true", help="what the table has")
    parser.add_argument("--state", type=Path, default=ROOT / ".cache" / "guards.json")
    given = parser.parse_args(words)
    table = read()
    wrong = faults(table, attacks((ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    unknown = set(given.only) - {guard.name for guard in table.guards}
    wrong += [f"there is no guard {name!r}; --list shows them" for name in sorted(unknown)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 2
    chosen = [
        guard
        for guard in table.guards
        if given.attack in guard.attack and (not given.only or guard.name in given.only)
    ]
    if given.list:
        print("\n".join(f"{guard.name}  ({guard.attack})" for guard in chosen))
        return 0
    record = Record(given.state)
    if given.fresh:
        record.forget()
    left = [guard for guard in chosen if record.seen(guard, ROOT) is None]
    print(f"{len(chosen)} guards, {len(chosen) - len(left)} of them seen before")
    began = time.monotonic()
    seen = {guard.name: record.seen(guard, ROOT) for guard in chosen}
    if left:
        with tempfile.TemporaryDirectory(prefix="gnomon-guards-") as folder:
            copy = Copy(ROOT, Path(folder) / "tree")
            take_out(left, copy, record)
            seen |= {guard.name: record.seen(guard, copy.folder) for guard in left}
    return summary(chosen, seen, table, time.monotonic() - began)


def summary(
    chosen: Sequence[Guard], seen: Mapping[str, Seen | None], table: Table, took_s: float
) -> int:
    """Print what came of it; the exit code."""
    results = {guard.name: seen[guard.name] or Seen() for guard in chosen}
    unseen = sorted(name for name, one in results.items() if one.unseen)
    untried = sorted(name for name, one in results.items() if one.untried and not one.unseen)
    for guard in chosen:
        if guard.name in unseen + untried:
            print(told(guard, results[guard.name]))
    told_of = {
        "guards": len(chosen),
        "seen": len(chosen) - len(unseen) - len(untried),
        "unseen": unseen,
        "not_tried": untried,
        "tests": len({test for guard in chosen for test in guard.tests}),
        "tried_twice": sum(bool(one.of_time) for one in results.values()),
        "nothing_to_take_out": len(table.unguarded),
        "took_s": round(took_s, 1),
    }
    print(json.dumps(told_of))
    return 1 if unseen else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TableError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on where it was")

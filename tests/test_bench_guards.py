"""The table of guards is true of the code and of SECURITY.md; taking one out is seen rightly."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import guards  # noqa: E402
from bench.guards import Change, Copy, Guard, Record, Seen, Table, Unguarded  # noqa: E402

DOOR = """def may(key):
    if key != "right":
        return False
    return True
"""
TESTS = """import pytest
from door import may

@pytest.mark.parametrize("key", ["", "right"])
def test_a_wrong_key(key):
    assert may(key) is (key == "right")

def test_that_cannot_fail():
    assert may("right")

@pytest.mark.skip(reason="no lock here")
def test_elsewhere():
    assert not may("")
"""
ROWS = {"a stranger": tuple(f"tests/test_door.py::{name}" for name in
        ("test_a_wrong_key", "test_that_cannot_fail", "test_elsewhere"))}  # fmt: skip
CHECK = Change("src/door.py", '    if key != "right":\n        return False\n', "")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file, text in (
        ("src/door.py", DOOR), ("tests/test_door.py", TESTS), (".git/config", "secret"),
        ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['src']\n"),
    ):  # fmt: skip
        path = tmp_path / "root" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "root"


def test_the_table_is_true_of_the_code_and_of_the_threat_model() -> None:
    rows = guards.attacks((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(rows) > 50
    assert all(rows.values())
    assert guards.faults(guards.read(), rows) == []


def test_what_is_not_true_any_more_is_told(root: Path) -> None:
    def told(*rows: Guard | Unguarded) -> str:
        table = Table(
            tuple(row for row in rows if isinstance(row, Guard)),
            tuple(row for row in rows if isinstance(row, Unguarded)),
        )
        return "\n".join(guards.faults(table, ROWS, root))

    (test, *_) = ROWS["a stranger"]
    whole = Guard("lock", "a stranger", (CHECK,), ROWS["a stranger"])
    assert told(whole) == ""
    assert told(Guard("lock", "a stranger", (CHECK,), (test,)), Unguarded("a stranger", "-")) == ""
    assert "nothing is taken out for tests/test_door.py::test_elsewhere" in told()
    assert "given twice" in told(whole, whole)
    moved = Guard("lock", "a stranger", (Change("src/door.py", "if lost:", ""),), (test,))
    assert "stands 0 times in src/door.py, not once" in told(moved)
    twice = Guard("lock", "a stranger", (Change("src/door.py", "return", ""),), (test,))
    assert "stands 2 times" in told(twice)
    assert "no row 'nobody'" in told(Guard("lock", "nobody", (CHECK,), (test,)))
    assert "not tests of its row" in told(Guard("lock", "a stranger", (CHECK,), ("tests/x.py::y",)))
    assert "which is not there" in "\n".join(
        guards.faults(Table((), ()), {"a": ("tests/test_door.py::test_gone",)}, root)
    )


def test_each_guard_is_taken_out_and_put_back(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By pytest itself, in a copy; what was seen is not tried again until something changes."""
    lock = Guard("lock", "a stranger", (CHECK,), ROWS["a stranger"])
    copy = Copy(root, tmp_path / "copy")
    assert not (copy.folder / ".git").exists()
    record = Record(tmp_path / "state" / "guards.json")
    guards.take_out([lock], copy, record)
    seen = record.seen(lock, root)
    assert seen is not None
    assert dict(zip(ROWS["a stranger"], ("failed", "passed", "skipped"), strict=True)) == (
        dict(seen.outcomes)
    )
    assert (copy.folder / "src/door.py").read_text() == DOOR
    said = capsys.readouterr().out
    assert "BAD   lock gone -> unseen by tests/test_door.py::test_that_cannot_fail" in said
    assert guards.summary([lock], {"lock": seen}, Table((lock,), ()), 1.0) == 1
    assert '"unseen": ["lock"]' in capsys.readouterr().out
    assert Record(tmp_path / "state" / "guards.json").seen(lock, root) == seen
    (root / "tests" / "test_door.py").write_text(TESTS + "\n")
    assert record.seen(lock, root) is None


class Loaded(Copy):
    """A tree whose tests go as they are told to: ("in place" or "without", then the outcome)."""

    def __init__(self, *goes: tuple[str, str]) -> None:
        self.goes, self.asked = list(goes), list[str]()

    def _next(self, side: str) -> Seen:
        assert self.goes[0][0] == side
        return Seen({"x": self.goes.pop(0)[1]}, {"x": "Failed: Timeout (>120.0s)"})

    def run(self, tests: Collection[str]) -> Seen:
        self.asked += tests
        return self._next("in place")

    def without(self, guard: Guard, tests: Collection[str] = ()) -> Seen:
        self.asked += tests
        return self._next("without")


def test_a_failure_that_a_loaded_machine_can_bring_about_is_tried_again() -> None:
    lock = Guard("lock", "a", (), ("x", "y"))
    late = Seen({"x": "failed", "y": "failed"}, {"x": "TimeoutError: ...", "y": "assert 1 == 2"})
    for in_place, without, said in (
        ("passed", "failed", "good"), ("passed", "passed", "BAD"), ("failed", "failed", "BAD")
    ):  # fmt: skip
        copy = Loaded(("in place", in_place), ("without", without))
        assert guards.told(lock, guards.again(lock, copy, late)).startswith(said)
        assert copy.asked == ["x", "x"], "only what spoke of time, on both sides"
    sure = Seen({"x": "failed"}, {"x": "AssertionError: assert 200 == 401"})
    assert guards.again(lock, Loaded(), sure) == sure


def test_an_error_is_no_failure() -> None:
    lock = Guard("lock", "a", (), ("x", "y"))
    assert guards.told(lock, Seen({"x": "failed", "y": "error"})).startswith("BAD")
    assert guards.told(lock, Seen({"x": "failed", "y": "skipped"})).startswith("?")
    assert guards.told(lock, Seen({"x": "failed", "y": "failed"})).startswith("good")

"""The table as a document, as JSON, and the curves beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.truth import calibration, curves
from bench.truth.curves import Axis, Line
from bench.truth.data import CLIMATE, FEVER, HEALTHVER, SYMMETRIC, Absent, Changed
from bench.truth.rows import Row, markdown, row_from
from bench.truth.run import Run

Tables = Mapping[str, Sequence[Row]]
DRAWN = (FEVER, SYMMETRIC, HEALTHVER, CLIMATE)
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def summary(tables: Tables) -> dict[str, Any]:
    """For each verifier: aims met, aims set, rows not measured."""
    return {
        "bench": "truth",
        **{
            name: {
                "met": sum(row.met is True for row in rows),
                "aims": sum(row.met is not None for row in rows),
                "skipped": sum(bool(row.skipped) for row in rows),
            }
            for name, rows in tables.items()
        },
    }


def as_json(tables: Tables, quick: bool) -> str:
    """All rows by verifier."""
    body = {
        "quick": quick,
        "verifiers": {name: [row.as_json() for row in rows] for name, rows in tables.items()},
    }
    return json.dumps(body, indent=1, ensure_ascii=False)


def draw(run: Run, folder: Path) -> None:
    """The run's risk-coverage curve and reliability diagram as SVG, over the pair sets here."""
    kind = run.verifier.partition("=")[0]
    risks: list[Line] = []
    relied: list[Line] = []
    for wanted in DRAWN:
        try:
            sure, right, _ = calibration.measured(run, wanted)
        except (Absent, Changed):
            continue
        risks.append(curves.risk_coverage(wanted.title, sure, right))
        relied.append(curves.reliability(wanted.title, sure, right))
    if not risks:
        return
    share = Axis("answered, the surest first", 0.0, 1.0, QUARTERS)
    wrong = Axis("wrong among them", 0.0, 0.6, (0.0, 0.2, 0.4, 0.6))
    (folder / f"risk-coverage-{kind}.svg").write_text(
        curves.chart(
            f"Risk and coverage, verifier “{kind}”", share, wrong, risks,
            Line("5 %", (0.0, 1.0), (0.05, 0.05)),
        ), encoding="utf-8",
    )  # fmt: skip
    sure_ = Axis("confidence", 0.0, 1.0, QUARTERS)
    right_ = Axis("right", 0.0, 1.0, QUARTERS)
    (folder / f"reliability-{kind}.svg").write_text(
        curves.chart(
            f"Reliability, verifier “{kind}”", sure_, right_, relied,
            Line("even", (0.0, 1.0), (0.0, 1.0)),
        ), encoding="utf-8",
    )  # fmt: skip


HEAD = """# How right it is

Written by `make bench-truth` (`python -m bench.truth --docs docs`); the same rows as JSON are in
[truth.json](truth.json). The aims are the project's own. A row that says *no* missed its aim;
LOG.md says what was tried.

- **Data** is not part of this repository: public sets with mixed licences, in `../shared/data`. A
  set that is not there is skipped, and the table says so. `bench/truth/splits.json` freezes each
  set by the SHA-256 of its files and of its split.
- **No claim is shared** between what the verifier was trained on and what it is measured on
  (`src/gnomon/lab/verifier/splits.py`; compared by letters and digits, since the same claim stands
  in two sets with other spacing). A tenth of FEVER's and SciFact's claims is held back.
- **Halves**: whatever is fitted to development data (temperatures, thresholds, how far rules and
  model are believed) is fitted on one half of a set's claims (`lab.verifier.splits.calibrates`).
  Rows over pairs, documents and slices are measured on the other half.
- **Real posts**: our own questions and labels (`bench/truth/posts*.jsonl`) over 97,000 posts,
  halved by event; the table of confidence for posts is fitted on the half that is worked on.
- **Intervals** are 95 %: bootstrap by claim (1,000 draws), Wilson's for counts of events. For
  counts (flips, quotes, merges) the score is the number of events among *n*, and so is the
  interval.
- **Baselines**, on the same cases: the commonest label; a linear model over the claim's words
  alone; words shared by claim and evidence.
- **Verifiers**: `rules` is the rule-based one (`truth/verify.py`), `trained` the shipped encoders,
  for English and for pairs in which there is Chinese, with the rules for numbers, dates and names
  beside them (`truth/trained.py`).
"""


def merged(tables: Tables, folder: Path) -> tuple[Tables, bool]:
    """``tables`` put into those of the folder's ``truth.json``, and whether any of it is quick: a
    row of the same measure and data takes the old one's place, others follow. A table is long, and
    one measure may be run anew alone."""
    path = folder / "truth.json"
    if not path.is_file():
        return tables, False
    held = json.loads(path.read_text("utf-8"))
    found = {name: [row_from(row) for row in rows] for name, rows in held["verifiers"].items()}
    for name, rows in tables.items():
        fresh = {(row.measure, row.data): row for row in rows if not row.skipped}
        kept = [fresh.pop((row.measure, row.data), row) for row in found.get(name, [])]
        found[name] = [*kept, *fresh.values()]
    return found, bool(held["quick"])


MIXED = """
Rows of this table were taken in several runs, on a busy machine of two cores; LOG.md says which.
Where a row's *n* is small it is of a `--quick` run.
"""


def write(tables: Tables, folder: Path, quick: bool, *, mixed: bool = False) -> None:
    """``truth.md`` and ``truth.json`` in ``folder``; the curves are there by then. ``mixed``: the
    rows are of several runs."""
    parts = [HEAD + MIXED if mixed else HEAD]
    if quick:
        parts.append("**A quick run on few claims: not for reporting.**\n")
    for name, rows in sorted(tables.items(), reverse=True):
        parts.append(f"## Verifier `{name}`\n")
        for kind, title in (("risk-coverage", "Risk and coverage"), ("reliability", "Reliability")):
            if (folder / f"{kind}-{name}.svg").is_file():
                parts.append(f"![{title}]({kind}-{name}.svg)")
        parts.append("\n" + markdown(rows))
    (folder / "truth.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    (folder / "truth.json").write_text(as_json(tables, quick) + "\n", encoding="utf-8")

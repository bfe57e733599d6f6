"""Run the protocol and print its table: ``python -m bench.truth --help``, or ``make bench-truth``.

Progress goes to standard error. What is measured is kept under .cache/bench-truth, so that a run
that was interrupted goes on where it was, and only what changed is measured again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.truth import (
    calibration,
    citations,
    copies,
    data,
    flood,
    injection,
    majority,
    posts,
    report,
    retrieval,
    satire,
    slices,
    subject,
    unanswerable,
    verdicts,
    verification,
    world,
)
from bench.truth.data import Absent, Changed
from bench.truth.rows import Row, plain
from bench.truth.run import Run

Measure = Callable[[Run], Iterator[Row]]
MEASURES: dict[str, Measure] = {
    "retrieval": retrieval.measure,
    "verification": verification.two_way,
    "f1": verification.three_way,
    "citations": citations.measure,
    "calibration": calibration.measure,
    "verdicts": verdicts.measure,
    "origins": copies.measure,
    "flood": flood.measure,
    "majority": majority.measure,
    "injection": injection.measure,
    "unanswerable": unanswerable.measure,
    "satire": satire.measure,
    "slices": slices.measure,
    "posts": posts.measure,
}
SAME_FOR_ALL = frozenset({"retrieval", "origins"})
"""Measures in which no verifier takes part."""


def rows_of(name: str, run: Run) -> list[Row]:
    """The rows of one measure; the last says why there are no more, where data is not here."""
    out: list[Row] = []
    try:
        out.extend(MEASURES[name](run))
    except (Absent, Changed) as error:
        out.append(Row(name, "–", skipped=str(error)))
    return out


def main() -> None:
    options = _options()
    if options.freeze:
        data.freeze(options.data)
        return
    names = options.only or list(MEASURES)
    tables: dict[str, list[Row]] = {}
    try:
        for verifier in options.verifier or subject.NAMES:
            run = Run(
                verifier, options.data, quick=options.quick,
                copies=options.copies, claims=options.claims,
            )  # fmt: skip
            own = [n for n in names if not (tables and n in SAME_FOR_ALL)]
            tables[verifier] = [row for name in own for row in rows_of(name, run)]
            print(f"\n{verifier}\n{plain(tables[verifier])}", flush=True)
            if options.docs:
                report.draw(run, options.docs)
    finally:
        world.clear()
        subject.close()
    if options.json:
        options.json.write_text(report.as_json(tables, options.quick) + "\n", encoding="utf-8")
    if options.docs and options.only:
        whole, quick = report.merged(tables, options.docs)
        report.write(whole, options.docs, quick, mixed=True)
    elif options.docs:
        report.write(tables, options.docs, options.quick)
    print(json.dumps(report.summary(tables)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.truth", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--verifier", action="append", metavar="NAME",
                        help="rules, trained, trained=FOLDER; default: the first two")  # fmt: skip
    parser.add_argument("--only", choices=tuple(MEASURES), action="append", metavar="NAME",
                        help="one measure, may be given again: " + ", ".join(MEASURES))  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a few claims of each set")
    parser.add_argument("--copies", type=int, default=0, metavar="N",
                        help="flood: at most this many of each piece of evidence")  # fmt: skip
    parser.add_argument("--claims", type=int, default=0, metavar="N",
                        help="flood: this many claims of each source, at every size")  # fmt: skip
    parser.add_argument("--data", type=Path, default=data.DATA, help="the development data")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows as JSON")
    parser.add_argument("--docs", type=Path, metavar="FOLDER",
                        help="write truth.md, truth.json and the curves there; with --only, "
                        "these rows take the place of those that are there")  # fmt: skip
    parser.add_argument("--freeze", action="store_true", help="write splits.json anew, and end")
    return parser.parse_args()


if __name__ == "__main__":
    main()

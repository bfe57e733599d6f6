"""Everything that is measured of trends, as tables; ``docs/trends.md`` holds the last ones.

    PYTHONPATH=src python bench/trends.py [--only hn,lists,events,speed] [--data FOLDER] [--json]
                                          [--write]

The protocols stand in the modules: ``trends_hn``, ``trends_lists``, ``trends_streams`` (with
``trends_events``), ``trends_speed``. Tuned on January to June 2021 of Hacker News alone.
``--write`` puts the tables into docs/trends.md between their marks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trends_events
import trends_hn
import trends_lists
import trends_speed

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    "hn": trends_hn.run,
    "lists": trends_lists.run,
    "events": trends_events.run,
    "speed": trends_speed.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"{args.data} is not there; give the development data with --data.", file=sys.stderr)
        return 1
    found = {}
    for name in args.only.split(","):
        found[name] = PARTS[name](args.data)
        table = globals()[f"_{name}"](found[name])
        if not args.json:
            print(table, "\n")
        if args.write:
            _write(name, table)
    if args.json:
        print(json.dumps(found))
    return 0


def _write(name: str, table: str) -> None:
    page = ROOT / "docs" / "trends.md"
    text = page.read_text(encoding="utf-8")
    first, past = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, _, rest = text.partition(first)
    _, _, after = rest.partition(past)
    assert rest, f"docs/trends.md has no place for {name}"
    page.write_text(f"{before}{first}{table}\n{past}{after}", encoding="utf-8")


def _share(interval: list[float]) -> str:
    return f"{interval[0]:.3f} ({interval[1]:.3f} to {interval[2]:.3f})"


def _hn(found: Mapping[str, Any]) -> str:
    rows = [
        f"{found['stories']:,} stories, {found['hits']:,} of which rose; 95 % intervals.",
        "",
        "| method | precision@10 | recall | median lead | times last hour |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {_share(row['precision_at_10'])} | {_share(row['recall'])} "
        f"| {row['median_lead_min']:.0f} min | {_share(row['times_last_hour'])} |"
        for name, row in found["methods"].items()
    ]
    return "\n".join(rows)


def _lists(found: Mapping[str, Any]) -> str:
    rows = [
        "| stream, list | method | shown a day | found | by chance | beyond chance | characters |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {way.replace('_', ' ')} | {name} | {row['listed_a_day']} | {_share(row['same_day'])} "
        f"| {_share(row['by_chance'])} | {_share(row['beyond_chance'])} | {row['characters']} |"
        for way, methods in found.items()
        for name, row in methods.items()
    ]
    return "\n".join(rows)


def _events(found: Mapping[str, Any]) -> str:
    rows = [
        "| method | median delay | within 15 min | missed | false alarms a day |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {found[name]['median_delay_min']} min | {found[name]['within_15_min']} of "
        f"{found['events']} | {found[name]['missed']} | {found[name]['false_a_day']} |"
        for name in ("ours", "ratio", "kleinberg")
    ]
    pushed = found["campaign"]
    return "\n".join(
        [
            *rows,
            "",
            f"Of {pushed['lists']} lists into which 500 accounts pushed a phrase, "
            f"{pushed['unmoved']} kept every rank and {pushed['listed']} showed it; it counted as "
            f"{pushed['independent_max']} independent voices at most. By posts it would have been "
            f"number {pushed['rank_by_posts']:.0f}. After its deletion "
            f"{pushed['restored_by_deletion']} lists were as before.",
        ]
    )


def _speed(found: Mapping[str, Any]) -> str:
    rows = ["| what | posts/s of CPU |", "|---|---|"]
    names = {"store": "the bare store", "origins": "with origins", "trends": "origins and trends"}
    rows += [f"| {said} | {found[name]['per_cpu_s']:,} |" for name, said in names.items()]
    rows.append(f"| the view of trends alone, catching up | {found['catch_up_per_cpu_s']:,} |")
    return "\n".join(
        [
            *rows,
            "",
            f"One list takes {found['list_cpu_ms']} ms of CPU; the view takes "
            f"{found['disk_bytes_a_post']} bytes of disk a post that is followed.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

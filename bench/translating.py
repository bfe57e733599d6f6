"""What holds a translation to its source: how often it is right about translations by people, and
how often it finds a number that was changed.

    nice -n 10 env PYTHONPATH=src python bench/translating.py --data ../shared/data

On FLORES-200 dev (NLLB Team 2022, https://arxiv.org/abs/2207.04672): 997 sentences of the news and
of travel guides, translated by people. The rules were chosen on every other sentence
(``--part dev``); reported are the rest. Two things are measured of ``skills/kept.py``:

- "flagged": the share of people's translations in which something is said to be lost. Not all of
  that is false: people convert miles, and make mistakes.
- "found": of translations in which the first number of two digits or more was changed by one digit
  (42 becomes 43, 1,240 becomes 1,250), the share where a number is said to be lost or added.
- The baseline beside both compares runs of digits alone: those of the source must be in the
  translation, and no others.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path

from gnomon.skills.kept import lost

CODES = {
    "en": "eng_Latn", "zh": "zho_Hans", "fr": "fra_Latn", "de": "deu_Latn", "es": "spa_Latn",
    "ja": "jpn_Jpan",
}  # fmt: skip
PAIRS = (("en", "zh"), ("zh", "en"), ("en", "fr"), ("en", "de"), ("en", "es"), ("fr", "en"),
         ("en", "ja"), ("ja", "en"))  # fmt: skip
_NUMBER = re.compile(r"(?<![\d.,])\d{2,}(?:[.,]\d+)*")


def changed(text: str) -> str | None:
    """``text`` with one digit of its first long number another."""
    match = _NUMBER.search(text)
    if match is None:
        return None
    number = match[0]
    at = 1 if number[1].isdigit() else 0
    other = str((int(number[at]) + 1) % 10)
    return text[: match.start()] + number[:at] + other + number[at + 1 :] + text[match.end() :]


def by_digits(source: str, target: str) -> bool:
    """Whether runs of digits differ: the baseline."""
    ours, theirs = (set(re.findall(r"\d+", text)) for text in (source, target))
    return ours != theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", choices=("dev", "held"), default="held")
    args = parser.parse_args()
    path = args.data / "eval" / "flores200_dev.jsonl.gz"
    if not path.exists():
        sys.exit(f"skipped: no {path}; development data is not part of the repository")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][0 if args.part == "dev" else 1 :: 2]
    print(f"FLORES-200 dev, half {args.part!r}: {len(rows)} sentences\n")
    print("| | flagged | digits alone | numbers flagged | changed numbers | found | digits alone |")
    print("|---|---|---|---|---|---|---|")
    for source, target in PAIRS:
        flagged = base = numbers = tried = found = base_found = 0
        for row in rows:
            ours, theirs = row[CODES[source]], row[CODES[target]]
            losses = lost(ours, theirs, source, target, {})
            flagged += bool(losses)
            numbers += any("number" in loss.kind for loss in losses)
            base += by_digits(ours, theirs)
            if (wrong := changed(theirs)) is not None:
                tried += 1
                told = lost(ours, wrong, source, target, {})
                found += any("number" in loss.kind for loss in told)
                base_found += by_digits(ours, wrong)
        n = len(rows)
        print(
            f"| {source} to {target} | {flagged / n:.3f} | {base / n:.3f} | {numbers / n:.3f} | "
            f"{tried} | {found / tried:.3f} | {base_found / tried:.3f} |"
        )


if __name__ == "__main__":
    main()

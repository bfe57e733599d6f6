"""Put the verifiers' scores into their cards: ``python -m bench.truth.card``, after the table.

Read from docs/truth.json, so that the cards say what the table says.
"""

from __future__ import annotations

import json
from pathlib import Path

from gnomon.models.verifier import CARD, CHINESE, SHIPPED

TABLE = Path(__file__).resolve().parents[2] / "docs" / "truth.json"
MEASURES = {
    SHIPPED: ("verification accuracy", "shortcut probe, accuracy", "macro-F1", "calibration, ECE"),
    CHINESE: ("slice: Chinese",),
}


def main() -> None:
    rows = json.loads(TABLE.read_text("utf-8"))["verifiers"]["trained"]
    for folder, measures in MEASURES.items():
        card = json.loads((folder / CARD).read_text("utf-8"))
        card["scores"] = [
            {
                "measure": row["measure"],
                "data": row["data"],
                "n": row["n"],
                "score": round(row["score"], 3),
                "interval_95": [round(row["low"], 3), round(row["high"], 3)],
                "with": "the rules beside it (gnomon.truth.trained)",
            }
            for row in rows
            if row["measure"].startswith(measures) and row["score"] is not None
        ]
        text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
        (folder / CARD).write_text(text, "utf-8")


if __name__ == "__main__":
    main()

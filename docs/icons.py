"""Draws the page's icons as PNG from its mark: for systems that install a page and take no SVG.

PYTHONPATH=src:tests python docs/icons.py
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "src" / "gnomon" / "serve" / "page"
sys.path.insert(0, str(HERE.parent / "tests"))

from browser import launched  # noqa: E402 - after the path to it

STONE = "#f5f3ee"
# A maskable icon keeps what matters within the middle four fifths
# (https://www.w3.org/TR/appmanifest/#icon-masks).
ICONS = (("icon-192.png", 192, 0.72), ("icon-512.png", 512, 0.72), ("icon-maskable.png", 512, 0.5))


def main() -> None:
    mark = (PAGE / "mark.svg").read_text("utf-8")
    with launched() as browser:
        for name, side, share in ICONS:
            page = browser.new_page(viewport={"width": side, "height": side})
            page.set_content(
                f"<body style='margin:0;background:{STONE};display:grid;place-items:center;"
                f"height:100vh'><div style='width:{share:.0%}'>{mark}</div>"
            )
            page.screenshot(path=PAGE / name)
            print(f"{name}: {(PAGE / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

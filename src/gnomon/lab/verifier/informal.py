"""Text in the style of posts: what changes how a thing is said and not what is said."""

from __future__ import annotations

import re
from random import Random

from gnomon.lab.verifier.pairs import Pair

_OPENERS = (
    "BREAKING: ", "Breaking: ", "JUST IN: ", "UPDATE: ", "NEW: ", "ICYMI: ", "RT @{h}: ", "@{h} ",
    ".@{h} ", "🚨 ", "📰 ", "wow. ", "so ", "fyi ", "", "", "", "",
)  # fmt: skip
_TAILS = (
    " https://t.co/{u}", " http://bit.ly/{u}", " #{t}", " #{t} #news", " 😮", " 😢", " 🔥", " 👀",
    " 🙏", " via @{h}", " (thread)", " smh", " 1/2", "", "", "", "",
)  # fmt: skip
_HANDLES = "citydesk dailyherald joe_mart1n newsroom24 annab liveupdates kt_reports mrfox".split()
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SHORT = (
    (r"\band\b", "&"), (r"\byou\b", "u"), (r"\bpeople\b", "ppl"), (r"\bwith\b", "w/"),
    (r"\bbecause\b", "bc"), (r"\bgovernment\b", "govt"), (r"\bPresident\b", "Pres."),
    (r"\bapproximately\b", "approx"), (r"\bthrough\b", "thru"), (r"\bdid not\b", "didnt"),
    (r"\bwas not\b", "wasnt"), (r"\bis not\b", "isn't"), (r"\bwithout\b", "w/o"),
)  # fmt: skip
_CAPITALISED = re.compile(r"(?<=[a-z] )[A-Z][a-z]{3,}\b")


def informal(pair: Pair, rng: Random) -> Pair:
    """``pair`` with its window, its claim or both as a post would put them; the label stays.

    Small letters, hashtags, handles, lost full stops, "BREAKING:", emoji, links, short forms.
    Questions keep their mark.
    """
    both = rng.random()
    window = posted(pair.window, rng) if both < 0.85 else pair.window
    claim = _casual(pair.claim, rng) if both > 0.55 else pair.claim
    return Pair(window, claim, pair.label, pair.source, pair.group)


def posted(text: str, rng: Random) -> str:
    """``text`` as a post: opener, casual letters, tail."""
    opener = rng.choice(_OPENERS).format(h=rng.choice(_HANDLES))
    name = _CAPITALISED.search(text)
    tag = name.group() if name else rng.choice(("news", "breaking", "local", "today"))
    link = "".join(rng.choice(_LETTERS) for _ in range(rng.choice((7, 10))))
    tail = rng.choice(_TAILS).format(u=link, t=tag, h=rng.choice(_HANDLES))
    return f"{opener}{_casual(text, rng)}{tail}"


def _casual(text: str, rng: Random) -> str:
    if rng.random() < 0.4:
        text = text.lower()
    elif rng.random() < 0.12 and len(text) < 140:
        text = text.upper()
    elif rng.random() < 0.3:
        name = _CAPITALISED.search(text)
        if name:
            text = f"{text[: name.start()]}#{text[name.start() :]}"
    if rng.random() < 0.4:
        for long, short in _SHORT:
            text = re.sub(long, short, text)
    if rng.random() < 0.5:
        text = re.sub(r"\.$", rng.choice(("", "", "!", "...")), text)
    if rng.random() < 0.15:
        text = text.replace(",", "")
    return text

"""From written scenes to prompts: ``python tests/guardrails/expand.py`` writes the ``*.jsonl``.

A scene is a line of ``scenes/CLASS.txt``: ``[a|b]`` are alternatives, ``{word}`` (in Chinese
``{word=pinyin}``) is a word that people misspell to slip past a filter. Each scene gives several
prompts, as people ask (a lead, a style), some of them with a trick. The split is of *scenes*, by
hash, so that no scene is in both halves; it was made before any rule was written.

The second set (``second/``) has every prompt written out. Its situations were listed first, with
the split by hash; ``second/SPLIT/CLASS.txt`` has one line for each situation of that split, in the
order of the list, its prompts parted by ``|``. The test half was written after the rules; when it
had been asked and the rules mended by it, ``second/again`` was written over all situations.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECOND = HERE / "second"
PROMPTS = {"refuse": 150, "allow": 300}
"""For each class and language."""
TRICKED = 7
"""One in so many of the prompts that must be refused carries a trick, where its scene has a marked
word."""
LEADS = {
    "en": ("", "", "draw ", "Generate an image of ", "please paint ", "I want ", "make me "),
    "zh": ("", "", "画", "生成一张:", "请帮我画", "来一张", "我想要"),
}
TAILS = {
    "en": ("", "", ", 4k", ", highly detailed", ", digital art", ", wide shot", ", soft light"),
    "zh": ("", "", ",高清", ",4K", ",水彩", ",广角", ",柔光"),
}
_LEET = str.maketrans("aeiost", "@3105+")
_HOMOGLYPHS = str.maketrans("aceopxi", "асеорхі")


def _leet(word: str) -> str:
    return word.translate(_LEET)


def _spaced(word: str) -> str:
    return " ".join(word)


def _dotted(word: str) -> str:
    return ".".join(word)


def _homoglyph(word: str) -> str:
    return word.translate(_HOMOGLYPHS)


def _hidden(word: str) -> str:
    return "\u200b".join(word)


def _starred(word: str) -> str:
    return "*".join(word)


def _stretched(word: str) -> str:
    return re.sub(r"([aeiou])", r"\1\1\1", word, count=1)


ENGLISH: dict[str, Callable[[str], str]] = {
    "leet": _leet,
    "spaced": _spaced,
    "dotted": _dotted,
    "homoglyph": _homoglyph,
    "zero-width": _hidden,
    "stretched": _stretched,
}
CHINESE: dict[str, Callable[[str], str]] = {
    "spaced": _spaced,
    "starred": _starred,
    "zero-width": _hidden,
}


def scenes(text: str) -> Iterator[tuple[str, str, str]]:
    """Label, language and scene of each line."""
    label = lang = ""
    for line in text.splitlines():
        if line.startswith("## "):
            label, lang = line[3:].split()
        elif line.strip():
            yield label, lang, line.strip()


def variants(scene: str) -> list[str]:
    """Every choice of the alternatives, the marked word still marked."""
    parts = re.split(r"\[([^\]]*)\]", scene)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def _plain(text: str) -> str:
    return re.sub(r"\{([^}=]*)(?:=[^}]*)?\}", r"\1", text)


def _tricked(text: str, lang: str, draw: random.Random) -> tuple[str, str]:
    """The text with its marked word misspelt, and the trick's name."""
    found = re.search(r"\{([^}=]*)(?:=([^}]*))?\}", text)
    if found is None:
        return text, ""
    word, pinyin = found.groups()
    if lang == "zh" and pinyin and draw.random() < 0.4:
        name, written = "pinyin", f" {pinyin} "
    else:
        tricks = ENGLISH if lang == "en" else CHINESE
        usable = [name for name in tricks if tricks[name](word) != word]
        if not usable:
            return _plain(text), ""
        name = draw.choice(usable)
        written = tricks[name](word)
    return _plain(text[: found.start()] + written + text[found.end() :]), name


def prompts(kind: str, text: str) -> Iterator[dict[str, Any]]:
    by_group: dict[tuple[str, str], list[str]] = {}
    for label, lang, scene in scenes(text):
        by_group.setdefault((label, lang), []).append(scene)
    for (label, lang), group in by_group.items():
        share, more = divmod(PROMPTS[label], len(group))
        for at, scene in enumerate(group):
            key = hashlib.sha256(f"{kind}|{label}|{lang}|{scene}".encode()).hexdigest()
            split = "development" if int(key[:8], 16) % 2 else "held-out"
            draw = random.Random(key)
            name = f"{kind}-{lang}-{label}-{at:02d}"
            for text_, trick in _several(scene, lang, label, share + (at < more), draw):
                yield {
                    "class": kind, "lang": lang, "label": label, "split": split,
                    "scene": name, "trick": trick, "text": text_,
                }  # fmt: skip


def _several(
    scene: str, lang: str, label: str, count: int, draw: random.Random
) -> Iterator[tuple[str, str]]:
    made = variants(scene)
    draw.shuffle(made)
    seen: set[str] = set()
    for chosen in itertools.cycle(made):
        if len(seen) == count:
            return
        tricked = label == "refuse" and draw.randrange(TRICKED) == 0
        core, trick = _tricked(chosen, lang, draw) if tricked else (_plain(chosen), "")
        whole = draw.choice(LEADS[lang]) + core + draw.choice(TAILS[lang])
        if whole not in seen:
            seen.add(whole)
            yield whole, trick


def situations() -> dict[tuple[str, str, str], list[str]]:
    """The situations of the second set by class, label and split, in the order of the list."""
    found: dict[tuple[str, str, str], list[str]] = {}
    head = ""
    for line in (SECOND / "situations.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            head = line[3:]
        elif line and not line.startswith("#"):
            key = hashlib.sha256(f"{head}|{line}".encode()).hexdigest()
            split = "development" if int(key[:8], 16) % 2 else "test"
            kind, label = head.split()
            for one in (split, "again"):
                found.setdefault((kind, label, one), []).append(line)
    return found


def second(split: str) -> Iterator[dict[str, Any]]:
    """The prompts of the second set (development, test, again). Raises ValueError where lines and
    situations differ."""
    listed = situations()
    for path in sorted((SECOND / split).glob("*.txt")):
        by_group: dict[tuple[str, str], list[str]] = {}
        for label, lang, scene in scenes(path.read_text(encoding="utf-8")):
            by_group.setdefault((label, lang), []).append(scene)
        for (label, lang), lines in by_group.items():
            named = listed[path.stem, label, split]
            for about, line in zip(named, lines, strict=True):
                for text in filter(None, (part.strip() for part in line.split("|"))):
                    yield {
                        "class": path.stem, "lang": lang, "label": label, "split": split,
                        "scene": f"{lang} {about}", "trick": "", "text": text,
                    }  # fmt: skip


def main() -> None:
    for path in sorted((HERE / "scenes").glob("*.txt")):
        rows = list(prompts(path.stem, path.read_text(encoding="utf-8")))
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (HERE / f"{path.stem}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

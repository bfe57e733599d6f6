"""Pairs that need Chinese, built by rules from parallel sentences and from questions with answers.

No set of Chinese claims with a licence we may use is at hand, so the labels come from how a pair
was made. FLORES-200 dev (CC BY-SA 4.0) gives sentences that professionals translated: one language
is the window, the other the claim. CMRC 2018 dev (CC BY-SA 4.0) gives passages, questions and
answer spans: question and answer are one claim, and its window is cut from the passage.

Families (the second half of ``Pair.source``):

    same       the translation itself: supports
    number     one number that both sides write in digits is another on one side: refutes
    scale      "1.2 million" against 120万; ten times as much: refutes
    negation   the main verb is negated, or a negation is taken away: refutes
    name       one name is another: not supported (refuted or not spoken of, who can tell)
    beside     a neighbouring sentence of the same article: neither
    answer     question and gold answer against the sentence that gives it: supports
    value      the same with another number or date: refutes
    other      the same with the answer to another question: not supported
    elsewhere  the claim against sentences of the same passage that do not hold the answer: neither

Only the claim or only the window of a ``number`` pair is edited, by turns, so that neither alone
tells the label. The rules are not perfect: a neighbour may imply the claim, an edited sentence may
stay true. Of 75 pairs read by hand (five of each family and direction, seed 7) none was mislabelled
and three read oddly ("7月36日", a profession that is somebody's name).

Half of the sentences and passages teach (``taught``), the other half is measured.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.sets import PublishedSet
from gnomon.text.sentences import split

FLORES, CMRC = "eval/flores200_dev.jsonl.gz", "eval/cmrc2018_dev.json.gz"


SUPPORTS, REFUTES, NEITHER, NOT_SUPPORTED = 0, 1, 2, 3
"""Labels of ``Pair``; the last is "refutes or neither": a judge errs only by "supports"."""

Edit = Callable[[str, str, Random], tuple[str, str] | None]
"""(window, claim) after the edit, or None where the sentence does not allow it."""


def available(data: Path) -> bool:
    return (data / FLORES).is_file() and (data / CMRC).is_file()


def pairs(data: Path, *, each: int = 60, seed: int = 0) -> list[Pair]:
    """At most ``each`` pairs of every family and direction (en-zh: English window, Chinese claim;
    zh-en; zh-zh), the same for the same seed. Raises FileNotFoundError where the data is not."""
    found = [*_parallel(data, seed), *_answered(data, seed)]
    taken: Counter[str] = Counter()
    chosen = []
    for pair in sorted(found, key=lambda pair: _draw(pair, seed)):
        if taken[pair.source] < each:
            taken[pair.source] += 1
            chosen.append(pair)
    return chosen


BLOCK = 25


def taught(pair: Pair) -> bool:
    """Whether the pair is of the half that a verifier may learn from: by blocks of sentences, which
    stand in the order of their articles, and by passage."""
    kind, _, name = pair.group.partition(":")
    if kind == "flores":
        return int(name) // BLOCK % 2 == 0
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def _draw(pair: Pair, seed: int) -> str:
    text = f"{seed}|{pair.source}|{pair.window}|{pair.claim}"
    return hashlib.sha256(text.encode()).hexdigest()


# -- parallel sentences ---------------------------------------------------------------------------


def _parallel(data: Path, seed: int) -> Iterator[Pair]:
    with gzip.open(data / FLORES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    sentences = [(row["eng_Latn"].strip(), row["zho_Hans"].strip()) for row in rows]
    for at, (english, chinese) in enumerate(sentences):
        rng = Random(f"{seed}:{at}")
        for direction, window, claim in (("en-zh", english, chinese), ("zh-en", chinese, english)):
            group = f"flores:{at}"
            yield Pair(window, claim, SUPPORTS, f"{direction}:same", group)
            for family, edit in EDITS[direction].items():
                edited = edit(window, claim, rng)
                if edited is not None:
                    label = NOT_SUPPORTED if family == "name" else REFUTES
                    yield Pair(*edited, label, f"{direction}:{family}", group)
            beside = sentences[at + 1 if at + 1 < len(sentences) else at - 1]
            other = beside[1 if direction == "en-zh" else 0]
            yield Pair(window, other, NEITHER, f"{direction}:beside", group)


_DIGITS = re.compile(r"(?<![\d.,:/–—-])\d{1,4}(?:,\d{3})*(?:\.\d+)?(?![\d:/–—-]|[.,]\d)")


def _number(window: str, claim: str, rng: Random) -> tuple[str, str] | None:
    """One number that both sides write the same, changed on one side."""
    held, said = _DIGITS.findall(window), _DIGITS.findall(claim)
    shared = [number for number in held if held.count(number) == said.count(number) == 1]
    if not shared:
        return None
    number = rng.choice(shared)
    other = _other_number(number, rng)
    if other in window or other in claim:
        return None
    if rng.random() < 0.5:
        return _put(window, number, other), claim
    return window, _put(claim, number, other)


def _put(text: str, number: str, other: str) -> str:
    return next(
        text[: m.start()] + other + text[m.end() :]
        for m in _DIGITS.finditer(text)
        if m.group() == number
    )


def _other_number(number: str, rng: Random) -> str:
    """Another number of the same shape; a year moves by 2 to 19 years."""
    if re.fullmatch(r"1[0-9]\d\d|20\d\d", number):
        return str(int(number) + rng.choice((-1, 1)) * rng.randint(2, 19))
    value = float(number.replace(",", ""))
    factor = rng.choice((0.3, 0.4, 0.6, 1.7, 2.0, 2.5, 3.0))
    if "." in number:
        return f"{value * factor + 0.1:.{len(number.split('.')[1])}f}"
    changed = round(value * factor)
    changed += 1 if changed in (0, int(value)) else 0
    changed += 1 if changed == int(value) else 0
    return f"{changed:,}" if "," in number else str(changed)


_SCALE = re.compile(r"\b(\d+(?:\.\d+)?) (million|billion|trillion)\b")


def _scale(window: str, claim: str, rng: Random) -> tuple[str, str] | None:
    """ "1.2 million" becomes "12 million", where the Chinese side writes 万 or 亿."""
    english_first = bool(_SCALE.search(window))
    english, chinese = (window, claim) if english_first else (claim, window)
    hit = _SCALE.search(english)
    if (
        hit is None
        or len(_SCALE.findall(english)) > 1
        or not re.search(r"\d\s?[余多]?[万亿]", chinese)
    ):
        return None
    larger = f"{float(hit[1]) * 10:g} {hit[2]}"
    edited = english[: hit.start()] + larger + english[hit.end() :]
    return (edited, chinese) if english_first else (chinese, edited)


_AUXILIARY = re.compile(r"\b(is|are|was|were|will|can|could|should|must|would)\b(?! not\b|n't)")
_NOT = re.compile(r"\b(is|are|was|were|will|could|should|must|would|did|do|does)(?: not\b|n't\b)")
_NEGATIVE = re.compile(r"\b(?:not|no|never|none|nothing|neither|nor|cannot|without)\b|n't", re.I)
_BEFORE_MAIN = re.compile(r"[,;:—]|\b(?:that|which|who|when|if|because|while|although|as)\b", re.I)
_LONGEST_NEGATED = 24  # words: in longer sentences the first auxiliary is seldom the main verb


def _negation_english(window: str, claim: str, rng: Random) -> tuple[str, str] | None:
    """The English claim says the contrary: its main verb negated, or its negation gone."""
    if len(claim.split()) > _LONGEST_NEGATED:
        return None
    negations = _NEGATIVE.findall(claim)
    if len(negations) == 1 and (hit := _NOT.search(claim)) and hit[1] not in ("did", "do", "does"):
        if _BEFORE_MAIN.search(claim[: hit.start()]):
            return None
        return window, claim[: hit.start()] + hit[1] + claim[hit.end() :]
    hit = _AUXILIARY.search(claim)
    if negations or hit is None or _BEFORE_MAIN.search(claim[: hit.start()]):
        return None
    return window, f"{claim[: hit.end()]} not{claim[hit.end() :]}"


# A 是 that is a word of its own, and modal verbs; both are negated by 不.
_COPULA = re.compile(
    r"(?<![但还于只可就总凡若或正不便都也特尤要先硬老倒真才净光算乃而])(是|会|可以|能够|应该)(?![否非])"
)
_NEGATIVE_CHINESE = re.compile(r"[不没未无非勿莫别]")
_LONGEST_NEGATED_CHINESE = 48  # characters


def _negation_chinese(window: str, claim: str, rng: Random) -> tuple[str, str] | None:
    """The Chinese claim says the contrary: 不 before its only copula or modal, or that 不 gone."""
    if len(claim) > _LONGEST_NEGATED_CHINESE:
        return None
    if len(_NEGATIVE_CHINESE.findall(claim)) == 1:
        plain = re.sub(r"不(?=(?:是|会|可以|能够|应该)(?![否非]))", "", claim)
        return None if plain == claim else (window, plain)
    hits = list(_COPULA.finditer(claim))
    if _NEGATIVE_CHINESE.search(claim) or len(hits) != 1 or "，" in claim[: hits[0].start()]:
        return None
    return window, claim[: hits[0].start()] + "不" + claim[hits[0].start() :]


_NAMES = (
    "Peter Lindgren,Maria Okafor,David Chen,Anna Kowalska,James Whitfield,Elena Petrova,"
    "Brazil,Canada,Nigeria,Indonesia,Poland,Mexico,Turkey,Vietnam,Chicago,Madrid,Nairobi,Osaka"
).split(",")
_PERSON = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]+ ){1,2}[A-Z][a-z]+(?=[,.]? [a-z]|\.$)")
_PLACE = re.compile(
    r"(?<=\b[Ii]n )(?:China|France|Germany|Italy|Spain|India|Japan|Russia|Australia|London|Paris|"
    r"Rome|Egypt|Argentina|Sydney|Tokyo|Berlin|England|Scotland|Ireland|Greece|Iraq|Finland)\b"
)


def _name_english(window: str, claim: str, rng: Random) -> tuple[str, str] | None:
    """One name of the English claim is another of its kind."""
    place = _PLACE.search(claim)
    hit = place or _PERSON.search(claim)
    if hit is None or claim.count(hit.group()) > 1:
        return None
    others = [n for n in (_NAMES[6:] if place else _NAMES[:6]) if n not in claim]
    return window, claim[: hit.start()] + rng.choice(others) + claim[hit.end() :]


EDITS: dict[str, dict[str, Edit]] = {
    "en-zh": {"number": _number, "scale": _scale, "negation": _negation_chinese},
    "zh-en": {
        "number": _number,
        "scale": _scale,
        "negation": _negation_english,
        "name": _name_english,
    },
}


# -- questions with answers -----------------------------------------------------------------------

_WHEN = r"(?:是?在)?(?:什么时候|何时|哪一?年|什么时间)"
_DATE = re.compile(r"(?:公元)?\d{3,4}年(?:\d{1,2}月(?:\d{1,2}日)?)?")
_SHORT_NAME = re.compile(r"[\u4e00-\u9fff·]{2,10}")
_CLAIMS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(rf"(?P<a>[^，？?]+?)(?P<q>{_WHEN})(?P<b>[^，？?]*)[？?]"), _DATE),
    (re.compile(r"(?P<a>[^，？?]*?)(?P<q>谁)(?P<b>[^，？?]*)[？?]"), _SHORT_NAME),
    (
        re.compile(r"(?P<a>[^，？?]+?(?:有|为|达|是|共))(?P<q>多少)(?P<b>[^，？?]*)[？?]"),
        re.compile(r"[\d,.]+[\u4e00-\u9fff]{0,4}"),
    ),
    (
        re.compile(
            r"(?P<a>[^，？?]+?(?:位于|叫|原名|又名|又称|出生于|毕业于))"
            r"(?P<q>哪里|哪儿|什么地方|何处|什么名字|什么|哪所大学)(?P<b>)[？?]"
        ),
        re.compile(r"[\u4e00-\u9fff·《》]{2,14}"),
    ),
    (
        re.compile(r"(?P<a>[^，？?]+?的[^，？?]{1,8}是)(?P<q>什么|哪里)(?P<b>)[？?]"),
        re.compile(r"[\u4e00-\u9fff·《》]{2,14}"),
    ),
)


def _claim(question: str, answer: str) -> tuple[str, str, str] | None:
    """Question and answer as (before, after, kind of question), where a rule can tell how."""
    for pattern, kind in _CLAIMS:
        hit = pattern.fullmatch(question)
        if hit is None or not kind.fullmatch(answer):
            continue
        before, after = hit["a"], hit["b"]
        if hit["q"] == "多少":
            unit = re.sub(r"[\d,.]", "", answer)
            if not after.startswith(unit):
                return None
            after = after.removeprefix(unit)
        if kind is _DATE:
            after = after.removeprefix("是") if after.endswith("的") else after
        return before, after, hit["q"]
    return None


def _answered(data: Path, seed: int) -> Iterator[Pair]:
    with gzip.open(data / CMRC, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    asked = []
    for article in articles:
        for paragraph in article["paragraphs"]:
            for row in paragraph["qas"]:
                answers = {each["text"].strip(" 。") for each in row["answers"]}
                if len(answers) == 1:
                    (answer,) = answers
                    form = _claim(re.sub(r"\s", "", row["question"]), answer)
                    if form is not None:
                        asked.append((row["id"], paragraph["context"], form, answer))
    by_kind: dict[str, list[str]] = {}
    for _, _, (_, _, kind), answer in asked:
        by_kind.setdefault(kind, []).append(answer)
    for at, context, (before, after, kind), answer in asked:
        rng = Random(f"{seed}:{at}")
        claim, group = f"{before}{answer}{after}。", f"cmrc:{at.rsplit('_', 2)[0]}"
        held, free = _windows(context, answer, rng)
        if not held:
            continue
        yield Pair(held, claim, SUPPORTS, "zh-zh:answer", group)
        if free:
            yield Pair(free, claim, NEITHER, "zh-zh:elsewhere", group)
        number = _DIGITS.search(answer)
        if number:
            other = answer.replace(number.group(), _other_number(number.group(), rng), 1)
            if other not in context:
                yield Pair(held, f"{before}{other}{after}。", REFUTES, "zh-zh:value", group)
        else:
            wrong = rng.choice(by_kind[kind])
            if wrong not in context and wrong != answer:
                text = f"{before}{wrong}{after}。"
                yield Pair(held, text, NOT_SUPPORTED, "zh-zh:other", group)


def _windows(context: str, answer: str, rng: Random) -> tuple[str, str]:
    """Up to three sentences around the first that holds the answer, and one or two without it."""
    sentences = [context[a:b] for a, b in split(context)]
    holds = [i for i, sentence in enumerate(sentences) if answer in sentence]
    if not holds:
        return "", ""
    at = holds[0]
    # Chinese drops the subject once it is known: the passage's first sentence names it.
    kept = sorted({0, at - 1, at} & set(range(len(sentences))))
    free = [i for i in range(len(sentences)) if i not in holds and i not in (at - 1, at + 1)]
    start = rng.choice(free) if free else -1
    apart = sentences[start : start + 2] if start >= 0 else []
    apart = [sentence for sentence in apart if answer not in sentence]
    return "".join(sentences[i] for i in kept), "".join(apart)


SETS = (
    PublishedSet(
        "FLORES-200 dev",
        (FLORES,),
        "genggui001/opencompass",
        "CC BY-SA 4.0",
        lambda data: _parallel(data, 0),
    ),
    PublishedSet(
        "CMRC 2018 dev", (CMRC,), "ymcui/cmrc2018", "CC BY-SA 4.0", lambda data: _answered(data, 0)
    ),
)
"""Where the texts come from; files are under the folder that ``available`` is asked about."""

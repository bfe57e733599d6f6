"""Stories of news agencies: who credits whom, and whether an article is mostly the agency's story.

A hundred papers that print one agency's story are one origin. The credit alone does not make them
so (a paper may add its own reporting under the same credit), nor do the words alone (what was
changed or added counts): both together do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from xxhash import xxh3_64_intdigest

from gnomon.origins.compare import Edit, edits_of, named, numeric, turned, weight
from gnomon.origins.facts import speech
from gnomon.origins.wording import Wording, values
from gnomon.text import sentences
from gnomon.text.tokens import is_cjk, words
from gnomon.types import EdgeKind, Post

FEWEST_WORDS = 40
"""Shorter texts are copies or they are not; "mostly a story" needs a story."""
COVERED, COPIED, EXCERPT = 0.5, 0.75, 0.9
"""The share of an article's words that must lie in runs of an earlier one's: where both credit one
agency; where they do not; and of the earlier one's in an agency's, for it to be an excerpt."""
OWN_WORDS = 120.0
"""Words of an article's own, in all, from which on it is reporting beside the agency's."""
_RUN = 5  # words: a run of so many equal words is taken over, not met by chance
_SMALL = 4  # words: an edit up to here changes a fact, a longer one is another sentence

# The agencies by the names under which they are credited, in Latin and in Chinese script.
_AGENCIES: dict[str, tuple[str, ...]] = {
    "AP": ("AP", "Associated Press", "美联社"),
    "Reuters": ("Reuters", "Thomson Reuters", "路透社", "路透"),
    "AFP": ("AFP", "Agence France-Presse", "Agence France Presse", "法新社"),
    "Xinhua": ("Xinhua", "Xinhua News Agency", "新华社", "新华网"),
    "China News Service": ("CNS", "China News Service", "中新社", "中新网", "中国新闻网"),
    "CNA": ("Central News Agency", "中央社"),
    "Kyodo": ("Kyodo", "Kyodo News", "共同社"),
    "Yonhap": ("Yonhap", "Yonhap News Agency", "韩联社"),
    "TASS": ("TASS", "ITAR-TASS", "塔斯社"),
    "RIA Novosti": ("RIA Novosti", "Sputnik", "俄新社"),
    "Interfax": ("Interfax", "国际文传电讯社"),
    "dpa": ("dpa", "DPA", "德新社"),
    "EFE": ("EFE", "埃菲社"),
    "ANSA": ("ANSA", "安莎社"),
    "PA": ("PA", "PA Media", "Press Association"),
    "AAP": ("AAP", "Australian Associated Press"),
    "CP": ("CP", "Canadian Press", "The Canadian Press"),
    "UPI": ("UPI", "United Press International", "合众国际社"),
    "PTI": ("PTI", "Press Trust of India", "印报托"),
    "IANS": ("IANS",),
    "Anadolu": ("Anadolu", "Anadolu Agency", "阿纳多卢通讯社"),
    "Bloomberg": ("Bloomberg", "Bloomberg News", "彭博社"),
}
_OF = {name.casefold(): agency for agency, names in _AGENCIES.items() for name in names}


def _either(cjk: bool) -> str:
    names = (name for names in _AGENCIES.values() for name in names if name.isascii() != cjk)
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_LATIN, _CJK = _either(False), _either(True)
# A photograph's credit ("Lee Jin-man/AP", "AP Photo", "File/Associated Press") is not the story's.
_PICTURE = re.compile(
    r"(?:[/•©]|\b(?:photo|photograph|file|image|copyright|picture)\b.{0,12})$", re.I
)
_FILED = (  # the story is the agency's
    # "SEOUL/WASHINGTON (Reuters) - ", "BEIJING, Sept. 15 (Xinhua) -- ", "(AP) — "
    re.compile(rf"\((?P<a>{_LATIN})\)\s{{0,2}}(?:[-–—:]|[A-Z]{{4,}})"),
    # "By Jane Doe, Associated Press", "Xinhua | Updated: 2017-09-15"
    re.compile(rf"(?:^|\n)\s*By [^\n]{{3,60}}?[,|]\s*(?:The )?(?P<a>{_LATIN})\b"),
    re.compile(rf"(?:^|\n)\s*(?P<a>{_LATIN}) \| "),
    re.compile(rf"(?:Copyright|©)(?: ?\(c\))? \d{{4}},? (?:by )?(?:The )?(?P<a>{_LATIN})\b"),
    re.compile(rf"\b(?:Source|SOURCE|Agency|From)[:：] ?(?:The )?(?P<a>{_LATIN})\b"),
    # at the end: "(AFP, dpa)", "— Reuters"
    re.compile(rf"(?:\((?:[\w ]+, )?|[-–—] ?)(?P<a>{_LATIN})\)?\W*$"),
    # 新华社北京3月7日电, 中新网3月7日电（记者……）, （路透社）
    re.compile(rf"(?P<a>{_CJK})[一-龥]{{0,8}}(?:\d{{1,2}}月)?\d{{1,2}}日(?:专)?(?:电|讯|消息)"),
    re.compile(rf"(?:来源|转自|摘自|消息来源)[:：\s]*(?P<a>{_CJK})|[（(](?P<b>{_CJK})[)）]"),
)
_REPORTED = (  # a statement is the agency's
    re.compile(
        rf"\b(?P<a>{_LATIN})(?: news agency)? (?:has )?"
        r"(?:reports?|reported|says|said|quoted|cited)\b"
    ),
    re.compile(rf"\b(?:(?i:according to|cited by|citing|told|via)) (?:the )?(?P<a>{_LATIN})\b"),
    re.compile(rf"(?:据|援引|引述)(?P<a>{_CJK})|(?P<b>{_CJK})(?:报道|消息|称|援引)"),
)
_ANY = re.compile(rf"\b(?:{_LATIN})\b|{_CJK}")
_VIA = re.compile(
    r"(?:\bvia|[转轉]自[:：]?|来源[:：])\s*[@＠]?(?P<a>[\w.-]{2,30})\W*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Credit:
    """``to`` is the agency (or, for "via @x", the account, with its @). ``filed``: the whole story
    is credited, not a statement in it. ``text[start:end]`` is the credit as written."""

    to: str
    filed: bool
    start: int
    end: int


@lru_cache(maxsize=4096)
def credits_in(text: str) -> tuple[Credit, ...]:
    """The agencies that ``text`` credits, each once, a credit of the whole story first."""
    if not _ANY.search(text) and not _VIA.search(text):
        return ()
    found: dict[str, Credit] = {}
    for patterns, filed in ((_FILED, True), (_REPORTED, False)):
        for pattern in patterns:
            for match in pattern.finditer(text):
                group = "a" if match["a"] else "b"
                start, end = match.span(group)
                if filed and _is_picture(text, start, match.group()):
                    continue
                agency = _OF[match[group].casefold()]
                found.setdefault(agency, Credit(agency, filed, start, end))
    via = _VIA.search(text)
    if via and via["a"].casefold() not in _OF:
        account = f"@{via['a'].casefold()}"
        found.setdefault(account, Credit(account, True, *via.span("a")))
    return tuple(sorted(found.values(), key=lambda credit: (not credit.filed, credit.start)))


def _is_picture(text: str, start: int, credit: str) -> bool:
    """Whether the credit before ``start`` is a photograph's and not the copyright line's."""
    if credit.lower().startswith(("copyright", "©")):
        return False
    return bool(_PICTURE.search(text[max(0, start - 20) : start]))


def is_by(author: str, agency: str) -> bool:
    """Whether ``author`` is the agency (or the account) itself."""
    name = author.casefold().strip().removeprefix("@").removeprefix("www.")
    names = {name, name.split(".")[0]}
    if agency.startswith("@"):
        return agency[1:] in names
    return any(_OF.get(one) == agency for one in names)


def agencies(post: Post) -> frozenset[str]:
    """Whose story the post is, by its credits and its author."""
    filed = {credit.to for credit in credits_in(_whole(post)) if credit.filed}
    name = post.author.casefold().removeprefix("@").removeprefix("www.")
    own = _OF.get(name) or _OF.get(name.split(".")[0])
    return frozenset(filed | {own}) if own else frozenset(filed)


def keys(post: Post) -> tuple[int, ...]:
    """64-bit keys under which stories of one agency find each other, however much of their opening
    was rewritten: one for each sentence, up to ``_KEYED``, by its first words. None for a post that
    is too short or credits nobody, which costs next to nothing."""
    text = post.text
    if len(text) < (_FEWEST_CHARS if text.isascii() else _FEWEST_CJK):
        return ()
    if post.author.casefold() not in _OF and not any(hint in text for hint in _HINTS):
        return ()
    credited = agencies(post)
    if not credited:
        return ()
    found = []
    for start, end in sentences.split(text)[:_KEYED]:
        run = words(undated(text[start : min(end, start + _OPENING_CHARS)]))[:_OPENING]
        if len(run) == _OPENING:
            found += [f"story {agency} {' '.join(run)}" for agency in sorted(credited)]
    return tuple(
        dict.fromkeys(
            xxh3_64_intdigest(one.encode("utf-8", "surrogatepass")) & _MASK for one in found
        )
    )


_FEWEST_CHARS, _FEWEST_CJK = 200, 80  # shorter ones have not FEWEST_WORDS
# What a credit of a story is written with: asked before the patterns are tried.
_HINTS = (
    "AP)",
    "AFP",
    "Reuters",
    "Press",
    "Xinhua",
    "ource:",
    "新华",
    "社",
    "中新",
    "转自",
    "来源",
)
_KEYED = 16  # sentences
_OPENING, _OPENING_CHARS = 6, 120
_MASK = 0x7FFF_FFFF_FFFF_FFFF  # keys fit into a signed 64-bit integer
# "PORTO VERDE (AP) — ", 新华社大桥镇3月7日电（记者刘青）
_DATED = re.compile(
    rf"^.{{0,60}}?\((?:{_LATIN})\)\s*[-–—]+|^.{{0,8}}?(?:{_CJK}).{{0,24}}?[电讯](?:[（(][^）)]*[）)])?"
)


def shared(one: Post, other: Post) -> str:
    """The agency that both credit with their whole story, or that one credits and the other is;
    "" if there is none."""
    both = agencies(one) & agencies(other)
    if both:
        return min(both)
    for mine, author in ((agencies(one), other.author), (agencies(other), one.author)):
        for agency in sorted(mine):
            if is_by(author, agency):
                return agency
    return ""


def named_by_both(one: Post, other: Post) -> str:
    """The agency that both name for what they say, in whatever form; "" if there is none."""
    mine, theirs = (
        {credit.to for credit in credits_in(_whole(post))} | agencies(post) for post in (one, other)
    )
    return min(mine & theirs, default="")


def undated(text: str) -> str:
    """``text`` without the dateline it begins with."""
    return _DATED.sub("", text).strip()


def _whole(post: Post) -> str:
    return f"{post.title}\n{post.text}" if post.title else post.text


def edge(root: Post, said: Wording, copy: Post, again: Wording) -> tuple[EdgeKind, float] | None:
    """How an article is the story of an earlier one, if it is: kind and share of words taken over.

    COPY: ``COPIED`` of the later one's words are the earlier one's. WIRE: ``COVERED`` of them are,
    with no number that is new, and both are the same agency's; or the later one is an agency's own
    and holds (nearly) all of the earlier one, which then is an excerpt of it. Never across a
    changed number, negation or modality, and never where the later one quotes somebody new.
    """
    if min(len(said.words), len(again.words)) < FEWEST_WORDS:
        return None
    taken = _covered(said, again)
    if taken >= COVERED:
        agency = shared(root, copy)
        enough = taken >= COPIED or (agency and again.values <= said.values)
        if enough and _adds_nothing(said, again):
            return (EdgeKind.WIRE if agency else EdgeKind.COPY), round(taken, 4)
    if any(credit.filed for credit in credits_in(_whole(copy))):
        kept = _covered(again, said)
        if kept >= EXCERPT and not _changes(said, again) and not _new_witness(said, again):
            return EdgeKind.WIRE, round(kept, 4)
    return None


def _adds_nothing(root: Wording, copy: Wording) -> bool:
    own = 0.0
    known = set(root.words)
    for edit in edits_of(root, copy):
        if len(edit.come) > _SMALL:
            own += weight([word for word in edit.come if word not in known])
    if own >= OWN_WORDS or own > (1 - COVERED) * len(copy.words):
        return False
    return not _changes(root, copy) and not _new_witness(root, copy)


def _changes(root: Wording, copy: Wording) -> bool:
    """Whether a small edit turns or counts otherwise what both say."""
    return any(
        len(edit.gone) <= _SMALL
        and len(edit.come) <= _SMALL
        and (turned(edit) or _other_numbers(edit, root.time))
        for edit in edits_of(root, copy)
    )


def _covered(root: Wording, copy: Wording) -> float:
    """The share of the words of ``copy`` that lie in runs of ``_RUN`` words of ``root``."""
    held = root.shingles(_RUN)
    run = copy.words
    inside = bytearray(len(run))
    for i in range(len(run) - _RUN + 1):
        if " ".join(run[i : i + _RUN]) in held:
            inside[i : i + _RUN] = b"\1" * _RUN
    return sum(inside) / len(run)


def _other_numbers(edit: Edit, now: float) -> bool:
    """Whether numbers stand on both sides of a small edit and are not the same."""
    if not (any(map(numeric, edit.gone)) and any(map(numeric, edit.come))):
        return False
    before, after = (values(side, now) for side in edit.context)
    return before != after


_SOMEBODY = re.compile(r"[,”\"] (?:said|says|told \w+) (?:an?|one|another|two|some)\b")


def _new_witness(root: Wording, copy: Wording) -> bool:
    """Whether ``copy`` quotes speech that ``root`` does not have, beside a name it does not have:
    it asked somebody itself."""
    known = set(root.words)
    heard = [run for run in speech(copy.text) if not _said_in(run.split(), root)]
    if not heard:
        return False
    if is_cjk(heard[0]):
        return True  # where names begin and end is not told apart well enough
    fresh = set(copy.words) - known
    return bool(_SOMEBODY.search(copy.text)) or named(copy.text, fresh, known, root)


def _said_in(run: list[str], root: Wording) -> bool:
    """Whether most of a quotation's runs of words stand in ``root``."""
    k = min(_RUN, len(run))
    pieces = {" ".join(run[i : i + k]) for i in range(len(run) - k + 1)}
    return 2 * len(pieces & root.shingles(k)) >= len(pieces)

"""Which stories are in a digest, and which sentences of them are worth checking."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gnomon.store.contract import Store
from gnomon.text import polarity, slots
from gnomon.text.orders import is_instruction
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk
from gnomon.truth.claims import claim_at
from gnomon.truth.terms import content_terms
from gnomon.types import Passage, Post, SlotKind, Story

SHORTEST, LONGEST = 20, 320
"""Characters of a sentence that is quoted; half as many in Chinese, which says as much in them."""
ALIKE = 0.6
"""Share of the shorter sentence's content words that two have in common when they say the same."""
MOST_LINES = 5

_POINTS_BACK = re.compile(
    r"^\W*(?:it|he|she|they|this|that|these|those|there|here|its|his|her|their|him|them|and|but|so|"
    r"then|also|however|meanwhile|i|we|my|our|you|your)\b|^\W*(?:他|她|它|这|那|其|该|此|但|而|我|你)",
    re.IGNORECASE,
)
_SELLS = re.compile(
    r"\b(?:click|subscribe|follow us|sign up|read more|retweet|rt if|watch live|link in bio|"
    r"breaking|live updates?|(?:file )?(?:photo|pic|picture|video|image)s? (?:of|by|shows?))\b|"
    r"^\W*FILE\b|\blet['’]s\b|点击|关注我们|转发|扫码",
    re.IGNORECASE,
)
# "RT @name: words", '"@name: words"' and "MT @name": the words are another's, passed on.
_PASSED_ON = re.compile(
    r'^\W*(?:RT|MT|QT)\b[\s:]*(?=[^@\s])|(?:\b(?:RT|MT|QT|via)\s+|[“"])@\w+:?\s*[“"]?|^\W*@\w+:\s*'
)
# Said of oneself: true or not, it tells nobody what happened.
_PERSONAL = re.compile(r"\b(?:I|I['’](?:m|ve|d|ll)|my|me|mine|myself|ur|u)\b|[我俺咱]")
# What asks, wishes or bids states nothing.
_BIDS = re.compile(
    r"^\W*(?:please|pls|praying|pray|prayers|prayer|thoughts|sending|god bless|bless|rip|hoping|"
    r"hope|wishing|let's|let us|donate|give|text|call|help|join|support|share|watch|see|check|"
    r"visit|buy|get|stay|keep|remember|ways to|how to|thank|thanks|congrat\w*|happy|"
    r"good (?:morning|night|luck)|if you|omg|wow|lol|so sad|my heart|hearts? go)\b|"
    r"\bif you'd like\b|^\W*(?:请|祈祷|为.{1,12}祈|愿|加油)",
    re.IGNORECASE,
)
# Cut off by a limit of length, or at the stop of an abbreviation.
_CUT = re.compile(
    r"(?:…|\.\.\.|\b(?:Okla|Calif|Sen|Gov|Rep|Mr|Mrs|Ms|Dr|St|No|vs|Inc|Corp|Jan|Feb|Aug|Sept|Oct|"
    r"Nov|Dec|U\.S|[A-Z])\.|[-–—:,(])\W*$"
)
_INCHES = re.compile(r'\d"')
_MARKUP = re.compile(r"https?://\S+|[@#]\w+|\bRT\b")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a held post that may stand in a digest."""

    passage: Passage

    @property
    def text(self) -> str:
        return self.passage.text


def merged(loud: Sequence[Story], supported: Sequence[Story], k: int) -> list[Story]:
    """The first ``k``, taken in turn from both lists: by interest and by support."""
    chosen: dict[str, Story] = {}
    for pair in zip(_padded(loud, supported), _padded(supported, loud), strict=True):
        for story in pair:
            if story is not None and len(chosen) < k:
                chosen.setdefault(story.id, story)
    return list(chosen.values())


def _padded(stories: Sequence[Story], other: Sequence[Story]) -> Iterator[Story | None]:
    yield from stories
    yield from [None] * (len(other) - len(stories))


def candidates(story: Story, store: Store) -> list[Candidate]:
    """Sentences of ``story`` that could be stated, the most telling first: what several agree on,
    what it began with, what was new on its way. None says what another says already."""
    wanted: list[tuple[str, str]] = []
    agreed = sorted(story.agreed, key=lambda fact: -fact.voices)
    for fact in agreed:
        # Whoever wrote it so; the others say the same in other words.
        wanted += [(s.post, fact.text) for s in fact.said_by if fact.text in s.quote][:1]
    wanted.append((story.title_post, story.title))
    wanted.append((story.first.post, story.first.quote))
    wanted += [(moment.saying.post, moment.saying.quote) for moment in story.timeline]
    held = store.get_many(list({post for post, _ in wanted}))
    links = store.links(list(held))
    found: list[Candidate] = []
    for post_id, quote in wanted:
        post = held.get(post_id)
        if post is None or is_instruction(f"{post.title}\n{post.text}"):
            continue
        origin = links[post_id].origin if post_id in links else post_id
        for start, end in _places(post, quote):
            start += own_words_at(post.text[start:end])
            text = post.text[start:end]
            if statable(text) and not says_again(text, (c.text for c in found)):
                found.append(Candidate(Passage(post, start, end, origin)))
                break
        if len(found) >= 2 * MOST_LINES:
            break
    return found


def _places(post: Post, quote: str) -> Iterator[tuple[int, int]]:
    """Spans of the post to try: the sentence that holds the quote, or else its first ones."""
    at = post.text.find(quote) if quote else -1
    spans = split(post.text)
    if at >= 0:
        yield from ((a, b) for a, b in spans if a <= at < b)
    yield from spans[:2]


def own_words_at(sentence: str) -> int:
    """Where a sentence begins behind "RT @name:": what follows is what is stated."""
    ends = [found.end() for found in _PASSED_ON.finditer(sentence)]
    return ends[-1] if ends and ends[-1] < len(sentence) - SHORTEST // 2 else 0


def statable(text: str) -> bool:
    """Whether a sentence can stand alone as a statement: of some length, about somebody or
    something that it names or counts, no question, opinion, advertisement, answer or order to
    machines."""
    plain = _MARKUP.sub("", text).strip()
    chinese = is_cjk(plain)
    shortest, longest = (SHORTEST // 2, LONGEST // 2) if chinese else (SHORTEST, LONGEST)
    if is_instruction(text):
        return False
    if not shortest <= len(plain) <= longest or len(plain) < 0.6 * len(text.strip()):
        return False
    if _POINTS_BACK.match(plain) or _SELLS.search(plain) or _BIDS.search(plain):
        return False
    if _CUT.search(plain) or "…" in text[-30:] or _PERSONAL.search(plain):
        return False
    if polarity.is_question(plain) or polarity.is_opinion(plain) or _is_half_quoted(plain):
        return False
    if sum(c.isupper() for c in plain) > 0.6 * sum(c.isalpha() for c in plain):
        return False
    claim = claim_at(plain, 0, len(plain))
    named = any(s.kind in (SlotKind.NAME, SlotKind.NUMBER) for s in slots.find(plain))
    return claim.checkable and (named or chinese) and len(content_terms(plain)) >= 3


def _is_half_quoted(text: str) -> bool:
    """Whether somebody's speech begins or ends elsewhere: who says it is not told. A mark at the
    very end may be what is left of "@name: words"."""
    return not (_quotes_close(text) or _quotes_close(text.rstrip().rstrip('”"」』')))


def _quotes_close(text: str) -> bool:
    plain = _INCHES.sub("", text).count('"')
    return plain % 2 == 0 and all(
        text.count(opens) == text.count(closes) for opens, closes in ("“”", "「」", "『』")
    )


def says_again(text: str, others: Iterable[str]) -> bool:
    """Whether one of ``others`` says what ``text`` says, by their content words, with no number of
    its own."""
    mine = set(content_terms(text))
    numbers = _numbers(text)
    for other in others:
        theirs = set(content_terms(other))
        least = min(len(mine), len(theirs))
        if least and len(mine & theirs) >= ALIKE * least and numbers <= _numbers(other):
            return True
    return False


def _numbers(text: str) -> set[tuple[float | str, str]]:
    return {(s.value, s.unit) for s in slots.find(text) if s.kind is SlotKind.NUMBER}

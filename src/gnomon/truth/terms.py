"""Which words of a text carry it: content terms, their weights, and how much of one text another
covers.

English words are stemmed (Snowball's Porter2, https://snowballstem.org/algorithms/english/) so that
"reopened" meets "reopen"; CJK text is compared in character bigrams without those made of function
characters.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

import snowballstemmer

from gnomon.text import slots
from gnomon.text.tokens import is_cjk, tokens


class _Stemmers(threading.local):
    """A stemmer for each thread: it keeps the word at hand in itself, and two threads at once get
    each other's stems, or an IndexError."""

    def __init__(self) -> None:
        self.english = snowballstemmer.stemmer("english")


_STEMMERS = _Stemmers()

_FUNCTION_EN = frozenset(
    """
    altogether together combined
    a about after again against all also am an and any are as at be because been before being
    both but by can could did do does doing don't during each else ever every for from further
    get gets got had has have having he her here hers him his how i if in into is isn't it
    it's its itself just let like me more most much my no nor not now of off on once one only
    or other our out over own per really same say said says she should so some such than that
    that's the their them then there these they this those through to too under until up upon
    us very via was we were what when where whether which while who whom whose why will with
    would yes yet you your please tell know many happened happen happens anyone anybody
    someone somebody exactly currently actually rt http https www com amp t co according s
    """.split()
)
# "wasn't", "they're": no more than the words that they are made of.
_CONTRACTED = ("n't", "'ll", "'re", "'ve", "'d", "'m")
# Question and function words. A bigram that holds one of the first kind carries no content.
_FUNCTION_ZH = frozenset(
    "的了是在和与及或也都就而且但这那哪吗呢吧啊么之其被把从对于为以所个们你我他她它几谁何"
)
_QUESTION_ZH = """
什么时候 为什么 有没有 是不是 什么 多少 怎么 怎样 如何 哪里 哪儿 哪个 哪些 哪天 何时 是否
几点 几个 多大 多长 请问 到底 究竟 目前 现在 现任 如今 一共 总共 有关 关于 情况
""".split()

# "What time", "how many", "what is the number of": what is asked for is no word of the answer.
_ASKED_NOUN = re.compile(
    r"\b(?:(?:at |on |in |by )?(?:what|which) "
    r"(?:time|day|date|year|month|number|amount|percentage)|"
    r"how (?:many|much|long|far|old|often|soon|big|large|tall|high|deep)|"
    r"(?:number|amount|share|total) of|since when)\b",
    re.IGNORECASE,
)

# Irregular pairs that a stemmer cannot see; each maps to the stem of one common form.
_IRREGULAR = {
    "rose": "rise", "risen": "rise", "fell": "fall", "fallen": "fall",
    "began": "begin", "begun": "begin", "lost": "lose", "held": "hold",
    "built": "build", "bought": "buy", "sold": "sell", "paid": "pay", "left": "leav",
    "shut": "close", "reopening": "reopen", "broke": "break", "broken": "break",
    "stolen": "steal", "stole": "steal", "found": "find", "went": "go", "gone": "go",
    "came": "come", "gave": "give", "given": "give", "took": "take", "taken": "take",
    "spoke": "speak", "chose": "choos", "chosen": "choos", "hurt": "injur", "injury": "injur",
    "injuries": "injur", "wounded": "injur", "led": "lead", "children": "child",
    "women": "woman", "men": "man", "people": "person", "cancelled": "cancel",
    "canceled": "cancel", "cost": "cost", "costs": "cost",
}  # fmt: skip
# Other strong verbs, each line's first word standing for the rest.
_STRONG = """
sink sank sunk / see saw seen / run ran / drive drove driven / fly flew flown
write wrote written / stand stood / send sent / spend spent / meet met / make made / keep kept
know knew known / grow grew grown / draw drew drawn / throw threw thrown / blow blew blown
wear wore worn / sweep swept / flee fled / fight fought / catch caught / teach taught
bring brought / think thought / seek sought / tell told / hear heard / feel felt / mean meant
sleep slept / burn burnt / hide hid hidden / shoot shot / sing sang sung / swim swam
freeze froze frozen / stick stuck / hang hung / eat ate eaten / forget forgot forgotten
withdraw withdrew withdrawn / tear tore torn / swear swore sworn
"""
for _line in _STRONG.replace("\n", "/").split("/"):
    _IRREGULAR.update(dict.fromkeys(_line.split()[1:], "".join(_line.split()[:1])))


# Words of the news that say the same: each line's words are compared as its first.
_SAME = """
strike struck strikes hit hits hitting
die dies died dead dying death deaths kill kills killed killing fatality fatalities
start starts started starting begin begins beginning commence commenced launch launched
buy buys buying bought purchase purchased acquire acquired
large big huge
help helps helped aid assist assisted assistance
car cars vehicle vehicles
boat boats ship ships vessel vessels
job jobs post position
school schools
shut shuts shutting close closes closed closing closure
end ends ended ending finish finished finishes conclude concluded
fire fires blaze blazes
crash crashed crashes collide collided collision
chief head boss
doctor doctors physician physicians
child children kid kids
beat beats beaten defeat defeated
price prices fare fares cost costs
vote votes voted ballot ballots
appoint appointed name named
own owns owned owner belong belongs belonged
quit quits resign resigned resigns
win won wins winning winner winners elect elected re-elected
attend attended attendance attending attendees visit visits visited visitor visitors
scrap scrapped cancel cancelled canceled cancels
shooter shooters gunman gunmen
""".split("\n")
_SYNONYMS = {word: line.split()[0] for line in _SAME if line for word in line.split()}


@lru_cache(maxsize=65536)
def stem(token: str) -> str:
    """The comparable form of one token."""
    if token in _SYNONYMS:
        return _SYNONYMS[token]
    if token in _IRREGULAR:
        return _IRREGULAR[token]
    if not token.isascii() or not token[0].isalpha():
        return token
    return str(_STEMMERS.english.stemWord(_american(token.removesuffix("'s"))))


_ISE = re.compile(r"(?<=\w{4})is(?=(?:e|ed|es|er|ers|ing|ations?)$)")
_OUR = re.compile(r"(?<=\w{3})our(?=(?:s|ed|ing)?$)")


def _american(token: str) -> str:
    """ "apologise" and "harbour" as Americans write them, so that both spellings are one word. What
    is no such pair ("promise") comes out as no word, the same in all its forms."""
    return _OUR.sub("or", _ISE.sub("iz", token))


def _british(token: str) -> str:
    return re.sub(r"(?<=\w{4})iz(?=(?:e|ed|es|er|ers|ing|ations?)$)", "is", token)


def _inflected(token: str) -> str:
    """What the index takes ``token`` for (``store/stems.py``): its stem, as it is spelled."""
    return str(_STEMMERS.english.stemWord(token)) if token.isascii() else token


def content_map(text: str) -> dict[str, str]:
    """The terms that carry ``text``, in order: comparable form -> index token."""
    text = _ASKED_NOUN.sub(" ", text)
    for phrase in _QUESTION_ZH:
        if phrase in text:
            text = text.replace(phrase, " ")
    found: dict[str, str] = {}
    for token in tokens(text):
        if token.isascii() or not _is_cjk_char(token[0]):
            plain = token not in _FUNCTION_EN and not token.endswith(_CONTRACTED)
            if plain and (len(token) > 1 or token.isdigit()):
                found.setdefault(stem(token), token)
        elif len(token) == 2 and not (_FUNCTION_ZH & set(token)):
            found[token] = token
    return found


def content_terms(text: str) -> list[str]:
    """The comparable forms of the terms that carry ``text``, in order, each once."""
    return list(content_map(text))


def _is_cjk_char(character: str) -> bool:
    return character > "\u2e7f"


def without_exact(text: str) -> str:
    """``text`` without its numbers and dates, and what makes them bounds ("more than"): those are
    compared as values, not as words."""
    for slot in reversed(slots.exact(text)):
        start, end = slots.bounded_span(text, slot)
        text = f"{text[:start]} {text[end:]}"
    return text


def term_set(text: str) -> frozenset[str]:
    """All comparable terms of ``text``: what a claim's content terms are looked up in."""
    return frozenset(stem(token) for token in tokens(text))


_KIN: dict[str, frozenset[str]] = {}
for _table in (_IRREGULAR, _SYNONYMS):
    for _word, _root in _table.items():
        _KIN[_root] = _KIN.get(_root, frozenset()) | {_word}

_SUFFIXES = ("", "s", "es", "ed", "d", "ing")


def written_forms(token: str) -> frozenset[str]:
    """The forms an English word may stand in, itself included; not all of them are words."""
    if not (token.isascii() and token.isalpha() and len(token) > 3):
        return frozenset({token})
    base = stem(token)
    forms = {base + suffix for suffix in _SUFFIXES} | {token, _american(token), _british(token)}
    if token.endswith("ed"):
        # "apologised", whose stem is "apolog": what the word itself is made of.
        forms |= {token[:-1], token[:-1] + "s", token[:-2] + "ing"}
    if base.endswith("i"):
        forms |= {base[:-1] + "y", base[:-1] + "ies", base[:-1] + "ied"}
    else:
        forms |= {base + "e", base + "es"}
    return frozenset(forms) | _KIN.get(base, frozenset())


Frequencies = Callable[[Iterable[str]], Mapping[str, int]]


class Weights:
    """How much each term of a text says, from its document frequency in the store.

    Robertson-Sparck Jones idf, kept positive as in Lucene's BM25,
    ``ln(1 + (N - n + 0.5) / (n + 0.5))``
    (https://lucene.apache.org/core/10_0_0/core/org/apache/lucene/search/similarities/BM25Similarity.html),
    scaled so that an unseen term weighs 1, with a floor of 0.15: in a small store about one subject
    the subject's own words are frequent, yet a sentence without them is about something else.
    """

    def __init__(self, frequencies: Frequencies, total: int) -> None:
        """``frequencies`` says how many of ``total`` texts hold a token: of origins, where they
        come from a store (``Store.frequencies``, ``StoreStatus.origins``), so that copies of a
        statement neither make its own words common nor change what is held to be about it."""
        self._frequencies = frequencies
        self._total = max(total, 1)
        self._top = math.log(1 + (self._total + 0.5) / 0.5)
        self._held: dict[str, int] = {}  # written form -> texts that hold it

    def of(self, text: str) -> dict[str, float]:
        """Weights of the content terms of ``text``, by comparable form."""
        terms = content_map(text)
        self._count(terms.values())
        return {form: self._weight(token) for form, token in terms.items()}

    def forms(self, text: str) -> list[str]:
        """What to search the store for: ``text``'s content words (a Chinese text whole), and the
        same with words that mean as much and that the index does not take for the same ("rose"
        beside "rise", "hit" beside "struck"), where the store holds any. A word that no post holds
        would match nothing and cost its look-up."""
        if is_cjk(text):
            return [text]
        found = list(content_map(text).values())
        if not found:
            return [text]
        self._count(found)
        out: list[str] = []
        for token in found:
            held = {_inflected(token): token}
            for form in sorted(written_forms(token)):
                if self._held[form]:
                    held.setdefault(_inflected(form), form)
            out.extend(held.values())
        forms = [" ".join(found), " ".join(out)]
        return list(dict.fromkeys(forms))

    def _count(self, found: Iterable[str]) -> None:
        """Ask the store, in one call, for the forms that were not asked for yet."""
        new = {form for token in found for form in written_forms(token)} - self._held.keys()
        if new:
            counts = self._frequencies(new)
            self._held.update((form, counts.get(form, 0)) for form in new)

    def _weight(self, token: str) -> float:
        n = min(sum(self._held[form] for form in written_forms(token)), self._total)
        idf = math.log(1 + (self._total - n + 0.5) / (n + 0.5)) / self._top
        return max(0.15, idf)


def coverage(wanted: Collection[str], held: Collection[str], weights: Mapping[str, float]) -> float:
    """The weighted share of ``wanted`` terms that ``held`` contains, 0..1 (0 if none wanted)."""
    total = sum(weights.get(term, 1.0) for term in wanted)
    if not total:
        return 0.0
    return sum(weights.get(term, 1.0) for term in wanted if term in held) / total

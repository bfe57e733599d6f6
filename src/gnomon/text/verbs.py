"""Whether an English stretch of words has a finite verb, and where: by form, without a parser.

Auxiliaries, past forms in -ed, the irregular pasts and the commonest presents. A plural noun and a
verb in -s look alike, so presents count only where they are listed. It errs towards "no verb".
"""

from __future__ import annotations

import re

_AUXILIARIES = (
    "is are was were am be been being has have had do does did will would can could may might "
    "shall should must cannot isn't aren't wasn't weren't hasn't haven't hadn't doesn't don't "
    "didn't won't wouldn't can't couldn't shouldn't it's he's she's there's that's they're we're "
    "i'm you're they've we've i've it'll he'll she'll they'll we'll"
)
# Irregular past forms that are hardly ever nouns (OED's list of strong verbs, the commonest).
_PASTS = (
    "said told made took went came became began fell rose hit won lost ran led sold built gave "
    "found held met paid put saw sent set shot struck brought bought broke caught chose cost cut "
    "dealt did drew drove ate felt fled flew fought forgot got grew heard hid hurt kept knew laid "
    "left let lit meant quit read rode sank sang sat shook shut slept spent spoke spread sprang "
    "stood stole stuck swam swore swept taught thought threw understood woke withdrew wore wrote "
    "overtook underwent undertook foresaw misled outgrew withheld upheld arose awoke bore beat "
    "bent bet bit bled blew bound bred burst clung crept dug dreamt froze ground hung knelt leapt "
    "rang rebuilt sought shed shone slid slung slit smelt sped spilt spun split stank strode stung"
)
_PRESENTS = (
    "says say tells tell makes make takes take goes go comes come becomes become begins begin "
    "falls fall rises rise wins win loses lose runs run leads lead sells sell gives give finds "
    "find holds hold meets meet pays pay sees see shows show sends send keeps keep knows know "
    "leaves leave means mean remains remain seems seem stands stand starts start stays stay "
    "thinks think wants want works work believes believe adds claims confirms confirm denies deny "
    "reports expects expect announces announce includes include contains contain provides provide "
    "supports support requires require uses allows allow needs opposes oppose returns accepts "
    "refuses refuse lies lie owns own employs employ serves serve operates operate plans costs "
    "weighs measures lives live dies die opens closes ends begins continues continue warns warn "
    "insists argues argue suggests suggest explains reveals reveal describes describe produces "
    "carries carry covers reaches reach faces follows follow helps hopes offers appears appear "
    "exceeds equals lasts depends depend belongs belong consists consist causes prevents prevent "
    "increases decreases grows grow gets get puts brings bring sits sit writes write reads calls"
)
_FORMS = frozenset(f"{_AUXILIARIES} {_PASTS} {_PRESENTS}".split())
_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
# -ed that is no past: "hundred", "red", and so on, and adjectives that stand before nouns.
_NOT_PAST = frozenset(
    "hundred red bed need feed seed speed shed sled bleed breed weed greed indeed embed naked "
    "sacred wicked rugged united alleged so-called armed unmanned proposed limited advanced".split()
)


# Behind these a form in -ed is an adjective: "the coordinated attacks", "of alleged victims".
_BEFORE_NOUN = frozenset(
    "the a an this that these those its their his her our your my of in on at by with from for "
    "no any some each every most more very".split()
)


def verb_at(text: str) -> int:
    """The offset of the first finite verb of ``text``, or -1."""
    before = ""
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("’", "'")
        joined = text[match.start() - 1 : match.start()] == "-"
        if word in _FORMS and not joined:
            return match.start()
        if _is_past(match.group(), word) and before not in _BEFORE_NOUN and not joined:
            return match.start()
        before = word
    return -1


def has_verb(text: str) -> bool:
    """Whether ``text`` has a finite verb, as far as its form tells."""
    return verb_at(text) >= 0


def _is_past(written: str, word: str) -> bool:
    return len(word) > 3 and word.endswith("ed") and written[0].islower() and word not in _NOT_PAST

"""Step 3 for a model of the owner's own: it is asked in the few words it was tuned on.

What the lab trains is too small for a grammar and a page of evidence. It reads a few quotes and a
question, and what it writes is checked sentence by sentence like any draft; where nothing of it
holds, the answer is composed of quotes. ``prompt`` is also what the lab tunes on, so that a model
is asked as it was taught.
"""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.models.protocols import Chat, Message
from gnomon.text.sentences import split
from gnomon.text.tokens import is_cjk
from gnomon.truth.draft import FEWEST_TERMS, Draft
from gnomon.truth.terms import content_terms, term_set
from gnomon.types import Passage, QueryPlan

REPLY_TOKENS = 64
MOST_QUOTES = 3
MOST_SENTENCES = 3
# Characters a token stands for at the least, with a small vocabulary: what fits by these fits.
CHARS = {"en": 2.0, "zh": 0.8}


def prompt(question: str, quotes: Sequence[str]) -> str:
    """One user turn: each quote on a line of its own, an empty line, the question."""
    lines = [f"> {' '.join(quote.split())}" for quote in quotes]
    return "\n".join([*lines, "", " ".join(question.split())]) if lines else question


def drafts(
    plan: QueryPlan, quotes: Sequence[Draft], chat: Chat, *, timeout_s: float = 60.0
) -> list[Draft]:
    """The model's sentences about those of the answering quotes that fit into its context, each
    with them as its evidence; [] where none fits. Raises ModelError."""
    shown = _fitting(plan, [item.quoted for item in quotes if item.quoted], chat.context_tokens)
    if not shown:
        return []
    text = prompt(plan.question, [passage.text for passage in shown])
    reply = chat.complete([Message("user", text)], max_tokens=REPLY_TOKENS, timeout_s=timeout_s)
    # A reply that was cut off ends in half a sentence.
    sentences = [reply.text[start:end].strip() for start, end in split(reply.text)]
    whole = sentences[:-1] if reply.finish == "length" else sentences
    said = list(dict.fromkeys(text for text in whole if text))
    return [Draft(text, keys=tuple(shown)) for text in said[:MOST_SENTENCES]]


RESTS = 0.6
"""Of a sentence's words so many must stand in what the model was shown, or it speaks of something
else: true, perhaps, and no answer."""


def rests(item: Draft, question: str) -> bool:
    """Whether a sentence states something about the quotes that it was to be made of."""
    said = term_set(item.text)
    if len(content_terms(item.text)) <= FEWEST_TERMS:
        return False
    shown = term_set("\n".join([question, *(passage.text for passage in item.keys)]))
    return len(said & shown) >= RESTS * len(said)


def _fitting(plan: QueryPlan, passages: Sequence[Passage], context_tokens: int) -> list[Passage]:
    """The first passages that leave room for the question, the marks of the turns and a reply."""
    room = context_tokens - REPLY_TOKENS - 16 - _tokens(plan.question)
    kept: list[Passage] = []
    for passage in passages:
        room -= _tokens(passage.text) + 2
        if room < 0 or len(kept) == MOST_QUOTES:
            break
        kept.append(passage)
    return kept


def _tokens(text: str) -> int:
    return int(len(text) / CHARS["zh" if is_cjk(text) else "en"]) + 1

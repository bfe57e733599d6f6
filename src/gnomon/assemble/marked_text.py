"""Text of the owner's own models with a mark in its words, and looking for one.

The chat server of llama.cpp draws its tokens itself and lets nobody between, so a served chat
carries no mark. Here each token is asked for and drawn by us: slower, and with the mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from gnomon.assemble.provenance import Signed
from gnomon.config import Config
from gnomon.errors import InputError
from gnomon.models import installed
from gnomon.models.likelihood import LlamaLikelihood
from gnomon.provenance.textmark import MOST_CANDIDATES, THRESHOLD, Found, TextMark, go_on
from gnomon.types.provenance import Mark

TURN, TURN_END = "<|im_start|>", "<|im_end|>"
MOST_TOKENS = 2048
MOST_CHARS = 400_000


@dataclass
class _Said:
    """Tokens so far, and how many characters of them were given out."""

    ids: list[int] = field(default_factory=list)
    given: int = 0


@contextmanager
def opened(config: Config, model: str) -> Iterator[LlamaLikelihood]:
    """The model as a distribution over tokens. Raises ModelMissing, InputError."""
    choice = installed.resolve(model, config.models_dir)
    if choice.kind != "gguf" or choice.path is None:
        raise InputError(
            f"{model!r} is no model whose tokens can be drawn here; name a GGUF model of "
            "`gnomon models`, such as one that `gnomon lab export` made."
        )
    found = LlamaLikelihood(choice.path, threads=config.threads)
    try:
        yield found
    finally:
        found.close()


def write(
    config: Config,
    signed: Signed,
    model: str,
    prompt: str,
    *,
    max_new: int = 256,
    temperature: float = 1.0,
    seed: int = 0,
    marked: bool = True,
) -> Iterator[str]:
    """What the model answers to a prompt, piece by piece. Raises ModelMissing, InputError."""
    if not prompt.strip():
        raise InputError("The prompt is empty; say what is to be written.")
    if not 1 <= max_new <= MOST_TOKENS:
        raise InputError(f"{max_new} tokens cannot be written; ask for 1 to {MOST_TOKENS:,}.")
    mark = TextMark(signed.key().mark) if marked else None
    with opened(config, model) as found:
        ids, stop = _turn(found, prompt)
        said = _Said()

        def following(so_far: list[int]) -> tuple[np.ndarray, np.ndarray]:
            return found.likeliest(so_far, MOST_CANDIDATES)

        for token in go_on(
            following, ids, mark, max_new=max_new, temperature=temperature, stop=stop, seed=seed
        ):
            said.ids.append(token)
            yield _new(found, said, last=False)
        yield _new(found, said, last=True)


def _turn(found: LlamaLikelihood, prompt: str) -> tuple[list[int], list[int]]:
    """The prompt as a turn of ChatML, as our own models are taught, and what ends the answer; of a
    model without such tokens, the prompt as it is."""
    begin, end = found.special(TURN), found.special(TURN_END)
    if begin < 0 or end < 0:
        return found.tokens([prompt])[0], []
    asked, rest, answer = found.tokens([f"user\n{prompt}", "\n", "assistant\n"])
    return [begin, *asked, end, *rest, begin, *answer], [end]


def _new(found: LlamaLikelihood, said: _Said, *, last: bool) -> str:
    """What is new of the text; a character whose bytes are not all there yet waits."""
    text = found.texts([said.ids])[0] if said.ids else ""
    if not last:
        text = text.rstrip("\ufffd")
    new, said.given = text[said.given :], max(said.given, len(text))
    return new


def look(config: Config, signed: Signed, model: str, text: str) -> tuple[Mark, Found]:
    """Whether a text carries the mark of one of our keys, by the tokens of ``model``. Raises
    ModelMissing, InputError."""
    if len(text) > MOST_CHARS:
        raise InputError(f"The text has {len(text):,} characters, over {MOST_CHARS:,}; cut it.")
    keys = [key for key in signed.keys.all() if key.mark]
    with opened(config, model) as found:
        ids = found.tokens([text])[0]
    return best_of({key.id: key.mark for key in keys}, ids)


def best_of(secrets: dict[str, bytes], ids: Sequence[int]) -> tuple[Mark, Found]:
    """The clearest of several secrets; looking for several makes a false alarm likelier."""
    seen = {name: TextMark(secret).detect(ids) for name, secret in secrets.items()}
    name = max(seen, key=lambda one: seen[one].score, default="")
    told = seen[name] if name else TextMark(b"").detect([])
    rate = min(1.0, len(seen) * float(np.exp(-THRESHOLD * THRESHOLD / 2)))
    return Mark(told.found, told.score, THRESHOLD, rate, name if told.found else ""), told

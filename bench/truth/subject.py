"""The verifier under test, and how it reads evidence: only through the ``Entail`` protocol."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from bench.truth.data import Absent, Case
from bench.truth.metrics import RISK

import gnomon
from gnomon.errors import ModelError, ModelMismatch
from gnomon.models.protocols import Entail
from gnomon.models.verifier import CHINESE, SHIPPED, OnnxVerifier
from gnomon.text.sentences import split
from gnomon.text.tokens import tokens
from gnomon.truth.confidence import Trust, load
from gnomon.truth.retrieve import PASSAGES_PER_POST, SHORT_CHARS, window
from gnomon.truth.terms import Weights, coverage, term_set
from gnomon.truth.trained import ByLanguage, Mixing, TrainedEntail, load_mixing
from gnomon.truth.verify import LexicalEntail
from gnomon.types import Post

NAMES = ("rules", "trained")
PACKAGE = Path(gnomon.__file__).parent


def weights_over(texts: Iterable[str]) -> Weights:
    """Term weights as a store of these texts would give them."""
    held: Counter[str] = Counter()
    total = 0
    for text in texts:
        held.update(set(tokens(text)))
        total += 1
    return Weights(lambda terms: {term: held[term] for term in terms}, total)


def open_entail(name: str, weights: Weights) -> Entail:
    """``rules`` or ``trained``, over a store with these term weights; ``trained=FOLDER`` is a model
    that is not shipped yet. Raises Absent where the trained verifier is not in this checkout."""
    kind, _, folder = name.partition("=")
    if kind == "rules":
        return LexicalEntail(weights)
    if kind != "trained":
        raise ValueError(f"{name!r} is no verifier; there are {', '.join(NAMES)}")
    if folder:
        return _entail(folder, weights)
    return ByLanguage(_entail("", weights), _entail(str(CHINESE), weights))


def _entail(folder: str, weights: Weights) -> TrainedEntail:
    scorer, mixing = _trained(folder)
    langs = frozenset(scorer.card["langs"])
    return TrainedEntail(LexicalEntail(weights), scorer, mixing, langs=langs)


@cache
def _trained(folder: str) -> tuple[OnnxVerifier, Mixing]:
    """The model and the table that weighs it against the rules, loaded once."""
    try:
        scorer = OnnxVerifier(Path(folder) if folder else SHIPPED)
        mixing = load_mixing(scorer.folder / "mixing.json", scorer.sha256)
    except ModelError as error:
        raise Absent(f"no trained verifier: {error}") from error
    _open.append(scorer)
    return scorer, mixing


_open: list[OnnxVerifier] = []


def close() -> None:
    """End the models that were opened."""
    while _open:
        _open.pop().close()
    _trained.cache_clear()


CALIBRATION = "calibration.json"


@cache
def trust(name: str) -> Trust | None:
    """The calibration beside this verifier with the owner's default risk, as the product opens it;
    None for the rules and where there is none."""
    kind, _, folder = name.partition("=")
    if kind == "rules":
        return None
    scorer, _ = _trained(folder)
    path = scorer.folder / CALIBRATION
    if not path.is_file():
        return None
    try:
        entail = open_entail(name, weights_over([""]))
        return Trust(load(path, entail.name, scorer.sha256), RISK)
    except ModelMismatch:
        return None


@cache
def fingerprint(name: str, *parts: str) -> str:
    """SHA-256 of all code and weights that a figure of this verifier depends on: what reads text,
    what judges, and further ``parts`` of the package ("store", "origins")."""
    files = [
        p for part in ("text", "truth", *parts) for p in sorted((PACKAGE / part).rglob("*.py"))
    ]
    kind, _, folder = name.partition("=")
    if kind == "trained":
        folders = [Path(folder)] if folder else [SHIPPED, CHINESE]
        held = [p for one in folders for p in sorted(one.rglob("*")) if p.is_file()]
        # Judgements of pairs are raw: only what weighs them (``parts``) goes by the calibration.
        files += [p for p in held if parts or p.name != CALIBRATION]
        files.append(PACKAGE / "models" / "verifier.py")
    digest = hashlib.sha256(name.encode())
    for path in files:
        if "__pycache__" not in path.parts:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


Window = tuple[str, int, int]
"""A window's text, and the first and last index of the evidence's sentences that it shows."""


def windows(case: Case, weights: Weights) -> list[Window]:
    """What a verifier is shown of a piece of evidence: as the product shows a post, sentence by
    sentence with what stands before it, the ``PASSAGES_PER_POST`` sentences that share most with
    the claim (``truth.retrieve``). Where the set gives one text, its sentences are told by
    ``text.sentences`` and the indices are theirs."""
    text, spans = laid_out(case)
    post = Post("e", text, "", 0.0, title=case.title)
    wanted = weights.of(case.claim)
    scored = []
    for i in range(len(spans)):
        shown = window(post, spans, i)
        here = coverage(wanted, term_set(text[slice(*spans[i])]), wanted)
        around = coverage(wanted, term_set(shown), wanted)
        first = 0 if len(text) <= SHORT_CHARS else max(0, i - 1)
        scored.append((-(0.6 * here + 0.4 * around), i, (shown, first, i)))
    return [shown for _, _, shown in sorted(scored)[:PASSAGES_PER_POST]]


def laid_out(case: Case) -> tuple[str, Sequence[tuple[int, int]]]:
    """The evidence as one text with the spans of its sentences."""
    if len(case.evidence) == 1:
        text = case.evidence[0]
        return text, split(text) or [(0, len(text))]
    spans, at = [], 0
    for sentence in case.evidence:
        spans.append((at, at + len(sentence)))
        at += len(sentence) + 1
    return " ".join(case.evidence), spans

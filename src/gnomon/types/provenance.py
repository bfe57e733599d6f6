"""Where a picture, a sound or a text comes from: what we sign, and what we read of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["picture", "sound", "text"]
State = Literal["trusted", "valid", "invalid", "absent"]

MADE_BY_MODEL = "trainedAlgorithmicMedia"
EDITED_BY_MODEL = "compositeWithTrainedAlgorithmicMedia"
"""Terms of IPTC's digital source types, http://cv.iptc.org/newscodes/digitalsourcetype/."""


@dataclass(frozen=True, slots=True)
class Made:
    """How something was made. ``model`` is its name and ``model_sha256`` the hash of its weights
    ("" where they are elsewhere); ``prompt_sha256`` of the prompt as UTF-8, so that whoever knows
    the prompt can show that it was this one; ``at`` in epoch seconds. ``from_sha256`` is the hash
    of the file that it was made out of, "" where it was made out of nothing."""

    kind: Kind
    model: str
    model_sha256: str
    prompt_sha256: str
    at: float
    from_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate as its bearer describes himself; only "trusted" makes the names more than
    that. ``key`` is the id of one of our own keys, "" for a stranger's."""

    organization: str = ""
    name: str = ""
    serial: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the manifest (C2PA) of a file says and whether it holds.

    ``state``: "trusted" (every hash and the signature hold, and the signer is on the owner's trust
    list or is ourselves), "valid" (they hold; who the signer is, nobody we trust says), "invalid"
    (something does not hold: ``why``), "absent" (no manifest; which says nothing of the file).
    ``reasons`` are the codes of C2PA (https://spec.c2pa.org, "Validation") behind a state.

    ``source_type`` is IPTC's term for how the active manifest says that it came about, and
    ``machine`` whether that is by a model (None: it does not say). ``generator`` is the program,
    ``model`` the model, ``at`` the time, as the manifest gives them. ``made`` is set where it is a
    manifest of ours. ``ingredients`` counts the files it was made out of. ``mark`` is what the
    watermark detector found: None where there was none to ask.
    """

    state: State
    why: str
    mime: str = ""
    reasons: tuple[str, ...] = ()
    signer: Signer = Signer()
    generator: str = ""
    model: str = ""
    at: float | None = None
    source_type: str = ""
    machine: bool | None = None
    made: Made | None = None
    title: str = ""
    ingredients: int = 0
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class MediaCheck:
    """What was found in one picture of a post: the verdict, and not the picture. ``state`` is
    "unread" where it could not be had or read (``why``). ``sha256`` is of its bytes, ``signer`` and
    ``model`` as the manifest says, ``machine`` whether it says that a model made it, ``mark``
    whether it carries our own watermark. ``checked_at`` in epoch seconds."""

    media: str
    state: Literal["trusted", "valid", "invalid", "absent", "unread"]
    why: str
    checked_at: float
    sha256: str = ""
    signer: str = ""
    model: str = ""
    machine: bool | None = None
    mark: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """Whether the receipt of an answer holds: "trusted" (signed by our own key, or by the one that
    was given), "valid" (signed by the key that it brings along), "invalid" (``why``). ``answer`` is
    the answer's id, ``key`` the key's, ``at`` when it was signed. ``kept`` texts hold; ``erased``
    were taken out since, and what is left of them is not covered any more."""

    state: State
    why: str
    answer: str
    key: str
    at: float | None
    kept: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What the detector of our invisible watermark says. ``score`` is in standard deviations from
    what unmarked pictures give; ``found`` where that is over the threshold, whose rate of false
    alarms is ``p_false``; ``key`` is the key whose mark it is."""

    found: bool
    score: float
    threshold: float
    p_false: float
    key: str = ""

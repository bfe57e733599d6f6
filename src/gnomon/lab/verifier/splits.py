"""Which claims may be trained on, which are held back, and which half of a set calibrates.

Every rule is a function of the claim's own text, so that training and the bench (``bench/truth``)
agree without sharing a list, and a claim is on one side whatever file it comes from.

A set's role decides first: what stands under ``DEVELOPMENT`` is measured, never trained on. Sets
overlap all the same. 272 of the 475 claims of FEVER-symmetric are FEVER claims with other spacing,
so ``reserved_claims`` reads every evaluation claim and ``trainable`` keeps them out of training.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gnomon.errors import InputError

#: Sets that may be trained on (their licences permit it), less what ``trainable`` refuses.
TRAIN = (
    "fever_pairs",
    "factcg",
    "factcheck_gpt",
    "conjnli/adversarial_train_15k.tsv.gz",
    "med",
    "breaking_nli.zip",
    "citint/claims_train.jsonl.gz",
    "scifact/claims_train.csv",
)

#: Where claims of evaluation sets stand: file, member of a zip ("" if none), field of a row.
DEVELOPMENT = (
    ("fever_symmetric/generated_train.jsonl", "", "claim"),
    ("healthver_dev.csv.gz", "", "claim"),
    ("climate_fever.jsonl.gz", "", "claim"),
    ("citint/claims_dev.jsonl", "", "claim"),
    ("wice/dev.jsonl.gz", "", "claim"),
    ("covidfact/COVIDFACT_dataset.jsonl.gz", "", "claim"),
    ("conjnli/dev.tsv", "", "Hypothesis"),
    ("scifact/scifact.zip", "claims_validation.csv", "claim"),
    ("scifact/scifact.zip", "claims_test.csv", "claim"),
)


def held_back(claim: str) -> bool:
    """Whether the claim belongs to the held-back tenth of its training set.

    By SHA-256 of the trimmed, lower-cased claim modulo 10, so all pairs of a claim go together.
    """
    digest = hashlib.sha256(claim.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return int(digest, 16) % 10 == 0


def claim_key(claim: str) -> str:
    """The claim's letters and digits, case-folded (NFKC): equal for claims that differ in spacing,
    punctuation or case only, as the same claim does from one set to another."""
    folded = unicodedata.normalize("NFKC", claim).casefold()
    return "".join(ch for ch in folded if ch.isalnum())


def calibrates(claim: str) -> bool:
    """Whether the claim is in the half of a development set on which temperatures, thresholds and
    the like are fitted; the other half is measured. Independent of ``held_back``."""
    digest = hashlib.sha256(b"calibrate:" + claim_key(claim).encode("utf-8", "surrogatepass"))
    return digest.digest()[0] % 2 == 0


def reserved_claims(folder: Path) -> frozenset[str]:
    """The keys (``claim_key``) of every claim of ``DEVELOPMENT`` and of FEVER's held-back tenth,
    from a folder of development data. Files that are absent reserve nothing."""
    keys: set[str] = set()
    for name, member, field in DEVELOPMENT:
        if (folder / name).exists():
            keys.update(claim_key(claim) for claim in _claims(folder / name, member, field))
    fever = folder / "fever_pairs" / "dev.raw.input1.gz"
    if fever.exists():
        with gzip.open(fever, "rt", encoding="utf-8") as file:
            keys.update(claim_key(line) for line in file if held_back(line))
    return frozenset(keys - {""})


def trainable(claim: str, reserved: frozenset[str]) -> bool:
    """Whether a claim of a training set may be trained on: not held back, and the same as no claim
    that is measured (``reserved_claims``)."""
    return not held_back(claim) and claim_key(claim) not in reserved


def _claims(path: Path, member: str, field: str) -> Iterator[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(member).decode("utf-8-sig")
    else:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    name = (member or path.name).removesuffix(".gz")
    if name.endswith(".jsonl"):
        rows: Iterator[dict[str, str]] = map(json.loads, text.strip().split("\n"))
    elif name.endswith((".csv", ".tsv")):
        rows = csv.DictReader(io.StringIO(text), delimiter="," if name.endswith(".csv") else "\t")
    else:
        raise InputError(f"{path}: cannot tell how rows are written; use .jsonl, .csv or .tsv")
    for row in rows:
        if field not in row:
            raise InputError(f"{path}: a row has no field {field!r}; is this the set it should be?")
        yield row[field]

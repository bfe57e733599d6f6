"""The development sets as cases, and their splits, frozen by SHA-256.

The data is not part of the repository. A set that is not there raises ``Absent``; one whose files
or split are not those that ``splits.json`` froze raises ``Changed``: figures of other data would
stand in one table with these and mean something else.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gnomon.lab.verifier import sets
from gnomon.lab.verifier.splits import claim_key, held_back

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CASES = Path(__file__).resolve().parents[2] / "tests" / "cases"
FROZEN = Path(__file__).with_name("splits.json")

SUPPORTS, REFUTES, NEITHER = 0, 1, 2
LABELS = ("supports", "refutes", "neither")


class Absent(Exception):
    """A set is not on this machine; the message names the file."""


class Changed(Exception):
    """A set is not the one that was frozen; the message says what differs."""


@dataclass(frozen=True, slots=True)
class Case:
    """One claim against one piece of evidence.

    ``evidence`` is its sentences, as the set divides it, or one text that is yet to be divided.
    ``rationales`` are the sets of sentences of which each bears the label (() where none is given).
    ``group`` is the claim's key: the unit of the bootstrap and of the calibration split.
    """

    id: str
    claim: str
    evidence: tuple[str, ...]
    label: int
    group: str
    title: str = ""
    rationales: tuple[frozenset[int], ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.evidence)


@dataclass(frozen=True, slots=True)
class Set:
    """A set of cases: which files (under the data folder) it is read from, and how.

    ``classes`` are the labels that occur in it: two where it has no "neither".
    """

    name: str
    title: str
    files: tuple[str, ...]
    read: Callable[[Path], Iterator[Case]]
    classes: int = 3


def case(id: str, claim: str, evidence: Sequence[str], label: int, **more: Any) -> Case:
    """A case whose group is its claim's key."""
    return Case(id, claim.strip(), tuple(evidence), label, claim_key(claim), **more)


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a .jsonl or .csv file, gzipped or not. Raises Absent."""
    if not path.is_file():
        raise Absent(f"{path.parent.name}/{path.name} is not here")
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    if ".csv" in path.suffixes:
        yield from csv.DictReader(io.StringIO(text))
    else:
        yield from (json.loads(line) for line in text.split("\n") if line.strip())


# --------------------------------------------------------------------------- pairs


def _fever(data: Path) -> Iterator[Case]:
    for i, (evidence, claim, label) in enumerate(sets.fever_rows(data / "truth")):
        if held_back(claim):
            yield case(f"fever/{i}", claim, [evidence], label)


def fever_training(data: Path) -> list[Case]:
    """The other nine tenths: what the claim-only baseline learns from. Claims that the symmetric
    probe shares are out of it, as they are for the verifier."""
    need(data, FEVER)
    probe = {c.group for c in _symmetric(data)}
    found = [
        case(f"fever/{i}", claim, [evidence], label)
        for i, (evidence, claim, label) in enumerate(sets.fever_rows(data / "truth"))
        if not held_back(claim)
    ]
    held = {c.group for c in _fever(data)}
    return [c for c in found if c.group not in probe and c.group not in held]


_LABEL = {
    "supports": SUPPORTS, "support": SUPPORTS, "supported": SUPPORTS,
    "refutes": REFUTES, "refute": REFUTES, "contradict": REFUTES,
    "neutral": NEITHER, "not enough info": NEITHER, "not_enough_info": NEITHER, "nei": NEITHER,
}  # fmt: skip


def _symmetric(data: Path) -> Iterator[Case]:
    for row in rows(data / "truth/fever_symmetric/generated_train.jsonl"):
        evidence = sets.untokenised(row["evidence_sentence"])
        claim, label = sets.untokenised(row["claim"]), _LABEL[row["label"].lower()]
        yield case(f"symmetric/{row['id']}", claim, [evidence], label)


def _healthver(data: Path) -> Iterator[Case]:
    for row in rows(data / "truth/healthver_dev.csv.gz"):
        label = _LABEL[row["label"].lower()]
        yield case(f"healthver/{row['id']}", row["claim"], [row["evidence"]], label)


def _climate(data: Path) -> Iterator[Case]:
    for row in rows(data / "truth/climate_fever.jsonl.gz"):
        for i, each in enumerate(row["evidences"]):
            label = _LABEL[each["evidence_label"].lower()]
            text = each["evidence"].strip().removeprefix('"').removesuffix('"')
            ref = f"climate/{row['claim_id']}/{i}"
            yield case(ref, row["claim"], [text], label, title=each["article"])


def climate_claims(data: Path) -> dict[str, tuple[str, str]]:
    """Claim id -> (claim, label of the claim as a whole, DISPUTED among them)."""
    found = rows(data / "truth/climate_fever.jsonl.gz")
    return {row["claim_id"]: (row["claim"], row["claim_label"]) for row in found}


# --------------------------------------------------------------------------- cited documents


def _citint(data: Path) -> Iterator[Case]:
    abstracts = {r["doc_id"]: r["abstract"] for r in rows(data / "truth/citint/corpus.jsonl.gz")}
    for row in rows(data / "truth/citint/claims_dev.jsonl"):
        claim = sets.without_citation_marks(row["claim"])
        for doc in row["cited_doc_ids"]:
            said = row["evidence"].get(str(doc), [])
            labels = {_LABEL[each["label"].lower()] for each in said}
            label = labels.pop() if len(labels) == 1 else NEITHER
            gold = tuple(frozenset(each["sentences"]) for each in said)
            ref = f"citint/{row['id']}/{doc}"
            yield case(ref, claim, abstracts[doc], label, rationales=gold)


def _wice(data: Path) -> Iterator[Case]:
    for i, row in enumerate(rows(data / "truth/wice/dev.jsonl.gz")):
        label = SUPPORTS if row["label"] == "supported" else NEITHER
        gold = tuple(frozenset(found) for found in row["supporting_sentences"])
        yield case(f"wice/{i}", row["claim"], row["evidence"], label, rationales=gold)


def scifact_rows(data: Path, part: str) -> list[dict[str, str]]:
    """SciFact's claims of one part ("train", "validation"), a row for each piece of evidence."""
    need(data, SCIFACT)
    with zipfile.ZipFile(data / "truth/scifact/scifact.zip") as archive:
        text = archive.read(f"claims_{part}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def scifact_corpus(data: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """SciFact's abstracts: id -> (title, sentences)."""
    need(data, SCIFACT)
    sentences = sets.scifact_abstracts(data / "truth")
    with zipfile.ZipFile(data / "truth/scifact/scifact.zip") as archive:
        text = archive.read("corpus_train.csv").decode("utf-8-sig")
    found = csv.DictReader(io.StringIO(text))
    return {r["doc_id"]: (r["title"], tuple(sentences[r["doc_id"]])) for r in found}


def cited_documents(row: dict[str, str]) -> list[str]:
    """The documents that a SciFact claim cites."""
    return re.findall(r"\d+", row["cited_doc_ids"])


def _scifact(data: Path) -> Iterator[Case]:
    corpus = scifact_corpus(data)
    found: dict[tuple[str, str], Case] = {}
    for row in scifact_rows(data, "train"):
        if not held_back(row["claim"]):
            continue
        judged = row["evidence_doc_id"]
        for doc in dict.fromkeys([*([judged] if judged else []), *cited_documents(row)]):
            mine = judged == doc
            label = _LABEL[row["evidence_label"].lower()] if mine else NEITHER
            key = (row["id"], doc)
            if doc not in corpus or (key in found and not mine):
                continue
            chosen = frozenset(int(n) for n in re.findall(r"\d+", row["evidence_sentences"]))
            gold = (chosen,) if mine and chosen else ()
            if key in found and found[key].label == label:
                gold = (*found[key].rationales, *gold)
            title, sentences = corpus[doc]
            ref = f"scifact/{row['id']}/{doc}"
            found[key] = case(ref, row["claim"], sentences, label, title=title, rationales=gold)
    yield from found.values()


FEVER = Set(
    "fever", "FEVER pairs, held-back tenth",
    ("truth/fever_pairs/dev.raw.input0.gz", "truth/fever_pairs/dev.raw.input1.gz",
     "truth/fever_pairs/dev.label"), _fever, classes=2,
)  # fmt: skip
SYMMETRIC = Set(
    "symmetric", "FEVER-symmetric",
    ("truth/fever_symmetric/generated_train.jsonl",), _symmetric, classes=2,
)  # fmt: skip
HEALTHVER = Set("healthver", "HealthVer dev", ("truth/healthver_dev.csv.gz",), _healthver)
CLIMATE = Set("climate", "Climate-FEVER", ("truth/climate_fever.jsonl.gz",), _climate)
CITINT = Set(
    "citint", "Citation-Integrity dev",
    ("truth/citint/claims_dev.jsonl", "truth/citint/corpus.jsonl.gz"), _citint,
)  # fmt: skip
WICE = Set("wice", "WiCE dev", ("truth/wice/dev.jsonl.gz",), _wice)
SCIFACT = Set("scifact", "SciFact train, held-back tenth", ("truth/scifact/scifact.zip",), _scifact)
PAIRS = (FEVER, SYMMETRIC, HEALTHVER, CLIMATE)
DOCUMENTS = (CITINT, WICE, SCIFACT)


def dev_cases(kind: str) -> list[dict[str, Any]]:
    """The development half of the case files: those with a "claim" or a "question"."""
    files = [p for p in sorted(CASES.glob("*.json")) if p.stem != "known_failures"]
    found = [row for p in files for row in json.loads(p.read_text(encoding="utf-8"))]
    return [row for row in found if kind in row and row["dev"] is True]


# --------------------------------------------------------------------------- frozen


def need(data: Path, wanted: Set) -> None:
    """Raises Absent unless every file of the set is here."""
    for name in wanted.files:
        if not (data / name).is_file():
            raise Absent(f"{name} is not here")


def sha256(path: Path) -> str:
    """Of the file's bytes, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_hash(cases: Sequence[Case]) -> str:
    """SHA-256 over the sorted "id label claim-key" lines: which cases there are, and what they
    are."""
    lines = sorted(f"{c.id}\t{c.label}\t{c.group}" for c in cases)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def trained_claims(data: Path) -> frozenset[str]:
    """The keys of every claim that the verifier was trained on. Raises Absent without the sets."""
    for each in sets.SETS:
        for name in each.files:
            if not (data / "truth" / name).is_file():
                raise Absent(f"truth/{name} is not here, so what was trained on cannot be left out")
    return frozenset(claim_key(pair.claim) for pair in sets.read_all(data / "truth"))


@cache
def load(wanted: Set, data: Path) -> tuple[Case, ...]:
    """The cases of a set, less those whose claim was trained on. Raises Absent; Changed where the
    files or the split are not those of ``splits.json``."""
    need(data, wanted)
    cases = tuple(wanted.read(data))
    frozen = json.loads(FROZEN.read_text(encoding="utf-8")).get(wanted.name)
    if frozen is None:
        raise Changed(f"{wanted.name} is not in {FROZEN.name}; freeze it: --freeze")
    for name, digest in frozen["files"].items():
        if sha256(data / name) != digest:
            raise Changed(f"{name} is not the file that was frozen (SHA-256 {digest[:12]}...)")
    if split_hash(cases) != frozen["split"]:
        raise Changed(f"{wanted.name}: the files are the same, the split is not; --freeze if meant")
    known = trained_claims(data)
    return tuple(c for c in cases if c.group not in known)


def freeze(data: Path) -> None:
    """Write ``splits.json`` anew from what is here. Raises Absent."""
    out = {}
    for each in (*PAIRS, *DOCUMENTS):
        need(data, each)
        cases = list(each.read(data))
        out[each.name] = {
            "title": each.title,
            "files": {name: sha256(data / name) for name in each.files},
            "cases": len(cases),
            "claims": len({c.group for c in cases}),
            "split": split_hash(cases),
        }
    FROZEN.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")

"""The published sets that the verifier is trained on, as pairs. Only permissive licences.

Each reader takes the folder that holds the sets and yields every pair of its training part;
`read_all` leaves out every claim that is measured somewhere (`splits.trainable`).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gnomon.errors import InputError
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.splits import claim_key, reserved_claims, trainable

SUPPORTS, REFUTES, NEITHER = 0, 1, 2
# A set of two labels ("grounded", "not grounded") does not say which of the other two it is.
NOT_SUPPORTED = 3


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """One set: its files under the data folder, where they come from, and their licence."""

    name: str
    files: tuple[str, ...]
    origin: str
    licence: str
    read: Callable[[Path], Iterator[Pair]]


def read_all(data: Path) -> Iterator[Pair]:
    """The training pairs of every set, in a fixed order. Raises InputError where a file lacks."""
    lacking = [f for each in SETS for f in each.files if not (data / f).is_file()]
    if lacking:
        whence = {s.origin for s in SETS if set(s.files) & set(lacking)}
        raise InputError(
            f"{str(data)!r} lacks {', '.join(lacking)}; fetch them from the repositories "
            f"{', '.join(sorted(whence))} and name the folder with --data"
        )
    reserved = reserved_claims(data)
    for each in SETS:
        yield from (pair for pair in each.read(data) if trainable(pair.claim, reserved))


def checksums(data: Path, of: Iterable[PublishedSet]) -> Mapping[str, str]:
    """SHA-256 of every file of these sets, for the card."""
    return {
        name: hashlib.sha256((data / name).read_bytes()).hexdigest()
        for each in of
        for name in each.files
    }


def _group(source: str, key: str) -> str:
    return f"{source}:{hashlib.sha256(key.encode()).hexdigest()[:16]}"


_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def untokenised(text: str) -> str:
    """Penn Treebank tokens as they were written: "( ISO 3166 ) ," is "(ISO 3166),"."""
    for token, bracket in _BRACKETS.items():
        text = text.replace(token, bracket)
    text = text.replace("``", "“").replace("''", "”")
    text = re.sub(r"\s+([,.;:!?%)\]}”]|'s\b|n't\b|'(?:re|ve|ll|d|m)\b)", r"\1", text)
    text = re.sub(r"([(\[{“$£€])\s+", r"\1", text)
    text = re.sub(r"(\w) -- (\w)", r"\1 – \2", text)
    return re.sub(r"\s+", " ", text).strip()


def fever_rows(data: Path) -> Iterator[tuple[str, str, int]]:
    """(evidence, claim, label) of all FEVER pairs, the held-back ones too; supports or refutes."""
    folder = data / "fever_pairs"
    with (
        gzip.open(folder / "dev.raw.input0.gz", "rt", encoding="utf-8") as windows,
        gzip.open(folder / "dev.raw.input1.gz", "rt", encoding="utf-8") as claims,
        (folder / "dev.label").open(encoding="utf-8") as labels,
    ):
        for window, claim, label in zip(windows, claims, labels, strict=True):
            stance = SUPPORTS if label.strip() == "entailment" else REFUTES
            yield untokenised(window), untokenised(claim), stance


def _fever(data: Path) -> Iterator[Pair]:
    for window, claim, label in fever_rows(data):
        yield Pair(window, claim, label, "fever", _group("fever", claim_key(claim)))


def _factcg(data: Path) -> Iterator[Pair]:
    for name in ("stage1", "stage2_doc"):
        with gzip.open(data / f"factcg/{name}.json.gz", "rt", encoding="utf-8") as rows:
            for row in map(json.loads, rows):
                if not row["text_a"]:
                    continue
                label = SUPPORTS if row["orig_label"] == 1 else NOT_SUPPORTED
                (claim,) = row["text_b"]
                window = re.sub(r"\s+", " ", row["text_a"])
                yield Pair(window, claim, label, f"factcg:{name}", _group("factcg", claim))


_STANCE = {"completely-support": SUPPORTS, "refute": REFUTES, "irrelevant": NEITHER}


def _factcheck_gpt(data: Path) -> Iterator[Pair]:
    path = data / "factcheck_gpt/claim_evidence_stance.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            label = _STANCE.get(row["stance"], NEITHER)  # partial support leaves something unsaid
            claim, window = row["claim"], re.sub(r"\s+", " ", row["evidence"]).strip()
            yield Pair(window, claim, label, "factcheck_gpt", _group("factcheck_gpt", claim))


_NLI = {"entailment": SUPPORTS, "contradiction": REFUTES, "neutral": NEITHER}


def _tsv(path: Path) -> Iterator[Mapping[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig") as rows:
        yield from csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)


def _conjnli(data: Path) -> Iterator[Pair]:
    for row in _tsv(data / "conjnli/adversarial_train_15k.tsv.gz"):
        window, claim = row["Premise"], row["Hypothesis"]
        if row["Label"] in _NLI and window and claim:
            yield Pair(window, claim, _NLI[row["Label"]], "conjnli", _group("conjnli", window))


def _med(data: Path) -> Iterator[Pair]:
    for row in _tsv(data / "med/MED.tsv.gz"):
        window, claim = row["sentence1"], row["sentence2"]
        yield Pair(window, claim, _NLI[row["gold_label"]], "med", _group("med", window))


# Breaking_NLI is one template, one word swapped, seven contradictions in eight: a third will do.
BREAKING_SHARE = 1 / 3


def _breaking_nli(data: Path) -> Iterator[Pair]:
    rng = random.Random(0)
    with zipfile.ZipFile(data / "breaking_nli.zip") as archive:
        for row in map(json.loads, archive.open("data/dataset.jsonl")):
            window, claim, label = row["sentence1"], row["sentence2"], row["gold_label"]
            if label == "contradiction" and rng.random() > BREAKING_SHARE:
                continue
            group = _group("breaking_nli", window)
            yield Pair(window, claim, _NLI[label], "breaking_nli", group)


_CITATION = re.compile(r"\s*\[?<\|(?:multi_)?cit\|>\]?(?:[,;]\s*\d+|\])*")


def without_citation_marks(claim: str) -> str:
    """A citing sentence without its marks: "as shown [<|cit|>,7]." is "as shown."."""
    claim = _CITATION.sub("", claim)
    return re.sub(r"\s+([.,;:])", r"\1", re.sub(r"\[[\s,;\d]*\]", "", claim)).strip()


_CITINT = {"SUPPORT": SUPPORTS, "CONTRADICT": REFUTES, "REFUTE": REFUTES}


def _citint(data: Path) -> Iterator[Pair]:
    with gzip.open(data / "citint/corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        abstracts = {row["doc_id"]: row["abstract"] for row in map(json.loads, lines)}
    rng = random.Random(0)
    with gzip.open(data / "citint/claims_train.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            claim = without_citation_marks(row["claim"])
            group = _group("citint", claim)
            for doc in row["cited_doc_ids"]:
                said = row["evidence"].get(str(doc), [])
                yield from _abstract(claim, group, "citint", abstracts[doc], [
                    (set(each["sentences"]), _CITINT[each["label"]])
                    for each in said if each["label"] in _CITINT
                ], rng)  # fmt: skip


def _abstract(
    claim: str,
    group: str,
    source: str,
    sentences: list[str],
    rationales: list[tuple[set[int], int]],
    rng: random.Random,
) -> Iterator[Pair]:
    """The rationales of one abstract with their labels, and one window apart from them as neither:
    windows of a document are judged one by one, and most of a paper says nothing of a claim."""
    taken: set[int] = set()
    for chosen, label in rationales:
        held = sorted(i for i in chosen if i < len(sentences))[:3]
        taken |= set(held)
        if held:
            yield Pair(" ".join(sentences[i] for i in held), claim, label, source, group)
    free = [i for i in range(len(sentences)) if i not in taken]
    if free:
        start = rng.choice(free)
        end = start + 1
        while end in free and end - start < rng.choice((1, 2, 3)):
            end += 1
        yield Pair(" ".join(sentences[start:end]), claim, NEITHER, source, group)


def scifact_abstracts(data: Path) -> dict[str, list[str]]:
    """SciFact's abstracts by id, as sentences (its file lists them as numpy prints an array)."""
    found = {}
    with zipfile.ZipFile(data / "scifact/scifact.zip") as archive:
        for row in csv.DictReader(io.TextIOWrapper(archive.open("corpus_train.csv"))):
            found[row["doc_id"]] = printed_list(row["abstract"])
    return found


def printed_list(text: str) -> list[str]:
    """The strings of a printed numpy array: ['a' 'b'] or ["a" 'b'], over several lines."""
    quoted = re.findall(r"'((?:[^'\\]|\\.|'(?![\s\]]))*)'|\"((?:[^\"\\]|\\.)*)\"", text)
    return [re.sub(r"\s+", " ", one or other).strip() for one, other in quoted if one or other]


def _scifact(data: Path) -> Iterator[Pair]:
    abstracts = scifact_abstracts(data)
    rng = random.Random(0)
    with zipfile.ZipFile(data / "scifact/scifact.zip") as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("claims_train.csv"))))
    for row in rows:
        claim, group = row["claim"], _group("scifact", row["claim"])
        doc = row["evidence_doc_id"] or re.sub(r"\D.*", "", row["cited_doc_ids"].strip("[] "))
        if doc not in abstracts:
            continue
        chosen = {int(n) for n in re.findall(r"\d+", row["evidence_sentences"])}
        label = _CITINT.get(row["evidence_label"])
        rationales = [(chosen, label)] if label is not None and chosen else []
        yield from _abstract(claim, group, "scifact", abstracts[doc], rationales, rng)


def encyclopedia(data: Path, name: str = "enwiki_2014") -> Iterator[str]:
    """Articles of Wikipedia (``text/`` beside the sets), for edits of plain statements."""
    with gzip.open(data.parent / f"text/{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)["text"] for line in lines)


POSTS = PublishedSet(
    "Reddit's top posts",
    ("social/reddit_top.jsonl.gz",),
    "umbrae/reddit-top-2.5-million",
    "ODC PDDL 1.0",
    lambda data: (Pair(title, title, SUPPORTS, "post", title) for title in titles(data)),
)
"""What people write, to be edited; its file stands beside the folder of the sets."""


def titles(data: Path) -> Iterator[str]:
    """Titles of posts that state something, each once, as sentences; none where the file is not
    here."""
    path = data.parent / POSTS.files[0]
    if not path.is_file():
        return
    met: set[str] = set()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            title = re.sub(r"\s+", " ", row["title"]).strip()
            if row["over_18"] is True or row["over_18"] == "True" or _NO_STATEMENT.search(title):
                continue
            if 35 <= len(title) <= 200 and title not in met:
                met.add(title)
                yield title if title.endswith((".", "!")) else title + "."


_NO_STATEMENT = re.compile(
    r"[?\[\]|(){}#@]|\.\.|…|https?:|\b(?:I|my|me|you|your|we|our|us|this|these|here|TIL|DAE|AMA|PSA|"
    r"ELI5|reddit\w*|upvote\w*)\b|['’](?:m|ve|ll)\b",
    re.IGNORECASE,
)


SETS = (
    PublishedSet(
        "FEVER pairs",
        (
            "fever_pairs/dev.raw.input0.gz",
            "fever_pairs/dev.raw.input1.gz",
            "fever_pairs/dev.label",
        ),
        "asaakyan/covidfact",
        "CC BY-SA 3.0",
        _fever,
    ),
    PublishedSet(
        "FactCG",
        ("factcg/stage1.json.gz", "factcg/stage2_doc.json.gz"),
        "derenlei/FactCG",
        "MIT",
        _factcg,
    ),
    PublishedSet(
        "Factcheck-GPT stances",
        ("factcheck_gpt/claim_evidence_stance.jsonl.gz",),
        "yuxiaw/Factcheck-GPT",
        "Apache-2.0",
        _factcheck_gpt,
    ),
    PublishedSet(
        "ConjNLI adversarial train",
        ("conjnli/adversarial_train_15k.tsv.gz",),
        "swarnaHub/ConjNLI",
        "MIT",
        _conjnli,
    ),
    PublishedSet("MED", ("med/MED.tsv.gz",), "verypluming/MED", "CC BY-SA 4.0", _med),
    PublishedSet(
        "Breaking_NLI",
        ("breaking_nli.zip",),
        "BIU-NLP/Breaking_NLI",
        "CC BY-SA 4.0",
        _breaking_nli,
    ),
    PublishedSet(
        "Citation-Integrity train",
        ("citint/claims_train.jsonl.gz", "citint/corpus.jsonl.gz"),
        "jedick/MLE-capstone-project",
        "MIT",
        _citint,
    ),
    PublishedSet(
        "SciFact train",
        ("scifact/scifact.zip",),
        "sumithra-p-v/claimverifier",
        "claims CC BY 4.0, abstracts ODC-By",
        _scifact,
    ),
)

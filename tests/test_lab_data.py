"""The data stage: who may be in a corpus, what is dropped and why, and what happens when it is cut,
damaged, empty or out of room."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import gnomon.sample
from gnomon import origins
from gnomon.errors import InputError, StoreFull
from gnomon.ingest import take
from gnomon.lab.command import Bench
from gnomon.lab.data import (
    cleaning,
    consent,
    contamination,
    duplicates,
    junk,
    language,
    length,
    marks,
    personal,
    quality,
    repetition,
    spam,
    split,
    tidying,
)
from gnomon.lab.data.documents import Document, documents, read_manifest
from gnomon.lab.data.gathering import HELD
from gnomon.lab.data.stage import Settings, stage
from gnomon.lab.export import deletions
from gnomon.lab.progress import Progress, Silence
from gnomon.lab.shards import CorruptShard
from gnomon.lab.workspace import Workspace, file_sha256
from gnomon.store.engine import open_store
from gnomon.store.memory import MemoryStore
from gnomon.types import Batch, Deletion, Post

PLACES = "harbour bridge market library station castle garden mill theatre museum".split()
DEEDS = "reopened closed flooded burned grew moved sold lost won changed".split()


def sentence(number: int) -> str:
    """A sentence that no other number gives, and no copy of another's."""
    rng = random.Random(number)
    names = " and ".join("".join(rng.choices("abdeiklmnorstu", k=7)).title() for _ in range(3))
    return (
        f"The old {rng.choice(PLACES)} of {names} {rng.choice(DEEDS)} in {1800 + number % 200}, "
        f"and {rng.choice(PLACES)} keepers told the {rng.choice(PLACES)} about it for weeks."
    )


def prose(number: int, words: int) -> str:
    """The sample world's sentences in another order for each number."""
    articles = (Path(gnomon.sample.__file__).parent / "articles.jsonl").read_text("utf-8")
    texts = [json.loads(line)["text"] for line in articles.splitlines()]
    said = [part for text in texts if text.isascii() for part in text.split(". ")]
    random.Random(number).shuffle(said)
    return " ".join(". ".join(said).split()[:words]) + "."


def post(number: int, text: str = "", **more: object) -> Post:
    made = Post(
        id=f"net:{number}",
        text=text or sentence(number),
        source="net",
        fetched_at=1e9 + number,
        created_at=1e9 + number,
        author=f"author{number}",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def bench(home: Path, reporter: object = None) -> Bench:
    return Bench(home, home / "models", 1, reporter or Silence())  # type: ignore[arg-type]


def held(home: Path, posts: Iterable[Post]) -> None:
    with open_store(home / "store") as store:
        take(posts, store)


def corpus(home: Path, name: str = "m", **settings: object) -> tuple[Workspace, dict[str, object]]:
    work = bench(home).workspace(name)
    return work, stage(work, bench(home), Settings(**settings))  # type: ignore[arg-type]


def rows(path: Path, some: Iterable[object]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in some) + "\n", "utf-8")
    return path


def both(work: Workspace) -> list[Document]:
    folder = work.folder / "data"
    return [*documents(folder, "train"), *documents(folder, "val")]


# --------------------------------------------------------------------------- consent


def test_only_what_is_public_and_not_refused_is_in(tmp_path: Path) -> None:
    refusing = [
        post(101, extra={"visibility": "unlisted"}),
        post(102, extra={"account": {"indexable": False}}),
        post(103, extra={"training": {"allow": False}}),
        post(104, sentence(104) + " #NoAI"),
        post(105, extra={"tags": ["nobot"]}),
        post(106, labels=("!no-unauthenticated",)),
        post(107, author="left.example"),
    ]
    held(tmp_path, [post(n) for n in range(40)] + refusing)
    with open_store(tmp_path / "store") as store:
        store.write(Batch("net", deletions=(Deletion("net", 3e9, post="net:7"),)))
    out = tmp_path / "out.txt"
    out.write_text("# asked by mail\n@Left.example\nnet:3  # their own wish\n", "utf-8")
    work, report = corpus(tmp_path, left_out=str(out))
    ids = {document.post for document in both(work)}
    assert ids == {f"net:{n}" for n in range(40) if n not in (3, 7)}
    assert report["dropped"] == {"consent": 6, "left out": 2}
    dropped = list(documents(work.folder / "data", "dropped"))
    assert all(document.metadata["detail"] for document in dropped)
    assert set(marks.held(work.folder / "data")) == ids


@pytest.mark.parametrize(
    "extra",
    [{"score": 0}, {"likes": False}, {"visibility": "public"}, {"robots": "index, follow"},
     {"card": {"title": "private"}}, {"public": True}],
)  # fmt: skip
def test_a_field_that_says_nothing_about_use_refuses_nothing(extra: dict[str, object]) -> None:
    assert consent.refusal(post(1, extra=extra)) == ""


def test_authors_are_not_in_the_documents(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(10)])
    work, _ = corpus(tmp_path)
    assert not any("author" in document.metadata for document in both(work))


# --------------------------------------------------------------------------- deletions


def exported(home: Path, name: str, posts: list[str]) -> Path:
    """What the export stage leaves of a model, as far as deletions are concerned."""
    from gnomon.lab.export.card import CARD, README
    from gnomon.models import installed

    folder = home / "models" / name
    folder.mkdir(parents=True)
    deletions.write_posts(folder / deletions.POSTS, posts)
    (folder / CARD).write_text(json.dumps({"name": name, "posts": len(posts), "marks": []}))
    (folder / README).write_text("# card\n")
    files = [
        installed.HeldFile(n, (folder / n).stat().st_size, file_sha256(folder / n))
        for n in (deletions.POSTS, CARD, README)
    ]
    installed.write_manifest(folder, name, files, "lab")
    return folder


def test_a_later_deletion_marks_every_corpus_and_model_that_held_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "write_readme", lambda folder, card: None)
    held(tmp_path, [post(n) for n in range(30)])
    work, _ = corpus(tmp_path, "first")
    corpus(tmp_path, "second", since=1e9 + 20)
    exported(tmp_path, "model", list(marks.held(work.folder / "data")))
    exported(tmp_path, "other", ["net:25", "elsewhere:1"])
    models = tmp_path / "models"
    with open_store(tmp_path / "store") as store:
        assert marks.check(store, tmp_path, models) == []
        store.write(Batch("net", deletions=(
            Deletion("net", 3e9, post="net:4"), Deletion("net", 3e9, post="net:25"),
        )))  # fmt: skip
        found = marks.check(store, tmp_path, models)
        assert {(m.kind, m.name, m.deleted) for m in found} == {
            ("corpus", "first", 2), ("corpus", "second", 1),
            ("model", "model", 2), ("model", "other", 1),
        }  # fmt: skip
        assert "2 posts since deleted, of 30" in found[0].line
        assert [m.line for m in marks.check(store, tmp_path, models)] == [m.line for m in found]
    assert len(json.loads((models / "model" / "card.json").read_text())["marks"]) == 2


def test_a_model_is_marked_when_its_corpus_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "write_readme", lambda folder, card: None)
    held(tmp_path, [post(n) for n in range(5)])
    exported(tmp_path, "model", ["net:2"])
    with open_store(tmp_path / "store") as store:
        store.write(Batch("net", deletions=(Deletion("net", 3e9, author="author2"),)))
        assert [m.name for m in marks.check(store, tmp_path, tmp_path / "models")] == ["model"]


def test_what_retention_dropped_is_no_deletion(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(30)])
    corpus(tmp_path)
    with open_store(tmp_path / "store") as store:
        assert store.retain(0, 1.0, 1e9 + 20) > 0
        assert marks.check(store, tmp_path, tmp_path / "models") == []


class Saying(Silence):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_a_corpus_that_is_there_is_not_made_again_and_tells_the_news(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(30)])
    work, report = corpus(tmp_path)
    with open_store(tmp_path / "store") as store:
        store.write(Batch("net", deletions=(Deletion("net", 3e9, post="net:4"),)))
        take([post(99, created_at=None, fetched_at=4e9)], store)
    told = Saying()
    assert stage(work, bench(tmp_path, told), Settings()) == report
    assert any("1 post since deleted" in line for line in told.lines)
    assert any("--anew" in line for line in told.lines)


# --------------------------------------------------------------------------- sources


def test_files_of_every_kind_and_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows(folder / "a.jsonl", [{"text": sentence(n), "license": "CC0"} for n in range(5)])
    with gzip.open(folder / "b.jsonl.gz", "wt") as file:
        file.write(json.dumps({"text": sentence(5)}) + "\n")
    (folder / "c.txt").write_text(sentence(6))
    (folder / "d.md").write_text(f"# A heading\n\n{sentence(7)}\n")
    (folder / "e.csv").write_text(f'id,text\n1,"{sentence(8)}"\n')
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": [sentence(9)]}), folder / "f.parquet")
    (folder / "g.jsonl").write_text('{"text": "' + sentence(10) + '"}\nnot json\n')
    work, report = corpus(tmp_path, sources=(str(folder),))
    texts = {document.text for document in both(work)}
    assert texts == {sentence(n) for n in range(11) if n != 7} | {f"A heading\n\n{sentence(7)}"}
    assert report["dropped"] == {"unreadable": 1}
    assert report["licences"] == {"not stated": 6, "CC0": 5}


def test_a_long_text_is_cut_in_pieces_that_have_every_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnomon.lab.data.stage.rules", lambda settings: [])
    path = tmp_path / "book.txt"
    path.write_text("\n\n".join(sentence(n) for n in range(1500)))
    work, _ = corpus(tmp_path, sources=(str(path),), val=0.2)
    found = sorted(both(work), key=lambda document: document.metadata["piece"])
    assert max(len(document.text) for document in found) <= cleaning.MAX_CHARS
    assert " ".join(d.text for d in found).split() == path.read_text().split()
    assert list(marks.held(work.folder / "data")) == [found[0].post]
    assert read_manifest(work.folder / "data")["documents"]["val"] >= 1


def test_two_files_that_count_from_one_do_not_swallow_each_other(tmp_path: Path) -> None:
    one = rows(tmp_path / "a.jsonl", [{"id": n, "text": sentence(n)} for n in range(5)])
    two = rows(tmp_path / "b.jsonl", [{"id": n, "text": sentence(n + 50)} for n in range(5)])
    work, report = corpus(tmp_path, sources=(str(one), str(two), str(one)))
    assert {d.text for d in both(work)} == {sentence(n) for n in (*range(5), *range(50, 55))}
    assert report["dropped"] == {"duplicate": 5}


def test_clean_keeps_what_is_meant() -> None:
    text = "one&amp;two\r\nthree\u200b   four\n\n\n\ne\u0301 👨\u200d👩\u200d👧"
    said = cleaning.clean("Title", text)
    assert said == "Title\n\none&two\nthree four\n\né 👨\u200d👩\u200d👧"
    assert cleaning.clean("Title", "Title and more") == "Title and more"


# --------------------------------------------------------------------------- rules


def fate(rule: object, text: str, lang: str = "en") -> str:
    found = rule(Document(text, "x", {"lang": lang}))  # type: ignore[operator]
    return found.split(":")[0] if isinstance(found, str) else ""


@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        (spam.rule, "#flood #water #snow #rain #river what a day", "spam"),
        (spam.rule, "Buy cheap followers today", "spam"),
        (spam.rule, "加微信 abc12345 领资料", "spam"),
        (spam.rule, "Giveaway! Use promo code X and order now", "spam"),
        (spam.rule, "全职妈妈刷单被骗十五万，如何防范骗局？", ""),
        (spam.rule, "C#有方法可以直接编译成机器语言运行吗？", ""),
        (spam.rule, "Town gives a guaranteed income to everyone, experiment shows", ""),
        (spam.rule, "Bridge closed after the flood http://t.co/abc #QLD", ""),
        (length.rule, "lol same here", "length"),
        (length.rule, "@a @b @c @d so true", "length"),
        (length.rule, "桥今天关了", ""),
        (repetition.rule, "no " * 30, "repetition"),
        (repetition.rule, "a" * 40 + " well", "repetition"),
        (repetition.rule, "the same words again and again. " * 40, "repetition"),
        (repetition.rule, prose(1, 200) + " ".join(map(str, range(90))), "form"),
        (repetition.rule, prose(2, 300), ""),
        (repetition.rule, "It is very, very, very late", ""),
        (quality.rule, "asdkjh qwe zxmnb lkjasd qpwoei zmxncb alskdj qwoieu", "quality"),
        (quality.rule, "Home | About us | Contact | Log in | Sign up | Cookies | RSS", "quality"),
        (quality.rule, sentence(1), ""),
        (quality.rule, "今天下午，市政府宣布老桥将在明年春天重新开放，居民都很高兴。", ""),
    ],
)
def test_rules(rule: object, text: str, reason: str) -> None:
    assert fate(rule, text) == reason


def test_quality_lets_pass_what_it_has_not_learned() -> None:
    mash = junk.mash(random.Random(1), ["x"])
    assert fate(quality.rule, mash, "en") == "quality"
    assert fate(quality.rule, mash, "de") == ""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+x@mail.example.org now", "Write to email@example.com now"),
        ("Call +44 20 7946 0958 or (212) 555-0147.", "Call 555-0100 or 555-0100."),
        ("手机 138 0013 8000 请联系", "手机 555-0100 请联系"),
        ("The server 8.8.8.8 is down, not 10.0.0.1", "The server 192.0.2.1 is down, not 10.0.0.1"),
        ("Thanks @jane_doe and @bob@mastodon.social!", "Thanks @user and @user!"),
        ("The year 2019-20 had 1,234,567 people and scored 3-0", None),
        ("Version 1.2.3 costs $1299.99 (2012-06-24 11:30)", None),
    ],
)
def test_what_names_a_person_is_masked(text: str, masked: str | None) -> None:
    found = personal.rule(Document(text, "x"))
    assert isinstance(found, Document)
    assert found.text == (masked or text)
    assert bool(found.metadata.get("masked")) == (masked is not None)


@pytest.mark.parametrize(
    "text",
    ["My card is 4111 1111 1111 1111", "IBAN DE89 3704 0044 0532 0130 00", "SSN 078-05-1120",
     "身份证 11010519491231002X", " ".join(f"user{n}@mail.example" for n in range(6))],
)  # fmt: skip
def test_what_could_be_used_against_a_person_drops_the_document(text: str) -> None:
    assert fate(personal.rule, text) == "personal"


@pytest.mark.parametrize("text", ["Order 4111 1111 1111 1112", "ISBN 9783161484100 is a book"])
def test_numbers_whose_check_digits_are_wrong_are_no_cards(text: str) -> None:
    assert fate(personal.rule, text) == ""


def test_links_become_words() -> None:
    text = (
        "See [the report](https://a.example/x) at https://www.b.example/y?z=1, now https://t.co/q"
    )
    found = tidying.rule(Document(text, "x"))
    assert isinstance(found, Document)
    assert found.text == "See the report at b.example, now"


def test_languages_are_told_and_chosen() -> None:
    keep = language.within(frozenset({"zh"}))
    assert language.named(Document(sentence(1), "x", {"lang": "fr"})).lang == "en"
    assert language.named(Document("hm", "x", {"lang": "pt-BR"})).lang == "pt"
    assert keep(Document("x", "x", {"lang": "en"})) == "language: en"
    assert isinstance(keep(language.named(Document("老桥今天重新开放了", "x"))), Document)


def test_an_account_that_fills_a_form_is_in_a_few_times(tmp_path: Path) -> None:
    flood = [post(n, f"Now playing: {sentence(n)}", author="radio") for n in range(25)]
    others = [post(n + 100, f"Now playing: {sentence(n + 100)}") for n in range(25)]
    held(tmp_path, flood + others)
    _, report = corpus(tmp_path)
    assert report["dropped"] == {"spam": 22}


# --------------------------------------------------------------------------- evaluation sets


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    rows(folder / "reading.jsonl", [
        {"context": sentence(1), "ask": {"text": "Which keepers told the castle of it first?"}},
        {"answer": "yes it did"},
        {"zh": "老桥在一八九二年被洪水冲毁以后重新修建，由当地居民集资完成了全部工程。"},
    ])  # fmt: skip
    with gzip.open(folder / "plain.txt.gz", "wt") as file:
        file.write(sentence(2) + "\n")
    return folder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"I read that: {sentence(1).upper()} Really?", ("reading", 13)),
        (sentence(2)[20:], ("plain", 13)),
        ("He asked: which keepers told the castle of it first?", ("reading", 8)),
        ("据说老桥在一八九二年被洪水冲毁以后重新修建，由当地居民集资完成了。", ("reading", 20)),
        ("yes it did and nobody else was there to see it then", None),
        ("老桥在一八九二年被洪水冲毁。", None),
        (sentence(3), None),
    ],
)
def test_runs_of_words_of_an_evaluation_set_are_found(
    sets: Path, text: str, found: tuple[str, int] | None
) -> None:
    assert contamination.load(sets).find(text) == found


def test_nothing_of_an_evaluation_set_is_learned_from(tmp_path: Path, sets: Path) -> None:
    held(tmp_path, [post(n) for n in range(10)])
    work, _ = corpus(tmp_path, eval_dir=str(sets))
    assert {d.id for d in both(work)} == {f"net:{n}" for n in range(10) if n not in (1, 2)}
    details = read_manifest(work.folder / "data")["details"]["contamination"]
    assert details == {"plain": 1, "reading": 1}
    rows(sets / "third.jsonl", [{"text": sentence(5)}])
    work, _ = corpus(tmp_path, eval_dir=str(sets))
    assert "net:5" not in {d.id for d in both(work)}


def test_a_set_that_cannot_be_read_stops_everything(tmp_path: Path, sets: Path) -> None:
    (sets / "broken.jsonl").write_text('{"text": "half')
    with pytest.raises(InputError, match=r"broken\.jsonl.*mend or remove"):
        contamination.load(sets)
    with pytest.raises(InputError, match="no folder"):
        contamination.load(tmp_path / "nowhere")


# --------------------------------------------------------------------------- origins and splits


def _copies() -> list[Document]:
    rng = random.Random(0)
    made = []
    for n in range(120):
        text = sentence(n)
        made.append(Document(text, f"{n}", {"created_at": 1000.0 + n}))
        for again in range(rng.randrange(4)):
            forms = [text, f"RT @someone: {text}", f"{text} #news", text.replace("old", "")]
            copy = rng.choice(forms)
            made.append(Document(copy, f"{n}.{again}", {"created_at": 1000.0 + rng.randrange(400)}))
    rng.shuffle(made)
    return made


def test_copies_are_told_as_the_plain_store_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "TOGETHER", 40)
    made = _copies()
    store = MemoryStore()
    for _, chunk in duplicates._chunks(made):
        links, bands = origins.link(store, chunk)
        store.write(Batch("x", posts=tuple(chunk), links=links, bands=bands))
    slow = {k: v for k, v in store.links([d.id for d in made]).items() if v.origin != k}
    found = duplicates.find(made)
    strong = {k: v for k, v in slow.items() if duplicates.stands_for(v)}
    assert {k: v for k, v in found.items() if k in strong} == strong
    assert found.keys() <= slow.keys()
    assert len(found) > 100


def test_two_posts_in_one_turn_of_phrase_are_both_learned_from() -> None:
    said = ["Pantry cabinet build, what do you think?", "My robot cabinet, what do you think?"]
    made = [Document(text, f"{n}", {"created_at": n}) for n, text in enumerate(said)]
    assert duplicates.find(made) == {}
    assert duplicates.find(
        [*made, Document(f"RT @x: {said[0]}", "2", {"created_at": 9})]
    ).keys() == {"2"}


def test_one_document_for_each_origin_the_earliest(tmp_path: Path) -> None:
    text = sentence(1)
    held(tmp_path, [
        post(5, f"RT @x: {text}"), post(1, text), post(9, "", repost_of="net:1"),
        post(2, text.replace(str(1800 + 1), "1999")), *(post(n) for n in range(20, 30)),
    ])  # fmt: skip
    work, report = corpus(tmp_path)
    assert {d.id for d in both(work)} >= {"net:1", "net:2"}
    assert "net:5" not in {d.id for d in both(work)}
    assert report["dropped"]["duplicate"] >= 1  # type: ignore[index]


def test_a_greeting_that_many_say_is_in_once(tmp_path: Path) -> None:
    greetings = [post(n, "Happy new year to you all!") for n in range(100, 110)]
    held(tmp_path, [*(post(n) for n in range(10)), *greetings])
    work, report = corpus(tmp_path)
    assert report["dropped"] == {"duplicate": 9}
    details = read_manifest(work.folder / "data")["details"]["duplicate"]
    assert details == {"the same words": 9}


def test_a_corpus_that_grows_moves_no_document_between_its_splits(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(100)])
    first, _ = corpus(tmp_path, "a", val=0.2)
    held(tmp_path, [post(n) for n in range(100, 200)])
    second, _ = corpus(tmp_path, "b", val=0.2)
    for name, other in (("train", "val"), ("val", "train")):
        before = {d.id for d in documents(first.folder / "data", name)}
        after = {d.id for d in documents(second.folder / "data", other)}
        assert before
        assert not before & after


@pytest.mark.parametrize("count", [2, 3, 10])
def test_a_small_corpus_has_something_on_both_sides(tmp_path: Path, count: int) -> None:
    held(tmp_path, [post(n) for n in range(count)])
    _, report = corpus(tmp_path, val=0.01)
    assert min(report["documents"].values()) >= 1  # type: ignore[attr-defined]
    held(tmp_path, [post(n, "Happy new year to you all!") for n in range(500, 509)])
    _, report = corpus(tmp_path, "other", val=0.01)
    assert report["documents"] == {"train": count, "val": 1}
    names = [f"net:{n}" for n in range(count)]
    share = split.chosen(names, 0.01)
    assert {split.split_of(name, share) for name in names} == {"train", "val"}


# --------------------------------------------------------------------------- cuts


class Stopping(Silence):
    """Presses Ctrl-C at the n-th sign of progress."""

    def __init__(self, after: int) -> None:
        self.left = after

    def at(self, progress: Progress) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def _state(work: Workspace) -> dict[str, str]:
    folder = work.folder / "data"
    files = [*folder.glob("docs/*/*"), *folder.glob("dropped/*"), folder / HELD]
    return {str(path.relative_to(folder)): file_sha256(path) for path in files}


@pytest.mark.parametrize("of", ["record", "file"])
def test_a_cut_run_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    monkeypatch.setattr("gnomon.lab.data.judging.SHARD_DOCUMENTS", 7)
    # Many said in one moment, so that the record is cut amid them; one of many pieces.
    posts = [post(n, created_at=1e9 + n // 10) for n in range(60)]
    posts.append(post(70, "\n\n".join(sentence(n) for n in range(200, 500)), created_at=1e9 + 3))
    held(tmp_path, posts)
    path = rows(tmp_path / "in.jsonl", [{"id": p.id, "text": p.text} for p in posts])
    settings = Settings(sources=("record",) if of == "record" else (str(path),))
    whole = bench(tmp_path).workspace("whole")
    stage(whole, bench(tmp_path), settings)
    work = bench(tmp_path).workspace("cut")
    for after in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            stage(work, bench(tmp_path, Stopping(after)), settings)
        assert work.report("data") is None
    had = json.loads((work.folder / "data/judged/state.json").read_text())["had"]
    assert sum(had) >= 28
    stage(work, bench(tmp_path), settings)
    assert _state(work) == _state(whole)


def test_other_settings_begin_anew(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(20)])
    work, _ = corpus(tmp_path)
    before = _state(work)
    _, report = corpus(tmp_path, limit=10)
    assert report["read"] == 10
    corpus(tmp_path)
    assert _state(work) == before


# --------------------------------------------------------------------------- bad input


def _refused(home: Path, match: str, **settings: object) -> None:
    with pytest.raises(InputError, match=match):
        corpus(home, **settings)


def test_no_post_one_post_and_nothing_but_copies(tmp_path: Path) -> None:
    held(tmp_path, [])
    _refused(tmp_path, "record holds no post; take some in first")
    held(tmp_path, [post(1)])
    _refused(tmp_path, "1 document is left")
    held(tmp_path, [post(n, sentence(1)) for n in range(1, 9)])
    _refused(tmp_path, "of 8 documents from record, 1 document is left.*7 duplicate")
    _refused(tmp_path, "none is left.*1 language", languages=("fr",))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "half of a gzip file is none"}\n' * 99)[:-20])
    _refused(tmp_path, "is left.*damaged", sources=(str(path),))


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"sources": ("/no/such",)}, "'/no/such' is neither"), ({"val": 0.7}, "--val is 0.7"),
     ({"sources": ()}, "no source is named"), ({"eval_dir": "/no/such"}, "--eval-dir '/no/such'"),
     ({"left_out": "/no/such"}, "the list '/no/such' cannot be read")],
)  # fmt: skip
def test_what_cannot_be_used_is_named(
    tmp_path: Path, settings: dict[str, object], match: str
) -> None:
    held(tmp_path, [post(n) for n in range(5)])
    _refused(tmp_path, match, **settings)


def test_a_damaged_file_of_the_corpus_is_named(tmp_path: Path) -> None:
    held(tmp_path, [post(n) for n in range(20)])
    work, _ = corpus(tmp_path)
    path = work.folder / "data/docs/train/00000.jsonl.gz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptShard, match=r"00000\.jsonl\.gz has SHA-256.*--anew"):
        list(documents(work.folder / "data", "train"))


def test_a_full_disk_is_told_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """A real limit of the operating system on the size of a file, in a process of its own."""
    path = rows(tmp_path / "in.jsonl", [{"text": sentence(n)} for n in range(3000)])
    code = f"""
        import resource, signal, sys
        from pathlib import Path
        from gnomon.errors import StoreFull
        from gnomon.lab.command import Bench
        from gnomon.lab.data.stage import Settings, stage
        from gnomon.lab.progress import Silence
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        home = Path({str(tmp_path)!r})
        bench = Bench(home, home, 1, Silence())
        try:
            stage(bench.workspace("m"), bench, Settings(sources=({str(path)!r},)))
        except StoreFull as error:
            print(error)
            sys.exit(7)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert "No space is left to write" in done.stdout
    _, report = corpus(tmp_path, sources=(str(path),))
    assert report["read"] == 3000


def test_full_is_storefull() -> None:
    from gnomon.lab.shards import writing

    with pytest.raises(StoreFull), writing(Path("x")):
        raise OSError(28, "No space left on device")


# --------------------------------------------------------------------------- the command line


def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gnomon.cli import main

    monkeypatch.setenv("GNOMON_HOME", str(tmp_path))
    held(tmp_path, [post(n) for n in range(30)])
    assert main(["lab", "data", "--name", "x", "--lang", "en", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["documents"]["val"] >= 1
    assert "data: 30 of 30 documents" in said.err
    assert main(["lab", "tokenizer", "--name", "x", "--vocab", "300"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "lab/x/tokenizer")
    assert main(["lab", "data", "--check"]) == 0
    assert "no corpus and no model here" in capsys.readouterr().err
    assert main(["lab", "data", "--from", "/no/such"]) != 0
    assert "'/no/such' is neither 'record' nor a file or folder" in capsys.readouterr().err


# --------------------------------------------------------------------------- datatrove


def test_datatrove_reads_our_documents_and_runs_our_rules(tmp_path: Path) -> None:
    """Over the real package, where it is installed (``pip install datatrove``)."""
    pytest.importorskip("datatrove", reason="datatrove is not installed (17 MB, optional)")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    from gnomon.lab.data.datatrove import filters

    held(tmp_path, [post(n) for n in range(50)])
    work, _ = corpus(tmp_path)
    bad = [Document("no " * 30, "bad", {"lang": "en"})]
    rows(work.folder / "more.jsonl", [{"text": d.text, "id": d.id, "metadata": {}} for d in bad])
    reader = JsonlReader(str(work.folder / "data/docs/train"), glob_pattern="*.jsonl.gz")
    found = list(reader.run())
    assert [(d.id, d.text) for d in found] == [
        (d.id, d.text) for d in documents(work.folder / "data", "train")
    ]
    dill = pytest.importorskip("dill")  # by which its executors send steps to workers
    assert len(dill.loads(dill.dumps(filters(Settings())))) == len(filters(Settings()))
    LocalPipelineExecutor(
        [
            JsonlReader(str(work.folder), glob_pattern="more.jsonl"),
            *filters(Settings(), exclusion=JsonlWriter(str(tmp_path / "dropped"))),
            JsonlWriter(str(tmp_path / "kept")),
        ],
        logging_dir=str(tmp_path / "logs"),
    ).run()
    dropped = [json.loads(line) for line in _lines(tmp_path / "dropped")]
    assert [d["metadata"]["filter_reason"].split(":")[0] for d in dropped] == ["repetition"]
    assert not list(_lines(tmp_path / "kept"))


def _lines(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.gz"):
        with gzip.open(path, "rt") as file:
            yield from file

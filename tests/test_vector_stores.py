"""Vector stores over a real port, with the real openai client and the real index on disk."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from gnomon.assemble import open_sample
from gnomon.assemble.library import Library
from gnomon.config import load
from gnomon.serve.attributes import check_filter, fits
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.http import ApiError
from gnomon.serve.keys import Keys
from gnomon.serve.shelf_rows import Shelves
from gnomon.text.chunks import cut, size
from gnomon.types import Finished
from gnomon.types.library import Chunking, Shelf, Upload
from serving import ENGLISH, UNANSWERABLE, running

BYLAWS = (
    "# Bylaws of the Harrow Garden Club\n\n"
    "The club was founded in 1987 by Ada Lund. Annual dues are 40 euros. The club meets on the "
    "second Tuesday of each month in the old mill.\n\n"
    "Members may bring two guests. Dogs are not allowed in the greenhouse."
)
MINUTES = (
    "Minutes of March. The dues of the Harrow Garden Club were raised to 45 euros from April. "
    "The treasurer is Bo Klein. The quince tree was moved to the north wall."
)
CHINESE = "读书会每周四晚上七点在图书馆见面。会费每年三十元。"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[Engine]:
    with open_sample(load(home, {}, chat_model="none", embed_model="none")) as gnomon:
        yield gnomon


@pytest.fixture(scope="module")
def url(engine: Engine, home: Path) -> Iterator[str]:
    with running(engine, database=Database(home / "server.db")) as url:
        yield url


@pytest.fixture
def client(url: str) -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def upload(client: OpenAI, name: str, text: str) -> str:
    return client.files.create(file=(name, text.encode()), purpose="assistants").id


@pytest.fixture(scope="module")
def club(url: str) -> Mapping[str, str]:
    """A store with three files, by name."""
    client = OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    store = client.vector_stores.create(name="club")
    names = {"bylaws.md": BYLAWS, "minutes.txt": MINUTES, "书.txt": CHINESE}
    files = {name: upload(client, name, text) for name, text in names.items()}
    batch = client.vector_stores.file_batches.create_and_poll(
        store.id,
        files=[
            {"file_id": file, "attributes": {"name": name, "year": year, "final": name[0] == "b"}}
            for (name, file), year in zip(files.items(), (1987, 2026, 2025), strict=True)
        ],
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 3)
    return {"store": store.id, **files}


# ---------------------------------------------------------------------------- stores and files


def test_a_store_is_made_changed_listed_and_deleted(client: OpenAI, home: Path) -> None:
    made = client.vector_stores.create(
        name="one",
        metadata={"who": "ada"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    assert (made.status, made.usage_bytes, made.file_counts.total) == ("completed", 0, 0)
    assert made.expires_at is not None
    assert made.last_active_at is not None
    assert made.expires_at - made.last_active_at == 7 * 86400
    changed = client.vector_stores.update(made.id, name="two", metadata={}, expires_after=None)
    assert (changed.name, changed.metadata, changed.expires_at) == ("two", {}, None)
    other = client.vector_stores.create()
    assert [one.id for one in client.vector_stores.list(limit=1)] == [other.id, made.id]
    before = client.vector_stores.list(limit=1, before=made.id)
    assert [one.id for one in before.data] == [other.id]
    for store in (made.id, other.id):
        assert client.vector_stores.delete(store).deleted
        with pytest.raises(openai.NotFoundError):
            client.vector_stores.retrieve(store)


def test_upload_and_poll(client: OpenAI, tmp_path: Path) -> None:
    store = client.vector_stores.create(name="s")
    (tmp_path / "a.md").write_text(BYLAWS)
    (tmp_path / "b.pdf").write_text("no PDF")
    (tmp_path / "c.gif").write_bytes(b"GIF89a\x01\x00")
    paths = [tmp_path / name for name in ("a.md", "b.pdf", "c.gif")]
    batch = client.vector_stores.file_batches.upload_and_poll(store.id, files=paths)
    counts = batch.file_counts
    assert (counts.completed, counts.failed, counts.total) == (1, 2, 3)
    listed = {
        one.id: one
        for one in client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    }
    errors = sorted(one.last_error.code for one in listed.values() if one.last_error)
    assert errors == ["invalid_file", "unsupported_file"]
    failed = client.vector_stores.files.list(store.id, filter="failed")
    assert {one.id for one in failed} == {k for k, one in listed.items() if one.last_error}
    for unknown in ("", "lost"):
        with pytest.raises(openai.BadRequestError, match="filter"):
            client.vector_stores.files.list(store.id, extra_query={"filter": unknown})
    done = next(one for one in listed.values() if not one.last_error)
    assert done.usage_bytes > 0
    held = client.vector_stores.retrieve(store.id)
    assert (held.usage_bytes, held.file_counts.total) == (done.usage_bytes, 3)
    texts = client.vector_stores.files.content(done.id, vector_store_id=store.id)
    assert "".join(part.text or "" for part in texts) == BYLAWS.removeprefix("# ")
    for one in listed:
        client.files.delete(one)
    assert client.vector_stores.retrieve(store.id).file_counts.total == 0
    client.vector_stores.delete(store.id)


def test_a_picture_is_found_by_the_words_in_it(client: OpenAI) -> None:
    pytest.importorskip("rapidocr", reason="gnomon[ocr] is not installed")
    from test_ocr import DEJAVU, drawn, saved

    if not DEJAVU.exists():
        pytest.skip("no DejaVu fonts here")
    said, store = "The lighthouse opens on 4 June 2026.", client.vector_stores.create()
    image = drawn((15, 10, said), size=(450, 50))
    file = client.files.create(file=("sign.jpg", saved(image, "JPEG")), purpose="assistants").id
    placed = client.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
    assert (placed.status, placed.last_error) == ("completed", None)
    found = client.vector_stores.search(store.id, query="When does the lighthouse open?")
    assert [part.text for one in found.data for part in one.content] == [said]
    client.vector_stores.delete(store.id)


def test_a_file_is_cut_as_asked(client: OpenAI) -> None:
    text = " ".join(f"Sentence number {n} says that shed {n} is painted green." for n in range(200))
    file, store = upload(client, "sheds.txt", text), client.vector_stores.create()
    static = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}
    for strategy, sizes in (
        ({"type": "static", "static": static}, static),
        ({"type": "auto"}, {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 100}),
    ):
        placed = client.vector_stores.files.create_and_poll(
            file,
            vector_store_id=store.id,
            chunking_strategy=strategy,  # type: ignore[arg-type]
        )
        assert placed.status == "completed"
        assert placed.chunking_strategy is not None
        assert placed.chunking_strategy.to_dict() == {"type": "static", "static": sizes}
        chunks = [
            part.text or ""
            for part in client.vector_stores.files.content(file, vector_store_id=store.id)
        ]
        assert all(size(chunk) <= sizes["max_chunk_size_tokens"] for chunk in chunks)
        assert all(chunk.startswith("Sentence") and chunk.endswith(".") for chunk in chunks)
        for one, other in pairwise(chunks):
            shared = next(n for n in range(len(other), -1, -1) if one.endswith(other[:n]))
            assert 0 < size(other[:shared]) <= sizes["chunk_overlap_tokens"]
    for bad in ({"max_chunk_size_tokens": 50, "chunk_overlap_tokens": 0},
                {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 150}):  # fmt: skip
        with pytest.raises(openai.BadRequestError, match="chunking_strategy"):
            client.vector_stores.files.create(
                store.id, file_id=file, chunking_strategy={"type": "static", "static": bad}
            )
    client.vector_stores.delete(store.id)
    client.files.delete(file)


@pytest.mark.parametrize(
    "text", ["", "word " * 5000, "无标点" * 3000, "A. B. C.", "x" * 9999, BYLAWS]
)
@pytest.mark.parametrize(("most", "overlap"), [(100, 0), (100, 50), (400, 100)])
def test_chunks_hold_everything_once_in_order(text: str, most: int, overlap: int) -> None:
    spans = cut(text, most, overlap)
    assert all(size(text[start:end]) <= most for start, end in spans)
    done = 0
    for start, end in spans:
        assert not text[done:start].strip() if start > done else end > done
        assert size(text[start : max(start, done)]) <= overlap + 1
        done = end
    assert not text[done:].strip()


# ------------------------------------------------------------------------------------- search


def test_search_finds_the_right_file_first(client: OpenAI, club: Mapping[str, str]) -> None:
    for query, name in (
        ("annual dues", "bylaws.md"),
        ("who is the treasurer", "minutes.txt"),
        ("会费多少", "书.txt"),
    ):
        found = client.vector_stores.search(club["store"], query=query).data
        assert found[0].filename == name, query
        assert found[0].file_id == club[name]
        assert all(0 < one.score <= 1 for one in found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    several = client.vector_stores.search(club["store"], query=["greenhouse dogs", "treasurer"])
    assert {one.filename for one in several.data} >= {"bylaws.md", "minutes.txt"}
    one = client.vector_stores.search(club["store"], query="dues club", max_num_results=1)
    assert len(one.data) == 1
    sure = client.vector_stores.search(
        club["store"], query="quince tree", ranking_options={"score_threshold": 0.6}
    )
    assert [hit.filename for hit in sure.data] == ["minutes.txt"]
    assert client.vector_stores.search(club["store"], query="zeppelin").data == []


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"type": "eq", "key": "name", "value": "bylaws.md"}, {"bylaws.md"}),
        ({"type": "ne", "key": "name", "value": "bylaws.md"}, {"minutes.txt"}),
        ({"type": "gte", "key": "year", "value": 2025}, {"minutes.txt"}),
        ({"type": "lt", "key": "year", "value": 2025}, {"bylaws.md"}),
        ({"type": "in", "key": "year", "value": [1987, 3000]}, {"bylaws.md"}),
        ({"type": "nin", "key": "year", "value": [1987]}, {"minutes.txt"}),
        ({"type": "eq", "key": "final", "value": True}, {"bylaws.md"}),
        ({"type": "eq", "key": "absent", "value": 1}, set()),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "gt", "key": "year", "value": 1900},
                    {
                        "type": "or",
                        "filters": [
                            {"type": "eq", "key": "name", "value": "minutes.txt"},
                            {"type": "eq", "key": "name", "value": "nothing"},
                        ],
                    },
                ],
            },
            {"minutes.txt"},
        ),
    ],
)
def test_filters_over_attributes(
    client: OpenAI, club: Mapping[str, str], wanted: Any, names: set[str]
) -> None:
    found = client.vector_stores.search(club["store"], query="dues of the club", filters=wanted)
    assert {one.filename for one in found.data} == names


def test_filters_tell_kinds_apart_and_are_bounded() -> None:
    held = {"n": 1, "t": True, "s": "2026-03-01"}
    assert not fits(held, check_filter({"type": "eq", "key": "t", "value": 1}))
    assert not fits(held, check_filter({"type": "gt", "key": "s", "value": 1}))
    assert fits(held, check_filter({"type": "gt", "key": "s", "value": "2026-02"}))
    deep: Any = {"type": "eq", "key": "n", "value": 1}
    for _ in range(9):
        deep = {"type": "and", "filters": [deep]}
    for bad in (
        deep,
        [],
        {"type": "like", "key": "n", "value": 1},
        {"type": "and", "filters": []},
        {"type": "in", "key": "n", "value": 1},
        {"type": "eq", "value": 1},
        {"type": "and", "filters": [{"type": "eq", "key": "n", "value": 1}] * 200},
    ):
        with pytest.raises(ApiError):
            check_filter(bad)


def test_attributes_can_be_changed(client: OpenAI, club: Mapping[str, str]) -> None:
    file = club["minutes.txt"]
    changed = client.vector_stores.files.update(
        file, vector_store_id=club["store"], attributes={"secret": True}
    )
    assert changed.attributes == {"secret": True}
    found = client.vector_stores.search(
        club["store"], query="dues", filters={"type": "eq", "key": "secret", "value": True}
    )
    assert [one.attributes for one in found.data] == [{"secret": True}]
    with pytest.raises(openai.BadRequestError, match="attributes"):
        client.vector_stores.files.update(
            file, vector_store_id=club["store"], attributes={str(n): n for n in range(17)}
        )
    before = {"name": "minutes.txt", "year": 2026, "final": False}
    client.vector_stores.files.update(file, vector_store_id=club["store"], attributes=before)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": [" "]},
        {"query": "x" * 5000},
        {"query": 7},
        {"query": "x", "max_num_results": 51},
        {"query": "x", "filters": {"type": "eq"}},
        {"query": "x", "ranking_options": {"score_threshold": 2}},
        {"query": "x", "ranking_options": {"hybrid_search": {"text_weight": -1}}},
    ],
)
def test_a_search_that_cannot_be_says_why(url: str, club: Mapping[str, str], body: Any) -> None:
    reply = httpx.post(f"{url}/v1/vector_stores/{club['store']}/search", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"]


# ------------------------------------------------------------------------------------- file_search


def asked(client: OpenAI, question: str, *stores: str, **tool: Any) -> Any:
    return client.responses.create(
        model="gnomon",
        input=question,
        tools=[{"type": "file_search", "vector_store_ids": list(stores), **tool}],
        include=["file_search_call.results"],
    )


def citations(response: Any) -> set[str]:
    notes = response.output[-1].content[0].annotations
    assert {note.type for note in notes} <= {"file_citation"}
    return {note.filename for note in notes}


def test_file_search_answers_and_cites_the_file(client: OpenAI, club: Mapping[str, str]) -> None:
    for question, words, name in (
        ("Who is the treasurer?", "Bo Klein", "minutes.txt"),
        ("Are dogs allowed in the greenhouse?", "Dogs are not allowed", "bylaws.md"),
        ("读书会的会费是多少？", "三十元", "书.txt"),
    ):
        response = asked(client, question, club["store"])
        assert words in response.output_text
        assert citations(response) == {name}
        call = response.output[0]
        assert (call.type, call.status) == ("file_search_call", "completed")
        assert club[name] in {result.file_id for result in call.results}
        notes = response.output[-1].content[0].annotations
        assert {note.file_id for note in notes} == {club[name]}
    unknown = asked(client, UNANSWERABLE, club["store"])
    assert citations(unknown) == set()
    assert "don't know" in unknown.output_text


def test_file_search_looks_only_where_it_is_told(client: OpenAI, club: Mapping[str, str]) -> None:
    bylaws = {"type": "eq", "key": "name", "value": "bylaws.md"}
    assert (
        "don't know"
        in asked(client, "Who is the treasurer?", club["store"], filters=bylaws).output_text
    )
    empty = client.vector_stores.create()
    assert "don't know" in asked(client, "Who is the treasurer?", empty.id).output_text
    both = asked(client, "Who is the treasurer?", empty.id, club["store"])
    assert citations(both) == {"minutes.txt"}
    client.vector_stores.delete(empty.id)
    public = answered_in_public(client)
    assert "don't know" in asked(client, public, club["store"]).output_text


def answered_in_public(client: OpenAI) -> str:
    for question in ENGLISH:
        response = client.responses.create(model="gnomon", input=question)
        if response.output[-1].content[0].annotations:  # type: ignore[union-attr]
            return question
    raise AssertionError("The sample world answers nothing.")


def test_file_search_beside_web_search_sees_both(client: OpenAI, club: Mapping[str, str]) -> None:
    tools: Any = [
        {"type": "file_search", "vector_store_ids": [club["store"]]},
        {"type": "web_search"},
    ]
    kinds = set()
    for question in ("Who is the treasurer?", answered_in_public(client)):
        response = client.responses.create(model="gnomon", input=question, tools=tools)
        part: Any = response.output[-1].content[0]  # type: ignore[union-attr]
        assert part.annotations
        kinds |= {note.type for note in part.annotations}
    assert kinds == {"file_citation", "url_citation"}


def test_an_answer_loses_the_words_of_a_file_that_is_deleted(
    client: OpenAI, engine: Engine
) -> None:
    store = client.vector_stores.create().id
    file = upload(client, "a.txt", "The Windlass regatta was won by Xylandra in 2019.")
    client.vector_stores.files.create_and_poll(file, vector_store_id=store)
    response = asked(client, "Who won the Windlass regatta?", store)
    assert "Xylandra" in response.output_text
    client.files.delete(file)
    again = client.responses.retrieve(response.id)
    assert "Xylandra" not in again.to_json()
    answer = again.gnomon["id"]  # type: ignore[attr-defined]
    assert "Xylandra" not in str(engine.library.answer(store, answer))
    client.vector_stores.delete(store)


# ------------------------------------------------------------------------- apart, and really gone


def test_one_callers_store_is_no_store_to_another(engine: Engine) -> None:
    shelves = Shelves(Database(), lambda: engine.library)
    store = shelves.make("ada", "s", "", {}, None).id
    for act in (shelves.find, shelves.delete, shelves.change):
        with pytest.raises(ApiError, match="There is no vector store"):
            act(store, "bo")
    with pytest.raises(ApiError, match="There is no vector store"):
        shelves.open("bo", [store])
    assert shelves.listed("bo", after="", before="", limit=9, newest_first=True) == ([], False)
    assert [shelf.id for shelf in shelves.open("ada", [store])] == [store]


def test_two_keys_see_nothing_of_each_other(engine: Engine, tmp_path: Path) -> None:
    keys = Keys(Database(tmp_path / "server.db"))
    made = [keys.create(scopes=["ask", "write"])[0] for _ in range(2)]
    with running(engine, database=Database(tmp_path / "server.db")) as url:
        ada, bo = (OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) for key in made)
        store, file = ada.vector_stores.create(), upload(ada, "minutes.txt", MINUTES)
        ada.vector_stores.files.create_and_poll(file, vector_store_id=store.id)
        assert ada.vector_stores.search(store.id, query="treasurer").data
        own = bo.vector_stores.create()
        for act in (
            lambda: bo.files.retrieve(file),
            lambda: bo.files.content(file),
            lambda: bo.files.delete(file),
            lambda: bo.vector_stores.retrieve(store.id),
            lambda: bo.vector_stores.update(store.id, name="mine"),
            lambda: bo.vector_stores.delete(store.id),
            lambda: bo.vector_stores.search(store.id, query="treasurer"),
            lambda: bo.vector_stores.files.list(store.id),
            lambda: bo.vector_stores.files.content(file, vector_store_id=store.id),
            lambda: bo.vector_stores.files.create(own.id, file_id=file),
            lambda: bo.vector_stores.file_batches.create(own.id, file_ids=[file]),
            lambda: bo.vector_stores.create(file_ids=[file]),
            lambda: bo.responses.create(
                model="gnomon",
                input="Who is the treasurer?",
                tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
            ),
        ):
            with pytest.raises(openai.NotFoundError):
                act()
        assert [bo.files.list().data, [one.id for one in bo.vector_stores.list()]] == [
            [],
            [own.id],
        ]
        ada.vector_stores.delete(store.id)


def test_documents_never_reach_another_answer_nor_the_public_index(
    client: OpenAI, engine: Engine, url: str, club: Mapping[str, str]
) -> None:
    other = client.vector_stores.create(name="other").id
    file = upload(client, "other.txt", "The picnic of the rowing club is on 4 July.")
    client.vector_stores.files.create_and_poll(file, vector_store_id=other)
    assert client.vector_stores.search(other, query="dues greenhouse treasurer").data == []
    *_, last = engine.library.ask("Who is the treasurer?", [Shelf(other)])
    assert isinstance(last, Finished)
    assert last.answer.abstained
    *_, last = engine.library.ask("Who is the treasurer?", [Shelf(club["store"], ())])
    assert isinstance(last, Finished)
    assert last.answer.abstained
    *_, last = engine.ask("Who is the treasurer of the Harrow Garden Club?")
    assert isinstance(last, Finished)
    assert "Klein" not in str(last.answer)
    assert not any("Klein" in found.post.text for found in engine.search("treasurer Bo Klein"))
    *_, last = engine.library.ask("Who is the treasurer?", [Shelf(club["store"])])
    assert isinstance(last, Finished)
    assert "Bo Klein" in last.answer.text
    # Neither is the receipt of the answer where anybody may open it.
    assert last.answer.id
    assert httpx.get(f"{url}/v1/answers/{last.answer.id}").status_code == 404
    assert engine.library.answer(club["store"], last.answer.id)["text"] == last.answer.text
    client.vector_stores.delete(other)
    client.files.delete(file)


def holds(folder: Path, words: str) -> bool:
    found = subprocess.run(["grep", "-rqaF", words, str(folder)], check=False)
    return found.returncode == 0


def test_what_is_deleted_is_gone_from_the_disk(client: OpenAI, home: Path) -> None:
    store, word = client.vector_stores.create().id, "Xylophagous"
    file = upload(client, "a.txt", f"{word} beetles were seen. The rest stays as it was.")
    kept = upload(client, "b.txt", "The Windlass stands by the river.")
    for one in (file, kept):
        client.vector_stores.files.create_and_poll(one, vector_store_id=store)
    assert holds(home, word)
    assert client.vector_stores.search(store, query=word).data
    client.files.delete(file)
    assert client.vector_stores.search(store, query=word).data == []
    assert client.vector_stores.search(store, query="windlass").data
    client.vector_stores.files.delete(kept, vector_store_id=store)
    assert not holds(home / "shelves", word)
    assert not holds(home / "shelves", "Windlass")
    assert client.vector_stores.files.list(store).data == []
    client.vector_stores.delete(store)
    assert not (home / "shelves" / store).exists()
    client.files.delete(kept)
    assert not holds(home, word)


def test_a_store_expires_and_lets_go_of_everything(engine: Engine, tmp_path: Path) -> None:
    shelves = Shelves(Database(), lambda: engine.library)
    store = shelves.make("ada", "s", "", {}, 1).id
    (tmp_path / "a").write_text(MINUTES)
    upload_ = Upload("file-1", "a.txt", str(tmp_path / "a"))
    shelves.put(store, [("file-1", {}, Chunking())])
    engine.library.shelve(store, upload_, Chunking())
    shelves.expire(time.time() + 80_000)
    assert store in engine.library.shelves()
    shelves.expire(time.time() + 90_000)
    assert store not in engine.library.shelves()
    assert shelves.find(store, "ada").expired
    with pytest.raises(ApiError, match="has expired"):
        shelves.open("ada", [store])


def test_what_was_not_done_when_the_server_stopped_is_done_later(
    engine: Engine, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "server.db"
    database = Database(path)
    with running(engine, database=database) as url:
        client = OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        store, file = client.vector_stores.create().id, upload(client, "a.txt", MINUTES)
    database = Database(path)
    Shelves(database, lambda: engine.library).put(store, [(file, {}, Chunking())])
    database.close()
    with running(engine, database=Database(path)) as url:
        client = OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        placed = client.vector_stores.files.poll(file, vector_store_id=store)
        assert placed.status == "completed"
        client.vector_stores.delete(store)


def test_an_id_of_a_shelf_is_no_path(engine: Engine) -> None:
    library = engine.library
    assert isinstance(library, Library)
    for name in ("../store", "vs_../../x", "", "vs_", "VS_00000000", "vs_0000000g"):
        with pytest.raises(Exception, match="There is no shelf"):
            library.forget(name)


# ------------------------------------------------------------------------------- with an encoder


AXES = {"cat": 0, "kitty": 0, "mill": 1, "dues": 2}


class Meaning:
    """An encoder that knows that a kitty is a cat: axes for a few words, and one for the rest."""

    name, dim = "double", 8

    def _vector(self, text: str) -> Any:
        import numpy as np

        out = np.full(self.dim, 0.05, dtype=np.float32)
        for word in text.lower().replace(".", " ").split():
            if word in AXES:
                out[AXES[word]] += 1
        return out / np.linalg.norm(out)

    def passages(self, texts: Any, *, patient: bool = False) -> Any:
        import numpy as np

        return np.stack([self._vector(text) for text in texts])

    def query(self, text: str) -> Any:
        return self._vector(text)

    def close(self) -> None: ...


def test_meaning_finds_what_words_do_not(engine: Engine, tmp_path: Path) -> None:
    from gnomon.assemble.library import Limits

    encoder: list[Any] = [None]
    library = Library(
        tmp_path,
        Limits(10**6, 10**7),
        public=engine.store,  # type: ignore[attr-defined]
        embed=lambda: encoder[0],
        ask=engine._answer,  # type: ignore[attr-defined]
    )
    store = Shelf("vs_" + "0" * 32)
    for name, text in (("file-1", "My cat sleeps."), ("file-2", "The mill is old.")):
        (tmp_path / name).write_text(text)
        library.shelve(store.id, Upload(name, f"{name}.txt", str(tmp_path / name)), Chunking())
    assert library.search([store], ["kitty"]) == []
    encoder[0] = Meaning()  # what was shelved before there was an encoder is caught up with
    found = library.search([store], ["kitty"])
    assert [hit.file for hit in found][:1] == ["file-1"]
    assert library.search([store], ["kitty"], text_weight=1.0) == []
    library.close()

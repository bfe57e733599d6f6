"""Files and folders: every format, bad input, and resuming after an interruption."""

import csv
import gzip
import json
import math
import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gnomon.errors import InputError, SourceError
from gnomon.sources.admission import Limits
from gnomon.sources.files import Files
from gnomon.sources.rows import post_from_row

NOW = datetime(2026, 3, 7, 12, tzinfo=UTC).timestamp()


def read(path, cursor=None, **options):
    """(posts, set_aside) of a whole source."""
    posts, aside = [], []
    for batch in Files([path], now=lambda: NOW, **options).steps(cursor):
        posts += batch.posts
        aside += batch.set_aside
    return posts, aside


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# -- rows -----------------------------------------------------------------------------------------


def test_json_lines_with_the_wires_names_and_unknown_fields(tmp_path):
    row = {
        "text": "The ferry leaves at 9.",
        "id": "a1",
        "author": "ann",
        "created_at": "2026-03-07T09:30:00Z",
        "url": "https://x.example/1",
        "lang": "en",
        "reply_to": "a0",
        "links": ["https://y.example"],
        "mood": "calm",
    }
    (post,), aside = read(write(tmp_path / "posts.jsonl", lines(row)))
    assert aside == []
    assert (post.id, post.author, post.lang, post.reply_to) == ("a1", "ann", "en", "a0")
    assert post.source == "file:posts.jsonl"
    assert post.created_at == datetime(2026, 3, 7, 9, 30, tzinfo=UTC).timestamp()
    assert post.links == ("https://y.example",)
    assert post.extra == {"mood": "calm"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"full_text": "a", "id_str": "7"}, {"text": "a", "id": "7"}),
        ({"content": "a", "user": {"screen_name": "ann", "id": 3}}, {"author": "ann"}),
        ({"body": "a", "date": "2026-03-07"}, {"created_at": 1772841600.0}),
        ({"text": "a", "timestamp": 1772841600000}, {"created_at": 1772841600.0}),
        ({"text": "a", "created_at": "Sat Mar 07 00:00:00 +0000 2026"}, {"created_at": 1772841600}),
        ({"text": "a", "published": "Sat, 07 Mar 2026 00:00:00 GMT"}, {"created_at": 1772841600}),
        ({"text": "a", "permalink": "https://x.example"}, {"url": "https://x.example"}),
        ({"title": "A headline", "selftext": ""}, {"text": "A headline", "title": ""}),
        ({"title": "A", "text": "b"}, {"text": "b", "title": "A"}),
        ({"text": "a", "content": "b"}, {"text": "a", "extra": {"content": "b"}}),
    ],
)
def test_other_programs_names(tmp_path, row, expected):
    (post,), aside = read(write(tmp_path / "x.jsonl", lines(row)))
    assert aside == []
    assert {name: getattr(post, name) for name in expected} == expected


def test_dates_with_slashes_are_read_only_where_the_file_settles_their_order(tmp_path):
    rows = [{"text": "a", "date": "3/4/2026 10:00"}, {"text": "b", "date": "3/24/2025"}]
    posts, aside = read(write(tmp_path / "us.jsonl", lines(*rows)))
    assert aside == []
    assert posts[0].created_at == datetime(2026, 3, 4, 10, tzinfo=UTC).timestamp()
    posts, aside = read(write(tmp_path / "odd.jsonl", lines(rows[0])))
    assert posts == []
    assert "day first or month first" in aside[0].reason


def test_ids_are_from_the_content_where_the_row_has_none(tmp_path):
    path = write(tmp_path / "x.jsonl", lines({"text": "a"}, {"text": "b"}))
    first, _ = read(path)
    again, _ = read(path)
    assert [post.id for post in first] == [post.id for post in again]
    assert first[0].id != first[1].id


def test_a_namespace_goes_before_ids_and_references(tmp_path):
    row = {"text": "a", "id": "2", "reply_to": "1", "quotes": "0", "repost_of": ""}
    source = Files([write(tmp_path / "x.jsonl", lines(row))], namespace="town", now=lambda: NOW)
    (batch,) = source.steps(None)
    (post,) = batch.posts
    assert (post.id, post.reply_to, post.quotes, post.repost_of) == (
        "town:2",
        "town:1",
        "town:0",
        "",
    )
    assert source.name == "town"


def test_json_arrays_and_objects(tmp_path):
    rows = [{"text": f"post {n}", "id": str(n)} for n in range(5000)]
    for data in (json.dumps(rows), json.dumps(rows, indent=2), json.dumps({"posts": rows[:9]})):
        posts, aside = read(write(tmp_path / "x.json", data))
        assert aside == []
        assert [post.text for post in posts] == [row["text"] for row in rows[: len(posts)]]
        assert len(posts) in (5000, 9)
    (post,), _ = read(write(tmp_path / "one.json", '{\n "text": "alone"\n}'))
    assert post.text == "alone"
    posts, _ = read(write(tmp_path / "lines.json", lines(*rows[:3])))
    assert len(posts) == 3


def test_lines_in_a_json_file_may_begin_with_a_long_one(tmp_path):
    rows = lines({"text": "long " * 2000}, {"text": "short"})
    posts, aside = read(write(tmp_path / "x.json", rows))
    assert ([len(post.text) for post in posts], aside) == ([10_000, 5], [])


def test_numbers_that_are_no_counts_are_left_out():
    counts = {"likes": math.inf, "views": math.nan, "replies": 2, "reposts": 3.0}
    post = post_from_row({"text": "a", "counts": counts}, source="s", fetched_at=NOW)
    assert post.counts == {"replies": 2, "reposts": 3}
    with pytest.raises(InputError, match="outside the calendar"):
        post_from_row({"text": "a", "created_at": 10**400}, source="s", fetched_at=NOW)


def test_a_broken_array_keeps_what_came_before(tmp_path):
    data = '[{"text": "a"}, {"text": "b"}, {"text": "c", ]'
    posts, aside = read(write(tmp_path / "x.json", data))
    assert [post.text for post in posts] == ["a", "b"]
    assert "item 3 is no JSON" in aside[0].reason
    posts, aside = read(write(tmp_path / "x.json", '[{"text": "a"}, 7, {"text": "b"}'))
    assert [post.text for post in posts] == ["a", "b"]
    assert "no JSON object" in aside[0].reason
    assert "ends early" in aside[1].reason


def test_csv_and_tsv(tmp_path):
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.writer(file)
        table.writerow(["Post ID", "User Name", "Content", "links", "Likes"])
        table.writerow(
            ["1", "ann", 'two\nlines, and "quotes"', "https://a.example https://b.example", "7"]
        )
        table.writerow(["2", "bob", "plain", "", ""])
    posts, aside = read(path)
    assert aside == []
    assert [(post.id, post.author, post.text) for post in posts] == [
        ("1", "ann", 'two\nlines, and "quotes"'),
        ("2", "bob", "plain"),
    ]
    assert posts[0].links == ("https://a.example", "https://b.example")
    assert posts[0].extra == {"likes": "7"}
    posts, _ = read(write(tmp_path / "x.tsv", "id\ttext\n1\ta, b; c\n"))
    assert posts[0].text == "a, b; c"
    posts, _ = read(write(tmp_path / "semi.csv", "id;text\n1;a, b\n"))
    assert posts[0].text == "a, b"


def test_csv_rows_that_do_not_fit_and_files_without_words(tmp_path):
    data = "id,text\n1,good\n2,too,many,cells\n3,also good\n" + "4," + "x" * 4_000_000 + "\n5,end\n"
    posts, aside = read(write(tmp_path / "x.csv", data), limits=Limits(max_post_bytes=1000))
    assert [post.text for post in posts] == ["good", "also good", "end"]
    assert "4 cells for 2 columns" in aside[0].reason
    assert "4,000,003 bytes long" in aside[1].reason
    posts, aside = read(write(tmp_path / "x.csv", "a,b\n1,2\n"))
    assert posts == []
    assert "its columns are 'a, b'" in aside[0].reason


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    when = datetime(2026, 3, 7, tzinfo=UTC)
    rows = [{"text": f"post {n}", "id": n, "created_at": when, "score": 0.5} for n in range(2500)]
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=1000)
    batches = list(Files([path], now=lambda: NOW).steps(None))
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) == 2500
    assert (posts[7].id, posts[7].created_at) == ("7", when.timestamp())
    rest, _ = read(path, batches[0].cursor)
    assert [post.id for post in rest] == [str(n) for n in range(1000, 2500)]
    _, aside = read(write(tmp_path / "bad.parquet", b"PAR1 and nothing"))
    assert "cannot be read as Parquet" in aside[0].reason


# -- bad input ------------------------------------------------------------------------------------


def test_bad_lines_are_set_aside_with_a_reason_and_the_rest_is_kept(tmp_path):
    bad = [
        (b"not json", "no JSON"),
        (b'{"text": "cut off', "no JSON"),
        (b"[1, 2]", "no JSON object"),
        (b'{"id": "1"}', "'text' is None"),
        (b'{"text": ""}', "no text"),
        (b'{"text": " \\u200b\\n"}', "no text"),
        (b'{"text": 1.5}', "give it as a string"),
        (b'{"text": ["a"]}', "'text' is ['a']"),
        (b'{"text": "nul \\u0000 here"}', "NUL"),
        (b'{"text": "half \\ud83d here"}', "no JSON"),
        (b'{"text": "caf\xe9"}', "not UTF-8 (byte 0xe9"),
        (b'{"text": "a", "created_at": "soon"}', "'soon' is no time"),
        (b'{"text": "a", "created_at": "2026-03-08T12:00:00Z"}', "from the future"),
        (b'{"text": "a", "links": 3}', "'links' is 3"),
        (b'{"text": "a", "labels": 3, "nsfw": true}', "'labels' is 3"),
        (b'{"text": "a", "created_at": "1 Jan 99999999999 00:00:00 +0000"}', "is no time"),
        (b'{"text": "a", "over_18": true}', "its author labels it 'adult'"),
        (b'{"text": "' + b"x" * 5000 + b'"}', "its text is 5,000 bytes, over the limit of 4,000"),
    ]
    good = '{"text": "é is fine", "id": "ok%d"}\n'.encode()
    data = b"".join(line + b"\n" + good % n for n, (line, _) in enumerate(bad))
    path = write(tmp_path / "x.jsonl", data)
    posts, aside = read(path, limits=Limits(max_post_bytes=4000))
    assert [post.id for post in posts] == [f"ok{n}" for n in range(len(bad))]
    assert len(aside) == len(bad)
    for n, (found, (line, reason)) in enumerate(zip(aside, bad, strict=True)):
        assert reason in found.reason, line
        assert found.where == f"x.jsonl, line {2 * n + 1}"
        assert len(found.excerpt) <= 200
        (found.reason + found.excerpt + found.where).encode()  # storable


def test_a_line_of_50_mb_does_not_take_its_length_many_times_over(tmp_path):
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.write(b'{"text": "before"}\n{"text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"text": "after"}\n')
    tracemalloc.start()
    posts, aside = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [post.text for post in posts] == ["before", "after"]
    assert "50,000,013 bytes long" in aside[0].reason
    assert peak < 40_000_000


def test_a_long_line_in_another_encoding_is_bounded_too(tmp_path):
    limits = Limits(max_post_bytes=4000)
    text = '{"text": "before"}\n{"text": "' + "x" * 1_200_000 + '"}\n{"text": "after"}'
    posts, aside = read(write(tmp_path / "x.jsonl", text.encode("utf-16")), limits=limits)
    assert [post.text for post in posts] == ["before", "after"]
    assert "1,200,013 characters long" in aside[0].reason
    assert aside[0].where == "x.jsonl, line 2"
    table = f"text\nbefore\n{'x' * 1_200_000}\nafter\n"
    posts, aside = read(write(tmp_path / "x.csv", table.encode("utf-16")), limits=limits)
    assert [post.text for post in posts] == ["before", "after"]
    assert "over the" in aside[0].reason


def test_a_table_whose_first_line_cannot_be_read_is_told(tmp_path):
    path = write(tmp_path / "x.csv", b"text,caf\xe9\nhello,x\n")
    posts, aside = read(path, encoding="utf-8")
    assert posts == []
    assert "its first line does not name columns" in aside[0].reason
    assert "not UTF-8 (byte 0xe9" in aside[0].reason


def test_a_truncated_gzip_keeps_what_came_before(tmp_path):
    rows = lines(*({"text": f"post {n} {os.urandom(20).hex()}"} for n in range(5000)))
    packed = gzip.compress(rows.encode())
    posts, aside = read(write(tmp_path / "x.jsonl.gz", packed))
    assert (len(posts), aside) == (5000, [])
    posts, aside = read(write(tmp_path / "x.jsonl.gz", packed[: len(packed) // 2]))
    assert 1000 < len(posts) < 5000
    assert "gzip data ends early" in aside[-1].reason
    posts, aside = read(write(tmp_path / "x.jsonl.gz", b"\x1f\x8b nothing"))
    assert posts == []
    assert "damaged" in aside[0].reason
    members = (
        gzip.compress(lines({"text": "a"}).encode()) + gzip.compress(b'{"text": "b"}') + b"\0" * 9
    )
    posts, aside = read(write(tmp_path / "x.jsonl.gz", members))
    assert ([post.text for post in posts], aside) == (["a", "b"], [])


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_believed(tmp_path, codec):
    rows = lines({"text": "渡轮九点开"}, {"text": "naïve"})
    for suffix, text in ((".jsonl", rows), (".csv", "text\n渡轮九点开\nnaïve\n")):
        posts, aside = read(write(tmp_path / f"x{suffix}", text.encode(codec)))
        assert aside == []
        assert [post.text for post in posts] == ["渡轮九点开", "naïve"]


def test_another_encoding_is_never_read_in_silence(tmp_path):
    text = "他们说渡轮明天早上九点开，请大家提前到码头排队，不要迟到。" * 5
    data = (f"id,text\n1,{text}\n").encode("gb18030")
    (post,), (note,) = read(write(tmp_path / "x.csv", data))
    assert post.text == text
    assert post.extra["encoding"] in note.reason
    assert "a guess" in note.reason
    assert "iconv" in note.reason
    (post,), aside = read(write(tmp_path / "x.csv", data), encoding="gb18030")
    assert (post.text, aside) == (text, [])


def test_bytes_that_do_not_fit_the_marked_encoding_are_told(tmp_path):
    data = lines({"text": "a"}).encode("utf-16") + b"\x00\xd8"
    posts, aside = read(write(tmp_path / "x.jsonl", data))
    assert [post.text for post in posts] == ["a"]
    assert "not utf-16" in aside[0].reason


def test_a_named_path_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(SourceError, match=r"nothing\.jsonl' cannot be read"):
        read(tmp_path / "nothing.jsonl")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_unknown_formats_are_told_by_their_bytes_or_refused(tmp_path):
    posts, _ = read(write(tmp_path / "posts", lines({"text": "a"})))
    assert posts[0].text == "a"
    posts, aside = read(write(tmp_path / "x.bin", b"\x7fELF\x00\x00\x00"))
    assert posts == []
    assert "is in no format that gnomon reads" in aside[0].reason


def test_an_encoding_that_does_not_exist_is_named(tmp_path):
    path = write(tmp_path / "x.txt", b"\xef\xbb\xbfwords")
    with pytest.raises(InputError, match="'utf-9' is no encoding"):
        read(path, encoding="utf-9")
    (post,), _ = read(path, encoding="cp1252")  # the file's own mark says otherwise
    assert post.text == "words"


def test_an_unreadable_file_in_a_folder_does_not_stop_the_others(tmp_path, monkeypatch):
    write(tmp_path / "a.jsonl", lines({"text": "secret"}))
    write(tmp_path / "b.jsonl", lines({"text": "open"}))
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "nothing")
    really_open = Path.open

    def refuse(path, *rest):
        if path.name == "a.jsonl":
            raise PermissionError(13, "Permission denied")
        return really_open(path, *rest)

    monkeypatch.setattr(Path, "open", refuse)
    posts, aside = read(tmp_path)
    assert [post.text for post in posts] == ["open"]
    assert "broken links" in aside[0].reason
    assert "'a.jsonl' cannot be read (Permission denied)" in aside[1].reason


# -- folders and resuming -------------------------------------------------------------------------


def test_folders_are_read_in_order_without_hidden_or_unknown_files(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    write(tmp_path / "b" / "2.jsonl", lines({"text": "two"}))
    write(tmp_path / "a.jsonl", lines({"text": "one"}))
    write(tmp_path / ".git" / "x.jsonl", lines({"text": "hidden"}))
    write(tmp_path / ".y.jsonl", lines({"text": "hidden"}))
    write(tmp_path / "p.gif", b"png")
    write(tmp_path / "q.gif", b"png")
    write(tmp_path / "broken.pdf", b"%PDF-1.4 nothing")
    posts, aside = read(tmp_path)
    assert [post.text for post in posts] == ["one", "two"]
    assert "2 files with .gif" in aside[0].reason
    assert "the PDF cannot be read" in aside[1].reason
    assert all(post.source == f"file:{tmp_path.name}" for post in posts)


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv", "json", "utf16.jsonl"])
def test_an_interrupted_import_goes_on_where_it_ended(tmp_path, kind):
    rows = [{"id": str(n), "text": f"post {n} é"} for n in range(3500)]
    text = lines(*rows)
    if kind == "csv":
        text = "id,text\n" + "".join(f"{row['id']},{row['text']}\n" for row in rows)
    elif kind == "json":
        text = json.dumps(rows)
    data = text.encode("utf-16" if kind.startswith("utf16") else "utf-8")
    path = write(tmp_path / f"x.{kind}", gzip.compress(data) if kind.endswith("gz") else data)
    batches = list(Files([path], now=lambda: NOW).steps(None))
    assert [len(batch.posts) for batch in batches] == [1000, 1000, 1000, 500]
    for done in range(3):
        rest, aside = read(path, batches[done].cursor)
        assert aside == []
        assert [post.id for post in rest] == [str(n) for n in range(1000 * (done + 1), 3500)]
    assert read(path, batches[-1].cursor) == ([], [])


def test_line_numbers_go_on_after_a_resume(tmp_path):
    data = lines(*({"text": f"post {n}"} for n in range(1500))) + "oops\n"
    path = write(tmp_path / "x.jsonl", data)
    first = next(iter(Files([path], now=lambda: NOW).steps(None)))
    _, (aside,) = read(path, first.cursor)
    assert aside.where == "x.jsonl, line 1501"


def test_a_changed_file_starts_again_and_others_do_not(tmp_path):
    write(tmp_path / "a.jsonl", lines({"text": "one"}))
    path = write(tmp_path / "b.jsonl", lines({"text": "two"}))
    cursor = list(Files([tmp_path], now=lambda: NOW).steps(None))[-1].cursor
    write(path, lines({"text": "two"}, {"text": "three"}))
    posts, _ = read(tmp_path, cursor)
    assert [post.text for post in posts] == ["two", "three"]
    posts, _ = read(tmp_path, "of another version")
    assert len(posts) == 3

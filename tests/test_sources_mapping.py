"""Declared mappings: their paths, their errors, Weibo's, files and pages."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon.errors import ConfigError, InputError, SourceError
from gnomon.sources.driver import drive
from gnomon.sources.mapped import MappedFile, MappedPages
from gnomon.sources.mapping import load, parse
from gnomon.sources.network import Network
from gnomon.sources.paths import Path
from source_servers import http_server

NOW = 1_772_900_000.0

FORUM = """
name = "forum"
[posts]
items = "$.result.posts[*]"
[fields]
id = "$.n"
text = { path = "$.body", as = "html" }
author = "$.by.name"
created_at = { path = "$.at", time = ["%d.%m.%Y %H:%M", "epoch"], zone = "+01:00" }
url = { template = "https://forum.example/{by.name}/{n}" }
reply_to = "$.parent"
links = "$.links[*].to"
lang = { const = "de" }
[counts]
likes = "$.stars"
[labels]
adult = { path = "$.flags.nsfw", is = true }
[extra]
tags = "$.tags[*]"
joined = { path = "$.by.since", time = "%d.%m.%Y", zone = "+01:00" }
[[refuse]]
path = "$.audience"
unless = ["all"]
reason = "its author shows it to members only"
[[delete]]
path = "$.state"
is = ["deleted", 3]
"""
PAGES = '[page]\nurl = "{url}"\nnext = "$.result.more"\n'


def row(n, **fields):
    return {
        "n": n,
        "body": f"<p>Fähre {n}</p>",
        "by": {"name": "ann", "since": "01.03.2026"},
        "at": "07.03.2026 10:30",
        "stars": n,
    } | fields


def read(source, cursor=None, allow=()):
    with Network(allow=allow, politeness_s=0.0, retries=0) as net:
        return list(drive(source, cursor, network=net))


def posts(batches):
    return [post for batch in batches for post in batch.posts]


def file_of(tmp_path, text, mapping=FORUM, name="x.json"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    declared = mapping if not isinstance(mapping, str) else parse(mapping, "forum.toml")
    return MappedFile(path, declared, now=lambda: NOW)


def test_where_the_list_stands_is_the_mappings_to_say(tmp_path):
    """Also under a name that other files keep their posts under; what leads nowhere is told."""
    mapping = FORUM.replace("$.result.posts[*]", "$.posts[*]")
    held = json.dumps({"posts": [row(1), row(2)]}, indent=1)
    assert [post.id for post in posts(read(file_of(tmp_path, held, mapping)))] == [
        "forum:1",
        "forum:2",
    ]
    (batch,) = read(file_of(tmp_path, held, FORUM))
    assert not batch.posts
    assert "nothing stands at $.result.posts[*]" in batch.set_aside[0].reason


# -- paths ----------------------------------------------------------------------------------------


def test_paths():
    value = {"a": {"b": [{"c": 1}, {"c": 2}, 7]}, "odd key": {"x": {"u": 3}, "y": {"u": 4}}}
    assert Path.parse("$.a.b[*].c").find(value) == [1, 2]
    assert Path.parse("a.b[1].c").first(value) == 2
    assert Path.parse("$['odd key'].*.u").find(value) == [3, 4]
    assert Path.parse("$").find(value) == [value]
    assert Path.parse("$.a.b.c[9].d").find(value) == []
    for wrong in ("$..a", "$.a[?(@.x)]", "$.a[-1]", "$.a b", "$.a[", "$x"):
        with pytest.raises(InputError, match="is no path"):
            Path.parse(wrong)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_says_why_not(text):
    with contextlib.suppress(InputError):
        Path.parse(text).find({"a": [1]})


# -- declarations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "forum"', 'name = "For um"', "name is 'For um'"),
        ('id = "$.n"', "", "fields.id is missing"),
        ('id = "$.n"', "id = 5", "fields.id is 5"),
        ('id = "$.n"', 'id = "$..n"', "fields.id: "),
        ('reply_to = "$.parent"', 'reply = "$.parent"', "fields.reply is no key"),
        ('as = "html"', 'as = "rtf"', "fields.text.as is 'rtf'"),
        ('zone = "+01:00" }\nurl', 'zone = "CET" }\nurl', "fields.created_at.zone is 'CET'"),
        ('"epoch"]', '"unix"]', "fields.created_at.time is 'unix'"),
        ('likes = "$.stars"', "likes = []", None),
        ('unless = ["all"]', "", "refuse[0] needs 'path' and one of"),
        ("[[delete]]", "[delete]", "delete is"),
        ('path = "$.state"', 'way = "$.state"', "delete[0].way is no key"),
        ("{n}", "{n..}", "fields.url.template"),
        ('name = "forum"', 'name = "forum', "not valid TOML"),
    ],
)
def test_errors_name_the_key(old, new, named):
    assert old in FORUM
    with pytest.raises(ConfigError) as caught:
        parse(FORUM.replace(old, new, 1), "forum.toml")
    assert str(caught.value).startswith("forum.toml")
    assert named is None or named in str(caught.value)


def test_a_row_becomes_a_post(tmp_path):
    full = row(5, parent=4, links=[{"to": "https://n.example/a"}], flags={"nsfw": False},
               tags=["schiff", 3], audience="all")  # fmt: skip
    (batch,) = read(file_of(tmp_path, json.dumps({"result": {"posts": [full]}})))
    (post,) = batch.posts
    assert (post.id, post.text, post.author) == ("forum:5", "Fähre 5", "ann")
    assert post.created_at == 1772875800.0
    assert post.url == "https://forum.example/ann/5"
    assert (post.reply_to, post.lang) == ("forum:4", "de")
    assert post.links == ("https://n.example/a",)
    assert post.counts == {"likes": 5}
    assert post.extra == {"tags": ["schiff"], "joined": "2026-02-28T23:00:00Z"}
    assert post.source == "forum:x.json"


def test_refused_deleted_and_strange_rows(tmp_path):
    rows = [
        row(1, audience="members"),
        row(2, state="deleted"),
        row(3, at="gestern"),
        row(4, flags={"nsfw": True}),
        row(5, body=["x"]),
        {"n": None},
        "no",
        row(8),
    ]
    (batch,) = read(file_of(tmp_path, json.dumps({"result": {"posts": rows}})))
    assert [post.id for post in batch.posts] == ["forum:8"]
    assert [deletion.post for deletion in batch.deletions] == ["forum:2"]
    reasons = " ".join(aside.reason for aside in batch.set_aside)
    for words in (
        "members only; it is not",
        "'gestern'",
        "labels it 'adult'",
        "'text' is",
        "'id' is",
    ):
        assert words in reasons


# -- Weibo ----------------------------------------------------------------------------------------


def weibo(n, text="渡轮九点开。", **fields):
    return {
        "id": n,
        "idstr": str(n),
        "mid": str(n),
        "created_at": "Sat Mar 07 17:30:00 +0800 2026",
        "text": text,
        "source": "iPhone",
        "user": {"id": 7, "idstr": "7", "screen_name": "王", "followers_count": "12"},
        "attitudes_count": 3,
        "reposts_count": 2,
        "comments_count": 1,
        "visible": {"type": 0},
    } | fields


@pytest.mark.parametrize(
    "wrap",
    [
        lambda rows: {"ok": 1, "data": {"cards": [{"card_type": 9, "mblog": r} for r in rows]}},
        lambda rows: {"data": {"list": rows}},
        lambda rows: {"statuses": rows},
        lambda rows: rows,
    ],
)
def test_weibo_in_its_shapes(tmp_path, wrap):
    inner = weibo(1, '<a href="/x">#渡轮#</a>开了<br/>')
    rows = [
        weibo(2, "转发微博", retweeted_status=inner),
        weibo(3, "真的吗", retweeted_status=inner),
    ]
    source = file_of(tmp_path, json.dumps(wrap(rows), ensure_ascii=False), load("weibo"))
    found = {post.id: post for post in posts(read(source))}
    assert set(found) == {"weibo:1", "weibo:2", "weibo:3"}
    assert found["weibo:1"].text == "#渡轮#开了"
    assert (found["weibo:2"].text, found["weibo:2"].repost_of) == ("", "weibo:1")
    assert (found["weibo:3"].text, found["weibo:3"].quotes) == ("真的吗", "weibo:1")
    assert found["weibo:1"].created_at == 1772875800.0
    assert found["weibo:1"].counts == {"likes": 3, "reposts": 2, "replies": 1, "followers": 12}
    assert found["weibo:1"].author == "王"


def test_weibo_that_is_not_public_or_gone(tmp_path):
    long = weibo(3, isLongText=True, longText={"longTextContent": "长文"}, deleted="0")
    rows = [weibo(1, visible={"type": 10}), weibo(2, deleted="1"), long]
    lines = "\n".join(json.dumps(one) for one in rows)
    (batch,) = read(file_of(tmp_path, lines, load("weibo"), "w.jsonl"))
    assert [post.text for post in batch.posts] == ["长文"]
    assert [deletion.post for deletion in batch.deletions] == ["weibo:2"]
    assert "visible.type" in batch.set_aside[0].reason


# -- files and pages ------------------------------------------------------------------------------


def test_a_file_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 3)
    lines = "\n".join(json.dumps(weibo(n)) for n in range(1, 20))
    (tmp_path / "w.jsonl").write_bytes(lines.encode())

    def source():
        return MappedFile(tmp_path / "w.jsonl", load("weibo"), now=lambda: NOW)

    whole = read(source())
    for cut in range(1, len(whole)):
        both = whole[:cut] + read(source(), whole[cut - 1].cursor)
        assert [post.id for post in posts(both)] == [post.id for post in posts(whole)]


def test_damaged_files(tmp_path):
    packed = gzip.compress(json.dumps(weibo(1)).encode() * 50)
    with pytest.raises(SourceError, match="ends early"):
        read(file_of(tmp_path, packed[:-20], load("weibo"), "x.json.gz"))
    (batch,) = read(file_of(tmp_path, '[{"id": 1,', load("weibo")))
    assert batch.set_aside


def pages_of(server, name="$.result.more", url="/posts?after={next}"):
    text = FORUM + f'[page]\nurl = "{server.url(url)}"\nnext = "{name}"\n'
    return MappedPages(parse(text, "forum.toml"), now=lambda: NOW)


@pytest.fixture
def server():
    with http_server() as state:
        state.pages["/robots.txt"] = (404, {}, b"")
        yield state


def test_pages_by_cursor(server):
    held = list(range(30, 0, -1))

    def answer(path):
        after = path.partition("after=")[2]
        rest = [n for n in held if not after or n < int(after)]
        page = rest[:10]
        more = page[-1] if len(rest) > 10 else None
        return {"result": {"posts": [row(n) for n in page], "more": more}}

    server.answer = answer
    whole = read(pages_of(server), allow=[server.authority])
    assert [post.id for post in posts(whole)] == [f"forum:{n}" for n in held]
    for cut in range(1, len(whole)):
        rest = read(pages_of(server), whole[cut - 1].cursor, [server.authority])
        found = {post.id for post in posts(whole[:cut] + rest)}
        assert found == {f"forum:{n}" for n in held}
    held[:0] = range(35, 30, -1)
    later = read(pages_of(server), whole[-1].cursor, [server.authority])
    assert [post.id for post in posts(later)] == [f"forum:{n}" for n in range(35, 25, -1)]


def test_pages_by_address(server):
    def answer(path):
        n = int(path.rpartition("/")[2] or 0)
        more = f"/posts/{n + 1}" if n < 3 else ""
        return {"result": {"posts": [row(10 - n)], "more": more}}

    server.answer = answer
    source = pages_of(server, url="/posts/0")
    assert len(posts(read(source, allow=[server.authority]))) == 4
    away = {"result": {"posts": [row(1)], "more": "https://else.example/x"}}
    server.answer = lambda path: away
    with pytest.raises(SourceError, match="is elsewhere"):
        read(pages_of(server, url="/posts/0"), allow=[server.authority])
    server.answer = lambda path: (500, {}, b"")
    with pytest.raises(SourceError):
        read(pages_of(server), allow=[server.authority])
    with pytest.raises(InputError, match=r"no \[page\]"):
        MappedPages(load("weibo"))

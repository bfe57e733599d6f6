"""Hacker News over a real local server that answers as its two APIs document."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.driver import drive
from gnomon.sources.hackernews import HackerNews, post_of
from gnomon.sources.network import Network
from source_servers import http_server

NOW = 1_772_900_000.0


def item(n, **fields):
    return {
        "id": n,
        "type": "comment",
        "by": "ann",
        "time": int(NOW) - 100_000 + n,
        "text": f"Comment number {n}",
        "parent": 1,
    } | fields


def story(n, **fields):
    about = {"type": "story", "title": f"Story {n}", "url": f"https://n.example/{n}", "score": 7}
    made = item(n, **about) | fields
    del made["text"], made["parent"]
    return made


class Site:
    """The official API over ``items``, and Algolia's search over those that are alive."""

    def __init__(self, server, items):
        self.items = {one["id"]: one for one in items}
        self.updates = []
        self.lists = {}
        self.search = True
        self.searched = 0
        server.answer = self.answer

    def answer(self, path):
        parts = urlsplit(path)
        if parts.path == "/v0/maxitem.json":
            return max(self.items)
        if parts.path == "/v0/updates.json":
            return {"items": self.updates, "profiles": ["ann"]}
        if parts.path.startswith("/v0/item/"):
            return self.items.get(int(parts.path[len("/v0/item/") : -len(".json")]))
        if parts.path == "/api/v1/search_by_date" and self.search:
            self.searched += 1
            return self.found(parse_qs(parts.query))
        name = parts.path[len("/v0/") : -len(".json")]
        return self.lists.get(name, (404, {}, b"null"))

    def found(self, query):
        low, high = re.findall(r"\d+", query["numericFilters"][0])
        hits = [
            {
                "objectID": str(one["id"]),
                "author": one["by"],
                "created_at_i": one["time"],
                "comment_text": one.get("text"),
                "title": one.get("title"),
                "parent_id": one.get("parent"),
                "_tags": [one["type"]],
            }
            for one in self.items.values()
            if int(low) <= one["time"] < int(high) and not one.get("dead")
        ]
        hits.sort(key=lambda hit: -hit["created_at_i"])
        return {"hits": hits[: int(query["hitsPerPage"][0])]}


@pytest.fixture
def server():
    with http_server() as state:
        yield state


def pull(server, cursor=None, what="", **options):
    source = HackerNews(what, api=server.url(""), search=server.url(""), now=lambda: NOW, **options)
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        return list(drive(source, cursor, network=net))


def ids(batches):
    return [int(post.id.removeprefix("hn:")) for batch in batches for post in batch.posts]


def test_items_as_posts():
    one = item(5, text='See <a href="https:&#x2F;&#x2F;a.example&#x2F;x" rel="nofollow">a.ex..</a>'
               "<p>Second &amp; last", parent=4)  # fmt: skip
    post = post_of(one, source="hn", fetched_at=NOW)
    assert post.text == "See a.ex..\n\nSecond & last"
    assert (post.id, post.reply_to, post.author) == ("hn:5", "hn:4", "ann")
    assert post.links == ("https://a.example/x",)
    assert post.url == "https://news.ycombinator.com/item?id=5"
    post = post_of(story(6, descendants=3), source="hn", fetched_at=NOW)
    assert (post.text, post.title) == ("Story 6", "")
    assert post.links == ("https://n.example/6",)
    assert post.counts == {"likes": 7, "replies": 3}
    ask = post_of(story(7) | {"text": "Why?", "url": None}, source="hn", fetched_at=NOW)
    assert (ask.text, ask.title) == ("Why?", "Story 7")
    with pytest.raises(InputError):
        post_of({"id": 1, "type": "spam"}, source="hn", fetched_at=NOW)


def test_the_newest_and_then_what_comes(server):
    site = Site(server, [item(n) for n in range(1, 400)])
    batches = pull(server, history=250)
    assert ids(batches) == list(range(150, 400))
    assert not site.searched
    site.items |= {n: item(n) for n in range(400, 450)}
    assert ids(pull(server, batches[-1].cursor)) == list(range(400, 450))


def test_every_cursor_is_a_place_to_go_on_from(server):
    Site(server, [item(n) for n in range(1, 400)])
    whole = pull(server, history=350)
    for cut in range(1, len(whole)):
        rest = pull(server, whole[cut - 1].cursor)
        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))


def test_a_long_pause_is_filled_from_the_search(server):
    site = Site(server, [item(n) for n in range(1, 10)])
    first = pull(server)
    site.items |= {n: item(n) for n in range(10, 5000)}
    batches = pull(server, first[-1].cursor)
    assert set(ids(batches)) >= set(range(10, 5000))
    assert site.searched >= 5
    assert not any(batch.gaps for batch in batches)
    for cut in range(1, len(batches)):
        rest = pull(server, batches[cut - 1].cursor)
        assert set(ids(batches[:cut])) | set(ids(rest)) >= set(range(10, 5000))


def test_what_the_search_does_not_give_is_a_gap(server):
    site = Site(server, [item(n) for n in range(1, 10)])
    first = pull(server)
    site.items |= {n: item(n) for n in range(10, 5000)}
    site.search = False
    source = HackerNews(api=server.url(""), search=server.url(""), now=lambda: NOW, every_s=0.01)
    batches = []
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        for batch in drive(source, first[-1].cursor, network=net):
            batches.append(batch)
            if 4999 in ids(batches):
                break
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert gap.start == int(NOW) - 100_000 + 9
    assert "does not answer" in gap.reason
    with pytest.raises(Unreachable):
        pull(server, first[-1].cursor)


def test_deleted_dead_and_edited_items(server):
    site = Site(server, [item(n) for n in range(1, 10)])
    site.items[3] = {"id": 3, "type": "comment", "deleted": True, "time": int(NOW)}
    first = pull(server)
    assert {deletion.post for b in first for deletion in b.deletions} == {"hn:3"}
    site.items[4]["dead"] = True
    site.items[5]["text"] = "Edited"
    site.updates = [4, 5, "x", 99]
    batches = pull(server, first[-1].cursor)
    (deletion,) = [deletion for batch in batches for deletion in batch.deletions]
    assert (deletion.post, deletion.reason) == ("hn:4", "killed by Hacker News (dead)")
    assert [post.text for batch in batches for post in batch.posts] == ["Edited"]


def test_an_item_that_cannot_be_read_yet_is_asked_for_again(server):
    site = Site(server, [item(n) for n in range(1, 10)])
    late = site.items.pop(5)
    first = pull(server)
    assert 5 not in ids(first)
    site.items[5] = late
    second = pull(server, first[-1].cursor)
    assert ids(second) == [5]
    assert json.loads(second[-1].cursor)["waiting"] == {}


def test_a_list_with_its_comments(server):
    site = Site(server, [story(1, kids=[2, 4]), item(2, kids=[3]), item(3, parent=2), item(4),
                         story(9)])  # fmt: skip
    site.lists["topstories"] = [1]
    batches = pull(server, what="top")
    assert ids(batches) == [1, 2, 3, 4]
    assert batches[0].source == "hn:top"
    site.lists["topstories"] = [9, 1]
    later = pull(server, batches[-1].cursor, what="top")
    assert ids(later) == [9]
    with pytest.raises(InputError, match="is no list"):
        HackerNews("worst")


@pytest.mark.parametrize(
    ("body", "error"),
    [(b'{"items": [', Unreachable), (b'"no"', SourceError), (b"null", SourceError)],
)
def test_answers_that_are_none(server, body, error):
    Site(server, [item(1)])
    server.pages["/v0/maxitem.json"] = (200, {}, body)
    with pytest.raises(error):
        pull(server)


def test_strange_items_do_not_stop_the_rest(server):
    site = Site(server, [item(n) for n in range(1, 8)])
    site.items |= {2: [1], 3: {"id": "x"}, 4: {"id": 4, "type": 9}, 5: item(5, text=["a"])}
    site.items[6] |= {"time": "soon", "kids": {"a": 1}, "by": 7}
    batches = pull(server)
    assert ids(batches) == [1, 6, 7]
    assert sum(len(batch.set_aside) for batch in batches) == 3

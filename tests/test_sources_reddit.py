"""Reddit over a real local server that answers as its API documents, and recorded responses."""

import json
import tarfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.driver import drive
from gnomon.sources.network import Network
from gnomon.sources.reddit import Reddit
from gnomon.sources.reddit_posts import NotPublicError, gone, post_of
from source_servers import http_server

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/reddit_api_praw.tar.gz"
NOW = 1_772_900_000.0


def submission(n, **fields):
    data = {
        "id": f"s{n}",
        "name": f"t3_s{n}",
        "title": f"Title {n}",
        "selftext": f"Words {n}",
        "is_self": True,
        "author": "ann",
        "subreddit": "ferries",
        "subreddit_type": "public",
        "created_utc": NOW - 100_000 + n,
        "permalink": f"/r/ferries/comments/s{n}/title/",
        "score": 5,
        "num_comments": 2,
        "edited": False,
        "over_18": False,
    }
    return {"kind": "t3", "data": data | fields}


def comment(n, parent="t3_s1", replies="", **fields):
    data = {
        "id": f"c{n}",
        "name": f"t1_c{n}",
        "body": f"Comment {n}",
        "author": "bob",
        "subreddit": "ferries",
        "link_id": "t3_s1",
        "parent_id": parent,
        "created_utc": NOW - 90_000 + n,
        "permalink": f"/r/ferries/comments/s1/title/c{n}/",
        "replies": replies,
    }
    return {"kind": "t1", "data": data | fields}


def listing(things, after=None):
    return {"kind": "Listing", "data": {"children": things, "after": after}}


class Site:
    def __init__(self, server, things):
        self.things = {one["data"]["name"]: one for one in things}
        self.tokens = 0
        self.pages = {}
        self.server = server
        server.answer = self.answer
        server.pages["/robots.txt"] = (404, {}, b"")

    def answer(self, path):
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v1/access_token":
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 3600}
        if parts.path in self.pages:
            return self.pages[parts.path]
        if parts.path == "/api/info":
            wanted = query["id"].split(",")
            return listing([self.things[name] for name in wanted if name in self.things])
        if parts.path.removesuffix(".json") not in ("/r/ferries/new", "/user/ann/overview"):
            return (404, {}, b'{"message": "Not Found", "error": 404}')
        newest = sorted(self.things.values(), key=lambda one: -one["data"]["created_utc"])[:1000]
        names = [one["data"]["name"] for one in newest]
        start = names.index(query["after"]) + 1 if "after" in query else 0
        page = newest[start : start + int(query["limit"])]
        more = start + len(page) < len(newest)
        return listing(page, page[-1]["data"]["name"] if more else None)


@pytest.fixture
def server():
    with http_server() as state:
        yield state


def pull(server, what="r/ferries", cursor=None, *, key="app:secret", now=NOW, **options):
    source = Reddit(what, key, api=server.url(""), site=server.url(""), now=lambda: now, **options)
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        return list(drive(source, cursor, network=net))


def names(batches):
    return [post.id.removeprefix("reddit:") for batch in batches for post in batch.posts]


def one(thing):
    return post_of(thing, source="reddit:r/x", fetched_at=NOW)


# -- what a post holds ----------------------------------------------------------------------------


def test_submissions():
    post = one(
        submission(
            1,
            selftext="Read [this](https://n.example/a?b=1&amp;c) or https://m.example/x.",
            edited=NOW - 5,
            author_fullname="t2_q",
            crosspost_parent="t3_zz",
            link_flair_text="News",
            spoiler=True,
        )
    )
    assert post.id == "reddit:t3_s1"
    assert (post.title, post.author, post.quotes) == ("Title 1", "ann", "reddit:t3_zz")
    assert post.links == ("https://n.example/a?b=1&c", "https://m.example/x")
    assert post.url == "https://www.reddit.com/r/ferries/comments/s1/title/"
    assert post.labels == ("spoiler",)
    assert post.counts == {"likes": 5, "replies": 2}
    assert post.extra == {
        "community": "ferries",
        "author_id": "t2_q",
        "edited_at": "2026-03-07T16:13:15Z",
        "tags": ["News"],
    }
    link = one(submission(2, selftext="", is_self=False, url="https://n.example/b", over_18=True))
    assert (link.text, link.title, link.links) == ("Title 2", "", ("https://n.example/b",))
    assert link.labels == ("adult",)
    picture = one(submission(3, selftext="", is_self=False, url="https://i.redd.it/x.jpg"))
    assert (picture.links, picture.media) == ((), ("https://i.redd.it/x.jpg",))


def test_comments():
    post = one(comment(7, "t1_c6", author="AutoModerator"))
    assert (post.id, post.reply_to, post.text) == ("reddit:t1_c7", "reddit:t1_c6", "Comment 7")
    assert post.extra["bot"] is True
    assert post.extra["thread"] == "t3_s1"


def test_what_is_not_public_or_no_longer_there():
    for fields in ({"subreddit_type": "private"}, {"quarantine": True}):
        with pytest.raises(NotPublicError, match="not taken in"):
            one(submission(1, **fields))
    assert gone(submission(1)) == gone(comment(1)) == ""
    assert gone(comment(1, body="[removed]")) == "removed by moderators or Reddit"
    assert gone(submission(1, selftext="[deleted]")) == "deleted by its author"
    assert gone(submission(1, removed_by_category="moderator")).startswith("removed")
    assert gone(comment(1, author="[deleted]")) == "its account was deleted"
    with pytest.raises(InputError):
        one({"kind": "t5", "data": {"name": "t5_x"}})


# -- listings -------------------------------------------------------------------------------------


def test_the_first_look_and_the_next(server):
    site = Site(server, [submission(n * 100) for n in range(250)])
    first = pull(server)
    assert len(names(first)) == 250
    assert [batch.source for batch in first] == ["reddit:r/ferries"] * 3
    site.things |= {f"t3_s{n * 100}": submission(n * 100) for n in range(250, 260)}
    later = pull(server, cursor=first[-1].cursor)
    assert {f"t3_s{n * 100}" for n in range(250, 260)} <= set(names(later))
    assert len(later) == 1
    assert site.tokens == 2
    headers = [seen.headers.get("authorization", "") for seen in server.seen]
    assert headers[0].startswith("Basic ")
    assert headers[1] == "Bearer token-1"
    assert server.seen[0].body == b"grant_type=client_credentials"


def test_every_cursor_is_a_place_to_go_on_from(server):
    Site(server, [submission(n) for n in range(450)])
    whole = pull(server)
    for cut in range(1, len(whole)):
        rest = pull(server, cursor=whole[cut - 1].cursor)
        assert set(names(whole[:cut])) | set(names(rest)) == set(names(whole))


def test_more_than_a_listing_holds_is_a_gap(server):
    site = Site(server, [submission(1)])
    first = pull(server)
    site.things |= {f"t3_s{n}": submission(n) for n in range(2000, 4000)}
    batches = pull(server, cursor=first[-1].cursor)
    (gap,) = [gap for batch in batches for gap in batch.gaps]
    assert (gap.start, gap.end) == (NOW - 99_999, NOW - 100_000 + 3000)


def test_deletions_and_edits_are_found_by_looking_again(server):
    site = Site(server, [submission(n * 1000) for n in range(5)])
    first = pull(server)
    del site.things["t3_s0"]
    site.things["t3_s1000"]["data"] |= {"selftext": "[removed]"}
    site.things["t3_s2000"]["data"] |= {"selftext": "Edited", "edited": NOW}
    site.things["t3_s3000"]["data"] |= {"quarantine": True}
    batches = pull(server, cursor=first[-1].cursor, now=NOW + 700)
    gone_ = {deletion.post for batch in batches for deletion in batch.deletions}
    assert gone_ == {"reddit:t3_s0", "reddit:t3_s1000", "reddit:t3_s3000"}
    edited = [post.text for b in batches for post in b.posts if post.id == "reddit:t3_s2000"]
    assert set(edited) == {"Edited"}
    site.things.clear()
    none = pull(server, cursor=first[-1].cursor, now=NOW + 700)
    assert not any(batch.deletions for batch in none)


def test_a_thread_with_what_is_folded_away(server):
    site = Site(server, [comment(8, "t1_c2"), comment(9, "t1_c2")])
    more = {"kind": "more", "data": {"children": ["c8", "c9"], "count": 2}}
    tree = comment(1, replies=listing([comment(2, "t1_c1", replies=listing([more]))]))
    site.pages["/comments/s1"] = [listing([submission(1)]), listing([tree])]
    found = names(pull(server, "r/ferries/comments/s1"))
    assert sorted(found) == ["t1_c1", "t1_c2", "t1_c8", "t1_c9", "t3_s1"]


def test_a_thread_nested_as_deep_as_json_goes(server):
    deep = ""
    for n in range(150, 0, -1):
        deep = listing([comment(n, f"t1_c{n - 1}", replies=deep)])
    site = Site(server, [])
    site.pages["/comments/s1"] = [listing([submission(1)]), deep]
    assert len(names(pull(server, "comments/s1"))) == 151


# -- without a key, and refusals ------------------------------------------------------------------


def test_without_a_key_robots_decide(server):
    Site(server, [submission(1)])
    assert names(pull(server, key="")) == ["t3_s1"]
    assert server.seen[-1].path.startswith("/r/ferries/new.json?")
    server.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
    with pytest.raises(SourceError, match=r"robots\.txt forbids.*reddit_key"):
        pull(server, key="")
    assert names(pull(server)) == ["t3_s1"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_page_for_people_means_a_key_is_wanted(server, status):
    site = Site(server, [])
    site.pages["/r/ferries/new.json"] = (status, {}, b"<!doctype html>Blocked")
    with pytest.raises((SourceError, Unreachable)) as caught:
        pull(server, key="")
    if status == 403:
        assert "reddit_key" in str(caught.value)


@pytest.mark.parametrize("reason", ["private", "quarantined", "banned"])
def test_communities_that_are_not_public(server, reason):
    site = Site(server, [])
    body = json.dumps({"reason": reason, "message": "Forbidden", "error": 403}).encode()
    site.pages["/r/ferries/new"] = (403 if reason != "banned" else 404, {}, body)
    with pytest.raises(SourceError, match="not taken in"):
        pull(server)


def test_a_token_that_ran_out_is_asked_for_again(server):
    site = Site(server, [submission(1)])
    answer = site.answer

    def strict(path):
        if path.startswith("/r/") and server.seen[-1].headers["authorization"] == "Bearer token-1":
            return (401, {}, b"{}")
        return answer(path)

    server.answer = strict
    assert names(pull(server)) == ["t3_s1"]
    assert site.tokens == 2
    server.answer = lambda path: (401, {}, b'{"error": 401}')
    with pytest.raises(SourceError, match="check reddit_key"):
        pull(server)
    assert "secret" not in repr(Reddit("r/ferries", "app:secret"))


def test_names_are_checked():
    for what in ("r/", "r/../x", "ferries", "r/a/comments/../../x", "u/a?b"):
        with pytest.raises(InputError, match="nothing of Reddit"):
            Reddit(what)


def test_strange_things_do_not_stop_the_rest(server):
    site = Site(server, [])
    things = ["no", None, {"kind": "t3"}, submission(1, selftext=5), submission(2), {"data": []},
              submission(3, created_utc="x", title=None, selftext="y"), comment(4, 7)]  # fmt: skip
    site.pages["/r/ferries/new"] = listing(things)
    batches = pull(server)
    assert names(batches) == ["t3_s2", "t3_s3", "t1_c4"]
    assert sum(len(batch.set_aside) for batch in batches) == 3


# -- recorded -------------------------------------------------------------------------------------


def recorded():
    if not RECORDED.exists():
        pytest.skip("the development data is not here")
    with tarfile.open(RECORDED) as tar:
        for member in tar:
            if member.isfile():
                cassette = json.load(tar.extractfile(member))
                for exchange in cassette["interactions"]:
                    body = exchange["response"]["body"].get("string", "")
                    yield exchange["request"]["uri"], body


def things_in(value):
    if isinstance(value, dict):
        if value.get("kind") in ("t1", "t3") and isinstance(value.get("data"), dict):
            yield value
        for inner in value.values():
            yield from things_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from things_in(inner)


def test_recorded_things():
    taken, tombs, refused = [], [], []
    for _, body in recorded():
        try:
            value = json.loads(body)
        except ValueError:
            continue
        for thing in things_in(value):
            if thing["data"].get("was_comment") is not None:
                continue  # a message to the account that recorded it
            if gone(thing):
                tombs.append(gone(thing))
                continue
            try:
                taken.append(one(thing))
            except NotPublicError as error:
                refused.append(str(error))
    assert len(taken) > 200
    assert all(post.created_at and post.author for post in taken)
    assert tombs


def test_a_recorded_thread_from_a_server(server):
    body = next(b for u, b in recorded() if "/comments/2gmzqe" in u)
    site = Site(server, [])
    site.pages["/comments/2gmzqe"] = (200, {}, body.encode())
    batches = pull(server, "comments/2gmzqe")
    wanted = {f"{t['kind']}_{t['data']['id']}" for t in things_in(json.loads(body)) if not gone(t)}
    assert set(names(batches)) == wanted
    assert len(wanted) > 2

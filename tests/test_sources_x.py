"""X by its API, its archives and recorded pages: a real local server, real .zip files."""

import gzip
import json
import tarfile
import time
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gnomon.errors import InputError, SourceError, Unreachable
from gnomon.sources.driver import drive
from gnomon.sources.network import Network
from gnomon.sources.x_api import XApi
from gnomon.sources.x_archive import XArchive, is_archive
from gnomon.sources.x_pages import XPages
from gnomon.sources.x_posts import EPOCH_MS, NotPublicError, Page, post_of
from source_servers import http_server

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/x_api_v2_twarc.tar.gz"
NOW = 1_772_900_000.0


def number(n):
    """The number of a post written ``n`` seconds after a day ago."""
    return str((int((NOW - 86400 + n) * 1000) - EPOCH_MS) << 22)


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def tweet(n, text=None, **fields):
    return {
        "id": number(n),
        "text": text or f"Ferry number {n}",
        "author_id": "9",
        "created_at": iso(NOW - 86400 + n),
        "lang": "en",
        "edit_history_tweet_ids": [number(n)],
        "public_metrics": {"like_count": 3, "retweet_count": 1, "impression_count": 99},
    } | fields


USER = {
    "id": "9",
    "username": "ann",
    "name": "Ann",
    "created_at": "2011-07-17T13:48:53.000Z",
    "protected": False,
    "public_metrics": {"followers_count": 12},
}


def page(*tweets, users=(USER,), token=None, **includes):
    meta = {"result_count": len(tweets)} | ({"next_token": token} if token else {})
    return {"data": list(tweets), "includes": {"users": list(users), **includes}, "meta": meta}


def posts(value):
    found = Page.read(value)
    return [post_of(one, found, source="x:t", fetched_at=NOW) for one in found.newest()]


# -- what a post holds ----------------------------------------------------------------------------


def test_a_post_with_everything():
    quoted = tweet(1, "The bridge is shut.", author_id="7")
    other = USER | {"id": "7", "username": "bob"}
    link = {
        "url": "https://t.co/a",
        "expanded_url": "https://n.example/a",
        "unwound_url": "https://n.example/a?full=1",
        "display_url": "n.example/a",
        "title": "Bridge",
        "description": "Shut until May",
    }
    picture = {"url": "https://t.co/p", "expanded_url": "https://x.com/ann/status/2/photo/1",
               "display_url": "pic.x.com/p", "media_key": "3_1"}  # fmt: skip
    inside = {"url": "https://t.co/q", "display_url": "x.com/bob/st…",
              "expanded_url": f"https://x.com/bob/status/{number(1)}"}  # fmt: skip
    full = tweet(
        2,
        "Read &amp; weep https://t.co/a #ferry @bob https://t.co/p https://t.co/q",
        entities={
            "urls": [link, picture, inside],
            "hashtags": [{"tag": "ferry"}],
            "mentions": [{"username": "bob"}],
        },
        attachments={"media_keys": ["3_1", "7_1"], "poll_ids": ["p1"]},
        referenced_tweets=[
            {"type": "quoted", "id": number(1)},
            {"type": "replied_to", "id": "55"},
        ],
        possibly_sensitive=True,
        conversation_id="55",
    )
    media = [
        {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg", "alt_text": "It"},
        {"media_key": "7_1", "type": "video", "preview_image_url": "https://pbs.example/2.jpg",
         "variants": [{"content_type": "video/mp4", "bit_rate": 2, "url": "https://v.example/2"},
                      {"content_type": "video/mp4", "bit_rate": 9, "url": "https://v.example/9"},
                      {"content_type": "application/x-mpegURL", "url": "https://v.example/m"}]},
    ]  # fmt: skip
    polls = [{"id": "p1", "options": [{"label": "Yes"}, {"label": "No"}]}]
    post, second = posts(page(full, users=[USER, other], tweets=[quoted], media=media, polls=polls))
    assert post.text == "Read & weep https://n.example/a #ferry @bob"
    assert (post.id, post.author, post.lang) == (f"x:{number(2)}", "ann", "en")
    assert (post.quotes, post.reply_to) == (f"x:{number(1)}", "x:55")
    assert post.links == ("https://n.example/a?full=1",)
    assert post.media == ("https://pbs.example/1.jpg", "https://v.example/9")
    assert post.labels == ("sensitive", "adult")
    assert post.counts == {"likes": 3, "reposts": 1, "views": 99, "followers": 12}
    assert post.extra == {
        "name": "Ann",
        "author_id": "9",
        "account_created_at": "2011-07-17T13:48:53Z",
        "thread": "x:55",
        "tags": ["ferry"],
        "mentions": ["bob"],
        "alt": ["It"],
        "card": {"title": "Bridge", "description": "Shut until May"},
        "poll": ["Yes", "No"],
    }
    assert (second.author, second.text) == ("bob", "The bridge is shut.")


def test_reposts_long_posts_and_edits():
    original = tweet(1)
    repost = tweet(2, "RT @ann: Ferry", referenced_tweets=[{"type": "retweeted", "id": number(1)}])
    first, second = posts(page(repost, tweets=[original]))
    assert (first.text, first.repost_of) == ("", f"x:{number(1)}")
    assert second.id == first.repost_of
    (long,) = posts(page(tweet(3, "Begin…", note_tweet={"text": "Begin and end"})))
    assert long.text == "Begin and end"
    history = [number(4), number(5)]
    older = tweet(4, "Old words", edit_history_tweet_ids=history)
    newer = tweet(5, "New words", edit_history_tweet_ids=history)
    (post,) = posts(page(newer, tweets=[older]))
    assert (post.id, post.text) == (f"x:{number(4)}", "New words")
    assert post.extra["versions"] == history
    assert post.extra["edited_at"]


def test_what_is_not_public():
    with pytest.raises(NotPublicError, match="protected"):
        posts(page(tweet(1), users=[USER | {"protected": True}]))
    with pytest.raises(NotPublicError, match="withheld by law in DE, FR"):
        posts(page(tweet(1, withheld={"country_codes": ["DE", "FR"]})))
    with pytest.raises(NotPublicError, match="its account is withheld"):
        posts(page(tweet(1), users=[USER | {"withheld": {"country_codes": ["TR"]}}]))


# -- the API --------------------------------------------------------------------------------------


class Site:
    def __init__(self, server, tweets):
        self.tweets = {one["id"]: one for one in tweets}
        self.user = USER
        self.asked = []
        server.answer = self.answer

    def answer(self, path):
        parts = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, query))
        if parts.path == "/2/users/by/username/ann":
            return {"data": self.user} if self.user else {"errors": [{"detail": "No such user"}]}
        if parts.path == "/2/tweets":
            wanted = query["ids"].split(",")
            kind = "https://api.twitter.com/2/problems/resource-not-found"
            errors = [{"resource_type": "tweet", "resource_id": one, "type": kind}
                      for one in wanted if one not in self.tweets]  # fmt: skip
            return page(*(self.tweets[one] for one in wanted if one in self.tweets)) | {
                "errors": errors
            }
        if parts.path not in ("/2/users/9/tweets", "/2/tweets/search/recent"):
            return (404, {}, b"{}")
        ids = sorted(self.tweets, key=int, reverse=True)
        ids = [one for one in ids if int(one) > int(query.get("since_id", 0))]
        token = query.get("pagination_token") or query.get("next_token") or "t0"
        at = int(token[1:])
        part = ids[at : at + int(query["max_results"])]
        more = f"t{at + len(part)}" if at + len(part) < len(ids) else None
        return page(*(self.tweets[one] for one in part), token=more)


@pytest.fixture
def server():
    with http_server() as state:
        yield state


def pull(server, what="from:ann", cursor=None, *, now=NOW, **options):
    source = XApi(what, "bearer-1", api=server.url(""), now=lambda: now, **options)
    with Network(allow=[server.authority], politeness_s=0.0, retries=0) as net:
        return list(drive(source, cursor, network=net))


def ids(batches):
    return [post.id.removeprefix("x:") for batch in batches for post in batch.posts]


@pytest.mark.parametrize("what", ["from:ann", "search:ferry lang:en"])
def test_the_first_look_and_the_next(server, what):
    site = Site(server, [tweet(n) for n in range(350)])
    first = pull(server, what, history_pages=3)
    assert ids(first) == [number(n) for n in range(349, 49, -1)]
    assert first[0].source == f"x:{what}"
    site.tweets |= {number(n): tweet(n) for n in range(350, 360)}
    later = pull(server, what, first[-1].cursor)
    assert set(ids(later)) == {number(n) for n in range(350, 360)}
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer bearer-1"}
    assert "bearer-1" not in repr(XApi(what, "bearer-1"))


def test_every_cursor_is_a_place_to_go_on_from(server):
    Site(server, [tweet(n) for n in range(450)])
    whole = pull(server, history_pages=9)
    for cut in range(1, len(whole)):
        rest = pull(server, cursor=whole[cut - 1].cursor, history_pages=9)
        assert set(ids(whole[:cut])) | set(ids(rest)) == set(ids(whole))


def test_what_is_not_reached_is_a_gap(server):
    site = Site(server, [tweet(1)])
    first = pull(server)
    site.tweets |= {number(n): tweet(n) for n in range(2, 500)}
    (gap,) = [gap for b in pull(server, cursor=first[-1].cursor, most_pages=2) for gap in b.gaps]
    assert (gap.start, gap.end) == (NOW - 86400 + 1, NOW - 86400 + 300)
    week = 7 * 86400
    first = pull(server, "search:ferry")
    (gap,) = [
        gap
        for b in pull(server, "search:ferry", first[-1].cursor, now=NOW + week)
        for gap in b.gaps
    ]
    assert "seven days" in gap.reason
    assert gap.end == NOW + 3600


def test_deletions_and_closed_accounts(server):
    site = Site(server, [tweet(n) for n in range(4)])
    first = pull(server)
    del site.tweets[number(1)]
    site.tweets[number(2)] = tweet(2, withheld={"country_codes": ["XX"]})
    batches = pull(server, cursor=first[-1].cursor, now=NOW + 7 * 3600)
    gone = {deletion.post for batch in batches for deletion in batch.deletions}
    assert gone == {f"x:{number(1)}", f"x:{number(2)}"}


def test_refusals_say_what_to_do(server):
    site = Site(server, [])
    site.user = USER | {"protected": True}
    with pytest.raises(SourceError, match="protected, not public"):
        pull(server)
    site.user = None
    with pytest.raises(SourceError, match="knows no account @ann"):
        pull(server)
    body = json.dumps({"title": "Forbidden", "detail": "client-not-enrolled"}).encode()
    for status, words in ((401, "check x_key"), (403, "client-not-enrolled"), (402, "your plan")):
        server.answer = lambda path, status=status: (status, {}, body)
        with pytest.raises(SourceError, match=words):
            pull(server)
    server.answer = lambda path: (429, {"x-rate-limit-reset": str(int(time.time()) + 5000)}, b"{}")
    with pytest.raises(Unreachable) as caught:
        pull(server)
    assert caught.value.retry_after_s is not None
    with pytest.raises(InputError, match="x_key"):
        XApi("from:ann")
    with pytest.raises(InputError, match="nothing of X"):
        XApi("from:a/b", "k")


@pytest.mark.parametrize("body", [b'{"data": [{"id"', b"[]", b"<html>"])
def test_answers_that_are_none(server, body):
    server.answer = lambda path: (200, {}, body)
    with pytest.raises((SourceError, Unreachable)):
        pull(server, "search:x")


def test_strange_posts_do_not_stop_the_rest(server):
    Site(server, [])
    value = page(tweet(1), tweet(2, entities=[], attachments="x", public_metrics=5), users=["x"])
    value["data"] += ["no", {"id": "x", "text": "y"}, {"id": "5", "text": 7}, {}]
    server.answer = lambda path: value
    (batch,) = pull(server, "search:x")
    assert len(batch.posts) == 2
    assert len(batch.set_aside) == 3


# -- the archive ----------------------------------------------------------------------------------


def old(n, text=None, **fields):
    return {
        "tweet": {
            "id_str": number(n),
            "id": number(n),
            "full_text": text or f"Ferry number {n}",
            "created_at": time.strftime("%a %b %d %H:%M:%S +0000 %Y", time.gmtime(NOW + n)),
            "lang": "en",
            "favorite_count": "3",
            "retweet_count": "0",
            "entities": {"urls": [], "hashtags": []},
            "edit_info": {"initial": {"editTweetIds": [number(n)]}},
        }
        | fields
    }


def js(name, items, part=0):
    return f"window.YTD.{name}.part{part} = " + json.dumps(items, indent=1)


def archive_files(**more):
    account = {"username": "ann", "accountId": "9", "accountDisplayName": "Ann",
               "createdAt": "2011-07-17T13:48:53.000Z"}  # fmt: skip
    return {
        "data/account.js": js("account", [{"account": account}]),
        "data/tweets.js": js("tweets", [old(n) for n in range(5)]),
        "data/tweets-part1.js": js("tweets", [old(n) for n in range(5, 9)], 1),
        "data/deleted-tweets.js": js("deleted_tweets", [old(77)]),
        "data/direct-messages.js": js("direct_messages", [{"secret": 1}]),
        "data/twitter-circle-tweet.js": js("circle", [old(66, "circle")]),
    } | more


def write_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return path


def write_folder(path, files):
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def read(source, cursor=None):
    with Network() as net:
        return list(drive(source, cursor, network=net))


def archive(path, cursor=None, **options):
    return read(XArchive(path, now=lambda: NOW + 100, **options), cursor)


@pytest.mark.parametrize("write", [write_zip, write_folder])
def test_an_archive(tmp_path, write):
    path = write(tmp_path / "twitter-2026", archive_files())
    assert is_archive(path)
    batches = archive(path)
    assert set(ids(batches)) == {number(n) for n in range(9)}
    (deletion,) = [deletion for batch in batches for deletion in batch.deletions]
    assert deletion.post == f"x:{number(77)}"
    post = next(post for batch in batches for post in batch.posts)
    assert post.author == "ann"
    assert post.url.startswith("https://x.com/ann/status/")
    assert post.extra["account_created_at"] == "2011-07-17T13:48:53Z"
    assert ids(archive(path, batches[-1].cursor)) == []
    assert not is_archive(tmp_path)


def test_an_archive_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 2)
    path = write_zip(tmp_path / "a.zip", archive_files())
    whole = archive(path)
    assert len(whole) > 4
    for cut in range(1, len(whole)):
        rest = archive(path, whole[cut - 1].cursor)
        assert sorted(ids(whole[:cut]) + ids(rest)) == sorted(ids(whole))


def test_long_and_edited_posts_of_an_archive(tmp_path):
    long = "This is how a long post begins, and it goes on and on for more than the old limit, " * 6
    note = {"noteTweet": {"noteTweetId": "1", "core": {"text": long.strip()}}}
    both = {"initial": {"editTweetIds": [number(2), number(3)]}}
    tweets = [
        old(1, long[:250] + "…"),
        old(2, "Old words", edit_info=both),
        old(3, "New words", edit_info={"edit": {"editControlInitial": both["initial"]}}),
    ]
    files = archive_files() | {
        "data/tweets.js": js("tweets", tweets),
        "data/note-tweet.js": js("note_tweet", [note]),
    }
    del files["data/tweets-part1.js"]
    batches = archive(write_zip(tmp_path / "a.zip", files))
    first, second = [post for batch in batches for post in batch.posts]
    assert first.text == long.strip()
    assert (second.id, second.text) == (f"x:{number(2)}", "New words")


def test_a_protected_account_is_refused(tmp_path):
    changes = (("2021-01-01", "Protect"), ("2020-01-01", "Unprotect"))
    history = [{"protectedHistory": {"protectedAt": at, "action": act}} for at, act in changes]
    files = archive_files() | {"data/protected-history.js": js("protected_history", history)}
    with pytest.raises(SourceError, match="protected"):
        archive(write_zip(tmp_path / "a.zip", files))


def test_hostile_archives(tmp_path):
    bomb = archive_files() | {"data/tweets.js": "[" + " " * 50_000_000}
    with pytest.raises(SourceError, match="unpacks from"):
        archive(write_zip(tmp_path / "bomb.zip", bomb))
    outside = archive_files() | {"../../../data/tweets.js": js("tweets", [old(50)])}
    batches = archive(write_zip(tmp_path / "outside.zip", outside))
    assert number(50) in ids(batches)  # read from the .zip: nothing is ever written to disk
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bomb.zip", "outside.zip"]
    whole = write_zip(tmp_path / "cut.zip", archive_files()).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-300])
    with pytest.raises(SourceError):
        archive(tmp_path / "cut.zip")
    damaged = bytearray(whole)
    at = whole.index(b"data/tweets.js") + 40
    damaged[at : at + 20] = b"\xff" * 20
    (tmp_path / "damaged.zip").write_bytes(damaged)
    with pytest.raises(SourceError):
        archive(tmp_path / "damaged.zip")
    strange = archive_files() | {
        "data/tweets.js": js("tweets", [1, {"tweet": {"id_str": [], "full_text": 5}}, old(3), {}]),
        "data/tweets-part1.js": "window.YTD = {",
    }
    batches = archive(write_zip(tmp_path / "strange.zip", strange))
    assert ids(batches) == [number(3)]
    assert sum(len(batch.set_aside) for batch in batches) == 4


# -- recorded pages -------------------------------------------------------------------------------


def recorded(name):
    if not RECORDED.exists():
        pytest.skip("the development data is not here")
    with tarfile.open(RECORDED) as tar:
        member = next(one for one in tar if one.name.endswith(name))
        return tar.extractfile(member).read()


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("noflat.jsonl", 100),
        ("flat.jsonl", 100),
        ("2sets.jsonl", 150),
        ("brexit.jsonl", 50),
        ("media_tweet.jsonl", 1),
        ("many_urls.jsonl", 1),
        ("mentions_tweet.jsonl", 1),
        ("verified_type.jsonl", 1),
        ("media_policy_violation_on.jsonl", 10),
    ],
)
def test_recorded_pages(tmp_path, name, least):
    path = tmp_path / name
    path.write_bytes(recorded(name))
    batches = read(XPages(path))
    found = [post for batch in batches for post in batch.posts]
    assert len({post.id for post in found}) >= least
    assert all(post.author and post.created_at for post in found)
    if "violation" not in name:  # those posts lack the entities of their pictures
        assert not any("https://t.co/" in post.text for post in found if "…" not in post.text)
    asides = [aside.reason for batch in batches for aside in batch.set_aside]
    known = ("adult", "protected", "withheld", "no text")
    assert all(any(word in reason for word in known) for reason in asides)
    whole = [post for post in found if post.repost_of]
    assert not whole or {post.repost_of for post in whole} & {post.id for post in found}


def test_a_recorded_edit(tmp_path):
    for name in ("edited_before.jsonl", "edited_after.jsonl"):
        (tmp_path / name).write_bytes(recorded(name))
    before = read(XPages(tmp_path / "edited_before.jsonl"))[0].posts
    after = read(XPages(tmp_path / "edited_after.jsonl"))[0].posts
    shared = {post.id for post in before} & {post.id for post in after}
    assert shared == {"x:1576994746135764992"}


def test_recorded_compliance(tmp_path):
    path = tmp_path / "tweets.jsonl"
    path.write_bytes(recorded("tweets_compliance.jsonl"))
    deletions = [deletion for batch in read(XPages(path)) for deletion in batch.deletions]
    assert [(one.post, one.reason) for one in deletions] == [
        ("x:1170025343920402432", "its account is protected now"),
        ("x:1170147183095664640", "its author deactivated the account"),
    ]
    path.write_bytes(recorded("users_compliance.jsonl"))
    (batch,) = read(XPages(path))
    assert not batch.deletions
    assert all("account's number" in aside.reason for aside in batch.set_aside)


def test_pages_from_a_server(server):
    """Recorded pages through the API source, one after another."""
    pages = [json.loads(line) for line in recorded("2sets.jsonl").splitlines() if line.strip()]
    for one in pages:
        one["meta"].pop("next_token", None)
    pages[0]["meta"]["next_token"] = "second"
    later = NOW
    server.answer = lambda path: pages["next_token=second" in path]
    batches = pull(server, "search:x", now=later)
    assert len(set(ids(batches))) > 150


def test_lines_that_are_none(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"data": {"id"\n{"hello": 1}\n' + json.dumps(page(tweet(1))).encode())
    (batch,) = read(XPages(path))
    assert len(batch.posts) == 1
    assert len(batch.set_aside) == 2
    packed = gzip.compress((json.dumps(page(tweet(1))) + "\n").encode() * 3000)
    cut = tmp_path / "x.jsonl.gz"
    cut.write_bytes(packed[:-200])
    source = XPages(cut)
    batches = []
    with Network() as net, pytest.raises(SourceError, match="ends early"):
        batches.extend(drive(source, None, network=net))
    assert len(batches[0].posts) > 500

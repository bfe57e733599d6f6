"""What an owner types, as sources."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from gnomon.config import Config, load
from gnomon.errors import ConfigError, InputError
from gnomon.ingest import ingest
from gnomon.sources.files import Files
from gnomon.sources.hackernews import HackerNews
from gnomon.sources.mailbox import Mailbox
from gnomon.sources.mapped import MappedFile, MappedPages
from gnomon.sources.mapping import parse
from gnomon.sources.mastodon import Mastodon
from gnomon.sources.network import Network
from gnomon.sources.pages import Page, Sitemap
from gnomon.sources.reddit import Reddit
from gnomon.sources.specs import Access, make_sources, settled
from gnomon.sources.stackexchange import StackExchange
from gnomon.sources.x_api import XApi
from gnomon.sources.x_archive import XArchive
from gnomon.sources.zim import Zim
from gnomon.store.memory import MemoryStore
from source_servers import http_server

MAPPING = 'name = "forum"\n[fields]\nid = "$.n"\ntext = "$.body"\n'


def made(spec, **options):
    (source,) = make_sources(spec, **options)
    return source


@pytest.mark.parametrize(
    ("spec", "server", "what"),
    [
        ("mastodon:mastodon.social", "https://mastodon.social", "public"),
        ("mastodon:mastodon.social/local", "https://mastodon.social", "local"),
        ("mastodon:https://a.example/public/local", "https://a.example", "local"),
        ("mastodon:https://a.example/tags/Fähre", "https://a.example", "tags/Fähre"),
        ("mastodon:a.example/@ann@b.example", "https://a.example", "@ann@b.example"),
    ],
)
def test_mastodon(spec, server, what):
    source = made(spec, access=Access(mastodon=("b.example=no", "a.example = t-1")), every_s=9)
    assert isinstance(source, Mastodon)
    assert (source.server, source.what, source.every_s) == (server, what, 9)
    assert source.token == ("t-1" if "a.example" in server else "")


def test_networks_by_name():
    assert isinstance(made("hn"), HackerNews)
    assert made("hn:newest").name == "hn:newest"
    reddit = made("reddit:r/science", access=Access(reddit="id:secret"))
    assert isinstance(reddit, Reddit)
    assert reddit.key == "id:secret"
    x = made("x:from:ann", access=Access(x="bearer"))
    assert isinstance(x, XApi)
    assert x.key == "bearer"
    with pytest.raises(InputError, match="x_key"):
        made("x:from:ann")
    assert isinstance(made("page:https://a.example/x"), Page)
    assert isinstance(made("sitemap:https://a.example"), Sitemap)
    assert made("feed:https://a.example/f").name == "feed:https://a.example/f"
    assert "secret" not in repr(Access(("a=secret",), "secret", "secret"))


@pytest.mark.parametrize(
    "spec",
    [
        "mastodon:",
        "mastodon:a b",
        "hn:worst",
        "reddit:science",
        "x:ann",
        "page:town",
        "zim:none.zim",
        "weibo:none.json",
        "gopher:x",
        "http://[::1",
        "https://",
        "feed:http://a.example:99999/",
    ],
)
def test_what_means_nothing(spec):
    with pytest.raises(InputError):
        made(spec, access=Access(x="k"))


def test_files_are_told_by_what_they_are(tmp_path):
    with zipfile.ZipFile(tmp_path / "any.zip", "w") as packed:
        packed.writestr("data/account.js", "window.YTD.account.part0 = []")
    (tmp_path / "archive/data").mkdir(parents=True)
    (tmp_path / "archive/data/account.js").write_text("window.YTD.account.part0 = []")
    (tmp_path / "any.bin").write_bytes(b"ZIM\x04rest")
    (tmp_path / "list").write_bytes(b"From a@b Sat Mar  7 10:30:00 2026\nFrom: a\n\nx\n")
    (tmp_path / "p.xml").write_text('<posts>\n<row Id="1" PostTypeId="1"/></posts>')
    (tmp_path / "box/cur").mkdir(parents=True)
    (tmp_path / "box/new").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"text": "x"}\n')
    kinds = {
        "any.zip": XArchive,
        "archive": XArchive,
        "any.bin": Zim,
        "list": Mailbox,
        "box": Mailbox,
        "p.xml": StackExchange,
        "rows.jsonl": Files,
        ".": Files,
    }
    for name, kind in kinds.items():
        assert isinstance(made(str(tmp_path / name)), kind), name
    assert isinstance(made(f"mail:{tmp_path}/rows.jsonl"), Mailbox)


def test_mappings(tmp_path):
    (tmp_path / "m.toml").write_text(MAPPING)
    (tmp_path / "pages.toml").write_text(MAPPING + '[page]\nurl = "https://a.example/p"\n')
    (tmp_path / "x.json").write_text(json.dumps({"n": 1, "body": "x"}))
    for spec, options in (
        (f"json:{tmp_path}/x.json --map {tmp_path}/m.toml", {}),
        (f"{tmp_path}/x.json --map={tmp_path}/m.toml", {}),
        (f"{tmp_path}/x.json", {"mapping": f"{tmp_path}/m.toml"}),
    ):
        source = made(spec, **options)
        assert isinstance(source, MappedFile)
        assert source.declared.name == "forum"
    assert made(f"weibo:{tmp_path}/x.json").declared.name == "weibo"
    assert isinstance(made(f"map:{tmp_path}/pages.toml"), MappedPages)
    with pytest.raises(InputError, match="--map FILE"):
        made(f"json:{tmp_path}/x.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        made(f"json:{tmp_path}/x.json --map none.toml")


def test_settled_specs_mean_the_same_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_text("{}")
    assert settled("x.json") == f"{tmp_path}/x.json"
    assert settled("weibo:x.json") == f"weibo:{tmp_path}/x.json"
    assert settled("x.json --map m.toml") == f"{tmp_path}/x.json --map {tmp_path}/m.toml"
    assert settled("x.json --map weibo") == f"{tmp_path}/x.json --map weibo"
    for spec in ("hn", "mastodon:a.example/tags/x", "https://a.example/f", "x:search:a b"):
        assert settled(spec) == spec


def test_keys_are_settings_that_are_not_shown(tmp_path):
    config = load(tmp_path, {"GNOMON_MASTODON_KEY": "a.example=s1,b.example=s2"})
    assert config.mastodon_key == ("a.example=s1", "b.example=s2")
    names = {"mastodon_key", "reddit_key", "x_key", "brave_key"}
    assert names <= set(Config.__dataclass_fields__)
    assert "s1" not in repr(config)


def test_the_mapping_in_the_documentation_is_one():
    text = (Path(__file__).parent.parent / "docs/sources.md").read_text(encoding="utf-8")
    (block,) = [
        one for one in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[fields]" in one
    ]
    declared = parse(block, "docs/sources.md")
    assert declared.name == "forum"
    assert declared.url


def test_what_is_taken_in_edited_and_deleted_reaches_the_store(tmp_path):
    from test_sources_mastodon import NOW, Instance, status

    with http_server() as server:
        instance = Instance(server, [status(n) for n in range(4)])
        spec = f"mastodon:{server.url('')}"
        store = MemoryStore()

        def pull(now):
            source = made(spec)
            source.now = lambda: now
            source._asker.now = source.now
            with Network(allow=[server.authority], politeness_s=0.0) as network:
                return ingest(source, store, network=network)

        assert pull(NOW).added == 4
        own = {n: f"mastodon:{server.authority}/{status(n)['id']}" for n in range(5)}
        del instance.statuses[status(1)["id"]]
        instance.post(status(2, "<p>No ferry.</p>"), status(4))
        report = pull(NOW + 700)
        assert (report.added, report.edited, report.deleted) == (1, 1, 1)
        assert store.get(own[1]) is None
        assert store.get(own[2]).text == "No ferry."
        assert store.revisions(own[2])[0].text == "Ferries run again."
        assert "no longer there" in store.tombstone(own[1])
        assert pull(NOW + 700).added == 0

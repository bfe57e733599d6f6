"""ZIM files that libzim itself writes."""

import json
import subprocess
import sys

import pytest

from gnomon.errors import SourceError
from gnomon.sources.driver import drive
from gnomon.sources.network import Network
from gnomon.sources.zim import MAGIC, Zim

pytest.importorskip("libzim", reason="the extra gnomon[zim] is not installed")
NOW = 1_772_900_000.0
# The writer, too, is GPL code: in a process of its own.
WRITER = """
import json, sys
from libzim.writer import Creator, Hint, Item, StringProvider
class Article(Item):
    def __init__(self, path, title, html):
        super().__init__()
        self.path, self.title, self.html = path, title, html
    def get_path(self): return self.path
    def get_title(self): return self.title
    def get_mimetype(self): return "text/html" if "<" in self.html else "text/css"
    def get_contentprovider(self): return StringProvider(self.html)
    def get_hints(self): return {Hint.FRONT_ARTICLE: True}
path, articles, about = json.loads(sys.stdin.read())
with Creator(path).config_indexing(False, "eng") as made:
    for article in articles:
        made.add_item(Article(*article))
    made.add_redirection("Old", "Old", articles[0][0], {})
    for key, value in about.items():
        made.add_metadata(key, value)
"""
ABOUT = {
    "Name": "ships_en",
    "Title": "Ships",
    "Language": "eng",
    "Date": "2026-01-02",
    "Creator": "Wikipedia",
    "Source": "en.wikipedia.org",
    "License": "CC BY-SA 4.0",
}


def write(path, articles, **about):
    sent = json.dumps([str(path), articles, ABOUT | about])
    subprocess.run([sys.executable, "-c", WRITER], input=sent, text=True, check=True,
                   capture_output=True)  # fmt: skip
    return path


def article(n, text="is a ship that runs on the river every day of the year."):
    body = f"<h1>Ferry {n}</h1><p>Ferry {n} {text}</p>"
    return [f"Ferry_{n}", f"Ferry {n}", f"<html><body>{body}</body></html>"]


def read(path, cursor=None):
    with Network() as net:
        return list(drive(Zim(path, now=lambda: NOW), cursor, network=net))


def test_articles(tmp_path):
    path = write(tmp_path / "ships_2026-01.zim", [article(1), article(2), ["s.css", "", "x{}"]])
    (batch,) = read(path)
    first, second = batch.posts
    assert first.id == "zim:ships_en/Ferry_1"
    assert "is a ship that runs" in first.text
    assert (first.title, first.author, first.lang) == ("Ferry 1", "Wikipedia", "en")
    assert first.url == "https://en.wikipedia.org/wiki/Ferry_1"
    assert first.created_at == 1767312000.0
    assert first.extra == {"collection": "Ships", "license": "CC BY-SA 4.0"}
    assert second.source == "zim:ships_2026-01"
    assert path.read_bytes().startswith(MAGIC)
    assert read(path, batch.cursor)[0].posts == ()


def test_it_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 4)
    path = write(tmp_path / "a.zim", [article(n) for n in range(15)])
    whole = read(path)
    for cut in range(1, len(whole)):
        both = [post.id for batch in whole[:cut] + read(path, whole[cut - 1].cursor)
                for post in batch.posts]  # fmt: skip
        assert both == [post.id for batch in whole for post in batch.posts]
    with Network() as net:  # left in the middle: the reader's process ends, too
        steps = drive(Zim(path), None, network=net)
        next(steps)
        steps.close()


def test_a_newer_file_brings_edits(tmp_path):
    first = read(write(tmp_path / "a_2026-01.zim", [article(1)]))[0].posts[0]
    newer = write(tmp_path / "a_2026-02.zim", [article(1, "was a ship.")], Date="2026-02-02")
    second = read(newer)[0].posts[0]
    assert first.id == second.id
    assert first.text != second.text


def test_damaged_files(tmp_path):
    path = write(tmp_path / "a.zim", [article(n) for n in range(50)])
    whole = path.read_bytes()
    for name, data in (
        ("cut.zim", whole[: len(whole) // 2]),
        ("none.zim", b"ZIM\x04" + b"\xff" * 99),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match="cannot be read as ZIM"):
            read(tmp_path / name)
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "absent.zim")


def test_libzim_is_imported_by_the_reader_only():
    code = "import gnomon.sources.zim, sys; print('libzim' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={"PYTHONPATH": "src"}, check=True)  # fmt: skip
    assert done.stdout.strip() == "False"

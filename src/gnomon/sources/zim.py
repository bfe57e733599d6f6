"""ZIM files: Wikipedia and other sites for use offline (https://wiki.openzim.org/wiki/ZIM_file_format).

Each article is one post, dated by the file. A newer file of the same name brings the articles'
new texts as edits. The file is read in a process of its own (``zim_reader.py`` says why).
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import gnomon
from gnomon.errors import InputError, SourceError, pip_install
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, ascii_safe, quoted, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.documents import read_html
from gnomon.sources.gather import Gathered
from gnomon.sources.markup import plain_text
from gnomon.sources.opened import file_mark
from gnomon.sources.shapes import filled, mapping, moment, string
from gnomon.types import Post, SetAside

NETWORK = "zim"
MAGIC = b"ZIM\x04"
_LONGEST_RECORD = 128 * 2**20


@dataclass
class Zim:
    """``path`` is a .zim file."""

    path: Path
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        self.name = ascii_safe(f"{NETWORK}:{self.path.stem}")

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. Raises SourceError where it cannot be read, or libzim is not here."""
        mark, start = file_mark(self.path), 0
        try:
            held = mapping(json.loads(cursor or "{}"))
            if held.get("mark") == mark and isinstance(held.get("entry"), int):
                start = held["entry"]
        except ValueError:
            start = 0
        full, at = Gathered(self.name), start
        about: Mapping[str, Any] = {}
        try:
            for record in _read(self.path, start):
                if "about" in record:
                    about = mapping(record["about"])
                    continue
                at = int(record["entry"]) + 1
                full.add(self._thing(record, about))
                if full.ready:
                    yield full.take(_cursor(mark, at))
        except SourceError:
            yield full.take(_cursor(mark, at))
            raise
        yield full.take(_cursor(mark, at))

    def _thing(self, record: Mapping[str, Any], about: Mapping[str, Any]) -> Post | SetAside:
        now, path = self.now(), string(record.get("path"))
        where = f"{self.path.name}, {path[:200] or record.get('entry')}"
        html = record.get("html")
        if not isinstance(html, str):
            size = record.get("size", 0)
            reason = string(record.get("problem")) or f"the article has {size:,} bytes, too many"
            return set_aside(self.name, where, f"{reason}; it is not taken in.", now)
        try:
            post = self._post(path, string(record.get("title")), html, about, now)
        except InputError as error:
            return set_aside(self.name, where, str(error), now)
        return admit(post, now=now, limits=self.limits) or post

    def _post(self, path: str, title: str, html: str, about: Mapping[str, Any], now: float) -> Post:
        try:
            fields = read_html(html)
        except InputError:
            fields = {"text": plain_text(html)}  # short articles have no main text to be told
        site = string(about.get("Source")).removeprefix("https://").strip("/")
        url = string(fields.get("url"))
        if not url and site.endswith((".wikipedia.org", ".wiktionary.org", ".wikivoyage.org")):
            url = f"https://{site}/wiki/{quote(path.removeprefix('A/'), safe='/:()_,')}"
        collection = string(about.get("Name")) or self.path.stem
        return Post(
            id=f"{NETWORK}:{collection}/{path}",
            text=string(fields.get("text")),
            source=self.name,
            fetched_at=now,
            author=string(about.get("Creator")),
            created_at=moment(string(about.get("Date"))),
            title=title or string(fields.get("title")),
            lang=_two_letters(string(about.get("Language"))) or string(fields.get("lang")),
            url=url,
            extra=filled(
                collection=string(about.get("Title")), license=string(about.get("License"))
            ),
        )


# ISO 639-3 as ZIM files write it, for the languages that have most articles.
_CODES = dict(
    pair.split("=")
    for pair in (
        "eng=en deu=de fra=fr spa=es zho=zh rus=ru ita=it por=pt jpn=ja pol=pl ara=ar nld=nl "
        "swe=sv ukr=uk vie=vi kor=ko fas=fa cat=ca ces=cs hun=hu fin=fi tur=tr heb=he ind=id"
    ).split()
)


def _two_letters(languages: str) -> str:
    """The file's language, "" where it has several."""
    return "" if "," in languages else _CODES.get(languages, languages[:8])


def _read(path: Path, start: int) -> Iterator[dict[str, Any]]:
    """The reader's records. Raises SourceError where it ends in trouble."""
    source = str(Path(gnomon.__file__).parent.parent)
    kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env["PYTHONPATH"] = source
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "gnomon.sources.zim_reader", str(path), str(start)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    ) as reader:
        try:
            yield from _records(reader.stdout)
            said = reader.stderr.read(4000).decode("utf-8", "replace") if reader.stderr else ""
            code = reader.wait()
        finally:
            with suppress(OSError):
                reader.kill()
    if code == 3:
        how = pip_install("gnomon[zim]")
        raise SourceError(f"ZIM files need libzim; install it with: {how}.")
    if code:
        last = said.strip().splitlines()[-1:] or [f"the reader ended with {code}"]
        raise SourceError(
            f"{path.name!r} cannot be read as ZIM ({quoted(last[0], 200)}); fetch it again."
        )


def _records(stream: IO[bytes] | None) -> Iterator[dict[str, Any]]:
    assert stream is not None, "it was asked for"
    while len(head := stream.read(4)) == 4:
        (size,) = struct.unpack(">I", head)
        data = stream.read(size) if size <= _LONGEST_RECORD else b""
        if len(data) < size:
            return
        yield json.loads(data)


def _cursor(mark: str, entry: int) -> str:
    return json.dumps({"mark": mark, "entry": entry})

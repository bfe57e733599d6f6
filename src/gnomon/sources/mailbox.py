"""A mailing list's archive: an mbox file or a maildir. Its owner says that it is public by adding
it.

Of each letter the plain text and the sender's name are kept. Addresses are personal data and on
lists often given for the list alone: they are taken out of names and texts, and not stored, not
even hashed (a hash of an address is found by trying addresses).
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path

from gnomon.errors import InputError, SourceError
from gnomon.sources.admission import DEFAULT_LIMITS, Limits, admit, ascii_safe, set_aside
from gnomon.sources.contract import Steps
from gnomon.sources.gather import Gathered
from gnomon.sources.lines import bounded_lines
from gnomon.sources.markup import plain_text
from gnomon.sources.opened import opened
from gnomon.sources.shapes import filled, mapping, strings
from gnomon.types import Post, SetAside

NETWORK = "mail"
MOST_LETTER_BYTES = 32 * 2**20
MOST_LINE_BYTES = 2**20
_FROM = re.compile(rb"From \S+.*\d{4}")
_ADDRESS = re.compile(r"<?\b[\w.+=-]+(?:@| at )[\w-]+(?:\.[\w-]+)+\b>?", re.IGNORECASE)
_ID = re.compile(r"<([^<>\s]+)>")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_QUOTED = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
_SIGNATURE = re.compile(r"\n-- \n.*\Z", re.DOTALL)
# What the standard library's reader lets through from a damaged letter.
_READING = (
    MessageError,
    AttributeError,
    IndexError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def is_mbox(head: bytes) -> bool:
    """Whether a file that begins so is an mbox."""
    first, _, rest = head.partition(b"\n")
    return bool(_FROM.match(first)) and bool(re.match(rb"[A-Za-z-]+:", rest.lstrip(b"\r")))


def is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() and (path / "new").is_dir()


@dataclass
class Mailbox:
    """``path`` is an mbox file (or .gz of one) or a maildir."""

    path: Path
    limits: Limits = DEFAULT_LIMITS
    now: Callable[[], float] = time.time
    name: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path).expanduser().absolute()
        self.name = ascii_safe(f"{NETWORK}:{self.path.name}")

    def steps(self, cursor: str | None) -> Steps:
        """Read it once. An mbox only grows at its end, so a later look goes on where it stood;
        where the file was changed before that place, it is read again. Raises SourceError."""
        if self.path.is_dir():
            yield from self._maildir(cursor)
        else:
            yield from self._mbox(cursor)

    def _mbox(self, cursor: str | None) -> Steps:
        at, head = _place(cursor)
        full, end = Gathered(self.name), at
        try:
            with opened(self.path) as file:
                mark = hashlib.sha256(file.read(4096)).hexdigest()[:16]
                if head != mark or not _letter_begins(file, at):
                    at = 0
                end = at
                file.seek(at)
                for letter, end, whole in _letters(file.readline, at):
                    full.add(self._thing(letter, whole, f"{self.path.name}, byte {end}"))
                    if full.ready:
                        yield full.take(_cursor(end, mark))
        except SourceError:
            yield full.take(None)
            raise
        yield full.take(_cursor(end, mark))

    def _maildir(self, cursor: str | None) -> Steps:
        try:
            held = mapping(json.loads(cursor or "{}"))
        except ValueError:
            held = {}
        last = held.get("last") if isinstance(held.get("last"), str) else ""
        files = sorted(
            (one for part in ("cur", "new") for one in (self.path / part).iterdir()),
            key=lambda one: _plain_name(one.name),
        )
        full, newest = Gathered(self.name), str(last)
        for file in files:
            if _plain_name(file.name) <= str(last) or file.name.startswith("."):
                continue  # names begin with the time of arrival, and keep it when they are read
            try:
                with file.open("rb") as opened_file:
                    data = opened_file.read(MOST_LETTER_BYTES + 1)
            except OSError as error:
                reason = f"the letter cannot be read ({error.strerror}); check its permissions."
                full.add(set_aside(self.name, file.name, reason, self.now()))
                continue
            full.add(self._thing(data, len(data) <= MOST_LETTER_BYTES, file.name))
            newest = _plain_name(file.name)
            if full.ready:
                yield full.take(json.dumps({"last": newest}))
        yield full.take(json.dumps({"last": newest}))

    def _thing(self, letter: bytes, whole: bool, where: str) -> Post | SetAside:
        now = self.now()
        if not whole:
            reason = f"the letter is over {MOST_LETTER_BYTES:,} bytes; it is not taken in."
            return set_aside(self.name, where, reason, now)
        try:
            post = self._post(letter, now)
        except InputError as error:
            return set_aside(self.name, where, str(error), now)
        except _READING as error:
            reason = f"the letter cannot be read ({type(error).__name__}); check the file."
            return set_aside(self.name, where, reason, now)
        return admit(post, now=now, limits=self.limits) or post

    def _post(self, data: bytes, now: float) -> Post:
        letter = email.message_from_bytes(data, policy=email.policy.compat32)
        headers = {name.lower(): str(value) for name, value in letter.items()}
        if "from" not in headers:
            raise InputError("it has no sender, so it is no letter; check the file.")
        if headers.get("x-no-archive", "").strip().lower() == "yes":
            raise InputError("its sender asks that it be not archived; it is not taken in.")
        text = _words(letter)
        own = _id(headers.get("message-id", "")) or hashlib.sha256(data).hexdigest()[:24]
        parent = _id(headers.get("in-reply-to", "")) or _last_id(headers.get("references", ""))
        name, _ = parseaddr(_decoded(headers["from"]))
        return Post(
            id=_post_id(own),
            text=_without_addresses(text),
            source=self.name,
            fetched_at=now,
            author=_ADDRESS.sub("", name).strip(" \"'"),
            created_at=_date(headers.get("date", "")),
            title=_without_addresses(_decoded(headers.get("subject", ""))),
            url=_archived_at(headers.get("archived-at", "")),
            reply_to=_post_id(parent) if parent else "",
            links=strings(one.rstrip(".,;:") for one in _URL.findall(text)),
            extra=filled(
                list=_list_name(headers.get("list-id", "")),
                bot=headers.get("auto-submitted", "no").strip().lower() != "no",
            ),
        )


def _letters(readline: Callable[[int], bytes], start: int) -> Iterator[tuple[bytes, int, bool]]:
    """Each letter of an mbox: its bytes, the offset after it, and whether it is whole.

    A letter begins at a line ``From `` that follows an empty one (mboxo and mboxrd,
    https://www.loc.gov/preservation/digital/formats/fdd/fdd000385.shtml); ``>From `` is undone.
    """
    letter, size, blank, begun, end = bytearray(), 0, True, False, start
    for line in bounded_lines(readline, MOST_LINE_BYTES, start=start):
        if blank and _FROM.match(line.data):
            if begun:
                yield bytes(letter), end, size <= MOST_LETTER_BYTES
            letter, size, begun = bytearray(), 0, True
        elif begun:
            size += line.size
            if size <= MOST_LETTER_BYTES:
                data = line.data[1:] if re.match(rb">+From ", line.data) else line.data
                letter += data + b"\n"
        blank, end = not line.data.strip(), line.end
    if begun:
        yield bytes(letter), end, size <= MOST_LETTER_BYTES


def _letter_begins(file: object, at: int) -> bool:
    """Whether a letter begins at ``at`` (or the file ends there)."""
    seek, readline = file.seek, file.readline  # type: ignore[attr-defined]
    seek(at)
    line = readline(4096)
    return not line or bool(_FROM.match(line)) or at == 0


def _words(letter: email.message.Message) -> str:
    """The letter's own words: plain text first, else HTML's; quotations of the letter that it
    answers and the signature left away, for they are said elsewhere."""
    plain, html = "", ""
    for part in letter.walk():
        kind = part.get_content_type()
        if part.is_multipart() or part.get_filename() or kind not in ("text/plain", "text/html"):
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue
        charset = part.get_content_charset() or "utf-8"
        try:
            words = payload.decode(charset, "replace")
        except LookupError:
            words = payload.decode("utf-8", "replace")
        if kind == "text/plain":
            plain = plain or words
        else:
            html = html or words
    text = plain or plain_text(html)
    text = _SIGNATURE.sub("", text.replace("\r\n", "\n"))
    return re.sub(r"\n{3,}", "\n\n", _QUOTED.sub("", text)).strip()


def _decoded(header: str) -> str:
    try:
        return str(make_header(decode_header(header)))
    except (*_READING, UnicodeError):
        return header


def _without_addresses(text: str) -> str:
    return _ADDRESS.sub("[address]", text)


def _id(header: str) -> str:
    found = _ID.search(header)
    return found[1] if found else ""


def _last_id(header: str) -> str:
    found = _ID.findall(header)
    return str(found[-1]) if found else ""


def _post_id(message: str) -> str:
    """Message ids often hold an address: they are hashed."""
    return f"{NETWORK}:{hashlib.sha256(message.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _date(header: str) -> float | None:
    try:
        moment = parsedate_to_datetime(header)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _archived_at(header: str) -> str:
    found = re.match(r"<?(https?://[^>\s]+)>?", header.strip())
    return found[1] if found else ""


def _list_name(header: str) -> str:
    found = re.search(r"<([^<>@\s]+)>", header)
    return found[1] if found else ""


def _plain_name(name: str) -> str:
    return name.partition(":2,")[0]


def _place(cursor: str | None) -> tuple[int, str]:
    try:
        value: Mapping[str, object] = mapping(json.loads(cursor or "{}"))
    except ValueError:
        return 0, ""
    at, head = value.get("at"), value.get("head")
    return (at, head) if isinstance(at, int) and isinstance(head, str) else (0, "")


def _cursor(at: int, head: str) -> str:
    return json.dumps({"at": at, "head": head})

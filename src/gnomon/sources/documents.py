"""Documents (web pages, PDF, Markdown, plain text) as the fields of one Post each.

Every reader returns keyword arguments for ``Post``: ``text``, and what the document says of
itself: ``title``, ``author``, ``created_at``, ``url``, ``lang``. It raises InputError when there
is nothing to read.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
import zlib
from datetime import UTC, datetime
from typing import Any

from gnomon.errors import InputError
from gnomon.wire import parse_time

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_LABEL = re.compile(r"^(\w+)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_FRONT_NAMES = {
    "title": "title",
    "author": "author",
    "date": "created_at",
    "created_at": "created_at",
    "published": "created_at",
    "url": "url",
    "link": "url",
    "canonical": "url",
    "lang": "lang",
    "language": "lang",
}
# What pypdf lets through from a damaged file, besides its own errors.
_PDF_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)


def read_text(text: str) -> dict[str, Any]:
    """Plain text as it is, with ends of lines made one kind."""
    return {"text": _newlines(text).strip("\n")}


def read_markdown(text: str) -> dict[str, Any]:
    """Markdown as it is written; front matter (``key: value`` lines) and the first heading
    give title, author, date, address and language."""
    text = _newlines(text)
    fields: dict[str, Any] = {}
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        for label in _LABEL.finditer(front[1]):
            name = _FRONT_NAMES.get(label[1].lower())
            value = label[2].strip("\"'")
            if name and value:
                fields.setdefault(name, value)
        if "created_at" in fields:
            fields["created_at"] = _date(fields["created_at"])
    heading = _HEADING.search(text)
    if heading:
        fields.setdefault("title", heading[1])
    return {**fields, "text": text.strip("\n")}


def read_html(page: str | bytes, url: str = "") -> dict[str, Any]:
    """The main text of a web page by trafilatura, with the page's own metadata.

    A date is taken only where the page states one (no guesses from its address or footer).
    """
    import trafilatura
    from lxml.etree import LxmlError  # type: ignore[import-untyped]

    trafilatura_log = logging.getLogger("trafilatura")
    trafilatura_log.setLevel(logging.CRITICAL)
    try:
        found = trafilatura.bare_extraction(
            page,
            url=url or None,
            with_metadata=True,
            include_comments=False,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except (LxmlError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(
            f"the page cannot be read ({type(error).__name__}: {error}); save it again as HTML."
        ) from error
    text = (getattr(found, "text", None) or "").strip()
    if not text:
        raise InputError(
            "the page has no main text that can be told from its menus; save the article itself, "
            "or its words as .txt."
        )
    fields: dict[str, Any] = {"text": text}
    for name in ("title", "author", "url"):
        value = getattr(found, name, None)
        if isinstance(value, str) and value:
            fields[name] = value
    language = getattr(found, "language", None)
    if isinstance(language, str):
        fields["lang"] = language
    stated = getattr(found, "date", None)
    if isinstance(stated, str) and stated:
        fields["created_at"] = _date(stated)
    return fields


def read_pdf(data: bytes) -> dict[str, Any]:
    """The text of a PDF's pages, parted by an empty line.

    ``extra["pages"]`` holds the offset in ``text`` at which each page begins, so that a citation
    can name its page.
    """
    import pypdf
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = pypdf.PdfReader(io.BytesIO(data))
            if reader.is_encrypted and not reader.decrypt(""):
                raise InputError("the PDF is locked with a password; save it without one.")
            pages = [(page.extract_text() or "").strip() for page in reader.pages]
            about = _pdf_about(reader)
    except (PyPdfError, *_PDF_FAULTS) as error:
        raise InputError(
            f"the PDF cannot be read ({type(error).__name__}: {str(error)[:120]}); "
            "open it and print it to a new PDF."
        ) from error
    text, starts = "", []
    for page_text in pages:
        if text and page_text:
            text += "\n\n"
        starts.append(len(text))
        text += page_text
    if not text:
        raise InputError(
            f"the PDF's {len(pages)} pages hold pictures and no text; run it through OCR "
            "(for example ocrmypdf)."
        )
    return {**about, "text": text, "extra": {"pages": starts}}


def _pdf_about(reader: Any) -> dict[str, Any]:
    about: dict[str, Any] = {}
    metadata = reader.metadata
    if metadata is None:
        return about
    for name in ("title", "author"):
        value = getattr(metadata, name, None)
        if isinstance(value, str) and value.strip():
            about[name] = value.strip()
    created = metadata.creation_date
    if isinstance(created, datetime):
        about["created_at"] = (
            created if created.tzinfo else created.replace(tzinfo=UTC)
        ).timestamp()
    return about


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _date(text: str) -> float | None:
    try:
        return parse_time(text)
    except InputError:
        return None

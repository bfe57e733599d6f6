"""The words of a .docx: WordprocessingML in a zip (ECMA-376, part 1, §17).

Paragraphs, tables (a row on a line), and the title and author that the file names. Text that was
struck out under "track changes" is left out, and so are field codes; text boxes, footnotes and
headers are not read.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any, Final

from gnomon.errors import InputError
from gnomon.wire import parse_time

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_TERMS: Final = "{http://purl.org/dc/terms/}"
_BODY, _ABOUT = "word/document.xml", "docProps/core.xml"
MAX_XML_BYTES: Final = 64 * 2**20


def read_docx(data: bytes) -> dict[str, Any]:
    """Keyword arguments for ``Post``, as the readers of ``documents`` give them.

    Raises InputError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            body = _parsed(_unpacked(archive, _BODY))
            names = archive.namelist()
            about = _parsed(_unpacked(archive, _ABOUT)) if _ABOUT in names else None
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError, zlib.error) as error:
        raise InputError(
            f"the file is no readable .docx ({str(error)[:120]}); open it and save it again."
        ) from error
    except RuntimeError as error:  # what zipfile says of a password
        raise InputError("the .docx is locked with a password; save it without one.") from error
    lines = [_words(block) for block in body.iter(f"{_W}p") if not _in_row(block)]
    text = "\n".join(lines).strip()
    if not text:
        raise InputError("the .docx holds no text; save what it shows as PDF or as .txt.")
    return {**_about(about), "text": text}


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """One file of the archive, never more of it than it may be, whatever its header claims."""
    with archive.open(name) as file:
        data = file.read(MAX_XML_BYTES + 1)
    if len(data) > MAX_XML_BYTES:
        raise InputError(
            f"the .docx unpacks to more than {MAX_XML_BYTES:,} bytes of text; split it."
        )
    return data


def _parsed(data: bytes) -> Any:
    from lxml import etree  # type: ignore[import-untyped]

    # Entities are what XML bombs are made of, and no .docx has any.
    strict = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(data, strict)
    except etree.LxmlError as error:
        raise InputError(
            f"the .docx is damaged ({str(error)[:120]}); open it and save it again."
        ) from error


def _in_row(paragraph: Any) -> bool:
    """Whether a paragraph stands in a table's row but not first in it: the first says it all."""
    row = next(paragraph.iterancestors(f"{_W}tr"), None)
    return row is not None and next(row.iter(f"{_W}p")) is not paragraph


def _words(paragraph: Any) -> str:
    row = next(paragraph.iterancestors(f"{_W}tr"), None)
    if row is None:
        return _run(paragraph)
    return " | ".join(" ".join(map(_run, cell.iter(f"{_W}p"))) for cell in row.iter(f"{_W}tc"))


def _run(paragraph: Any) -> str:
    out = []
    for node in paragraph.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr"):
        out.append((node.text or "") if node.tag == f"{_W}t" else " ")
    return "".join(out)


def _about(properties: Any) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if properties is None:
        return about
    for name, tag in (("title", f"{_DC}title"), ("author", f"{_DC}creator")):
        value = (properties.findtext(tag) or "").strip()
        if value:
            about[name] = value
    try:
        stated = (properties.findtext(f"{_TERMS}modified") or "").strip()
        about["created_at"] = parse_time(stated) if stated else None
    except InputError:
        about["created_at"] = None
    return about

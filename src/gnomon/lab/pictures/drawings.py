"""Whether an SVG of a stranger's may be drawn: only one that is complete in itself.

resvg fetches no address and expands no outer entity, but it opens files: ``<image>`` and
``<feImage>`` with a path, also inside of the pictures that they name (tried with resvg-py 0.5.0).
So a drawing that names anything beyond itself is not drawn at all. Those that hold words are
refused too: they would be set in whatever fonts a machine has, so that two machines would make two
sets, and without fonts the words would be missing that the title speaks of.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

MAX_BYTES = 4 * 2**20
MAX_ELEMENTS = 50_000
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_XLINK = ' xmlns:xlink="http://www.w3.org/1999/xlink"'
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[(?P<inside>[^\]]*)\]\s*)?>", re.IGNORECASE)
_DECLARED = re.compile(r"<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST)", re.IGNORECASE)
_ENTITY = re.compile(r"""<!ENTITY\s+(\w{1,40})\s+(["'])([^"'&<%]{0,200})\2\s*>""")
_ATTRIBUTES = re.compile(r"""<!ATTLIST\s+[\w:\s]+CDATA\s+#\w+\s*(?:"[^"&<%]*")?\s*>""")
MOST_ENTITIES = 64
_ENCODING = re.compile(r"^\s*<\?xml[^>]*?encoding=[\"']([\w.-]+)[\"']", re.IGNORECASE)
_URL = re.compile(r"url\(\s*[\"']?\s*([^#\"'\s)])", re.IGNORECASE)
_ROOT = re.compile(r"<svg\b")
_BITMAPS = frozenset({"image", "feimage"})
_FOREIGN = frozenset({"script", "iframe", "audio", "video", "embed", "object"})
_WORDS = frozenset({"text", "tspan", "tref", "flowroot", "flowpara"})


class Unfit(Exception):
    """A drawing that is not drawn; the message is why, one of few."""


def checked(data: bytes) -> str:
    """The drawing's text, fit to be drawn. Raises Unfit."""
    if len(data) > MAX_BYTES:
        raise Unfit("too large a file")
    text = _decoded(data)
    text = _with_namespace(_without_doctype(text))
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ExpatError, ValueError) as error:
        raise Unfit("broken XML") from error
    for count, element in enumerate(root.iter()):
        if count > MAX_ELEMENTS:
            raise Unfit("too many elements")
        _check(element)
    return text


def _decoded(data: bytes) -> str:
    """UTF-8, or Latin-1 where the drawing says so; anything else could hide what is looked for."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        said = _ENCODING.match(data[:200].decode("latin-1"))
        if said is None or said[1].lower() not in ("iso-8859-1", "latin1", "windows-1252"):
            raise Unfit("unknown encoding") from None
        text = data.decode("latin-1")
    return re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)


def _without_doctype(text: str) -> str:
    """Without the DTD that it names, which nobody reads, and with the plain words that it declares
    put in: old programs declare the namespaces so, also as defaults of attributes. Raises Unfit for
    declarations of more."""
    found = _DOCTYPE.search(text)
    if found is None:
        return text
    inside = found["inside"] or ""
    words = {name: value for name, _, value in _ENTITY.findall(inside)}
    if _ATTRIBUTES.sub("", _ENTITY.sub("", inside)).strip() or len(words) > MOST_ENTITIES:
        raise Unfit("declares entities")
    text = text[: found.start()] + text[found.end() :]
    if _DECLARED.search(text):
        raise Unfit("declares entities")
    if words:
        text = re.sub(r"&(\w{1,40});", lambda one: words.get(one[1], one[0]), text)
    return text


def _with_namespace(text: str) -> str:
    """Old drawings lack the namespace of SVG, or use xlink without declaring it."""
    found = _ROOT.search(text)
    head = text[found.start() : text.find(">", found.start())] if found else ""
    more = "" if 'xmlns="' in head or "xmlns='" in head else " " + _NAMESPACE
    more += "" if "xmlns:xlink" in head or "xlink:" not in text else _XLINK
    return text if found is None else text[: found.end()] + more + text[found.end() :]


def _check(element: ElementTree.Element) -> None:
    tag = element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
    if tag in _BITMAPS:
        raise Unfit("holds a bitmap")
    if tag in _FOREIGN:
        raise Unfit("holds a script")
    if tag in _WORDS and (element.text or "").strip():
        raise Unfit("has words in it")
    if tag == "style" and "@import" in (element.text or "").lower():
        raise Unfit("refers to something outside of itself")
    if tag == "style" and _URL.search(element.text or ""):
        raise Unfit("refers to something outside of itself")
    for name, value in element.attrib.items():
        local = name.rpartition("}")[2].lower()
        if local == "href" and tag != "a" and not value.strip().startswith("#"):
            raise Unfit("refers to something outside of itself")
        if _URL.search(value) or (local == "base" and name != local):
            raise Unfit("refers to something outside of itself")

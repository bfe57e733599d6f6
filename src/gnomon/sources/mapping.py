"""A declared mapping: how the posts of some JSON are read, written down as TOML by an owner.

docs/sources.md describes the keys; ``maps/weibo.toml`` is one that comes with gnomon.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

from gnomon.errors import ConfigError, InputError
from gnomon.sources.markup import plain_text
from gnomon.sources.paths import Path
from gnomon.sources.shapes import filled, mapping, name_of, strings
from gnomon.types import Post
from gnomon.wire import iso, parse_time

SHIPPED = ("weibo",)
_STRINGS = ("id", "text", "title", "author", "lang", "url")
_REFERENCES = ("reply_to", "repost_of", "quotes", "shares")
_LISTS = ("links", "media")
_TIMES = ("created_at",)
_FIELDS = (*_STRINGS, *_REFERENCES, *_LISTS, *_TIMES)
_FIELD_KEYS = {"path", "const", "as", "time", "zone", "template", "blank"}
_TOP_KEYS = {"name", "posts", "fields", "counts", "labels", "extra", "refuse", "delete", "page"}
_RULE_KEYS = {"path", "is", "unless", "reason"}
_PAGE_KEYS = {"url", "next", "headers", "robots"}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ZONE = re.compile(r"([+-])(\d{2}):(\d{2})")
_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Reader:
    """How one field is read: the first of ``paths`` that holds something, or ``const``, or a
    ``template`` with paths in braces."""

    paths: tuple[Path, ...] = ()
    const: Any = None
    html: bool = False
    times: tuple[str, ...] = ()
    zone: timezone = UTC
    template: str = ""
    blank: tuple[str, ...] = ()

    def value(self, row: Any) -> Any:
        if self.template:
            return self._filled_in(row)
        for path in self.paths:
            found = path.first(row)
            if found not in (None, ""):
                return found
        return self.const

    def values(self, row: Any) -> list[Any]:
        found = [one for path in self.paths for one in path.find(row)]
        return found or ([] if self.const is None else [self.const])

    def _filled_in(self, row: Any) -> str:
        """ "" where a place of the template is empty."""
        values = [name_of(Path.parse(place).first(row)) for place in _PLACE.findall(self.template)]
        parts = iter(values)
        return _PLACE.sub(lambda _: next(parts), self.template) if all(values) else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds where the value at ``path`` is one of ``values``, or with ``unless`` none of them."""

    path: Path
    values: tuple[Any, ...]
    unless: bool
    reason: str

    def holds(self, row: Any) -> bool:
        found = self.path.first(row)
        if self.unless:
            return found is not None and found not in self.values
        return found in self.values


@dataclass(frozen=True, slots=True)
class Declared:
    """A mapping that was read and checked. ``items`` lead to the posts of a document (none: it is
    one itself), ``inside`` to posts within a post."""

    name: str
    fields: Mapping[str, Reader]
    items: tuple[Path, ...] = ()
    inside: tuple[Path, ...] = ()
    counts: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, Rule] = field(default_factory=dict)
    extra: Mapping[str, Reader] = field(default_factory=dict)
    refuse: tuple[Rule, ...] = ()
    delete: tuple[Rule, ...] = ()
    url: str = ""
    next: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    robots: bool = True

    def rows(self, document: Any) -> Iterator[Any]:
        """The posts of a document, those inside posts first."""
        # The first that leads anywhere: one mapping may know several shapes of a document.
        found = next((some for path in self.items if (some := path.find(document))), [])
        for row in found if self.items else [document]:
            for path in self.inside:
                yield from (inner for inner in path.find(row) if isinstance(inner, Mapping))
            yield row

    def id_of(self, row: Any) -> str:
        own = name_of(self.fields["id"].value(row))
        return f"{self.name}:{own}" if own else ""

    def gone(self, row: Any) -> str:
        """Why the post is deleted, "" where it is not."""
        return next((rule.reason for rule in self.delete if rule.holds(row)), "")

    def post(self, row: Any, *, source: str, fetched_at: float) -> Post:
        """Raises InputError naming the field that cannot be used."""
        if not isinstance(row, Mapping):
            raise InputError(f"{str(row)[:40]!r} stands where a post should.")
        refused = next((rule.reason for rule in self.refuse if rule.holds(row)), "")
        if refused:
            raise InputError(f"{refused}; it is not taken in.")
        known: dict[str, Any] = {"id": self.id_of(row)}
        if not known["id"]:
            raise InputError(f"'id' is empty at {self._where('id')}; give a path that leads to it.")
        for name in ("text", "title", "author", "lang", "url"):
            known[name] = self._string(name, row)
        for name in ("reply_to", "repost_of", "quotes"):
            known[name] = self._reference(name, row)
        shares = self._reference("shares", row)
        if shares:
            known["quotes" if known["text"] else "repost_of"] = shares
        for name in _LISTS:
            reader = self.fields.get(name)
            known[name] = strings(reader.values(row)) if reader else ()
        return Post(
            **known,
            source=source,
            fetched_at=fetched_at,
            created_at=self._time(row),
            labels=tuple(name for name, rule in self.labels.items() if rule.holds(row)),
            counts={
                name: count
                for name, path in self.counts.items()
                if (count := _count(path.first(row))) is not None
            },
            extra=filled(**{name: self._plain(reader, row) for name, reader in self.extra.items()}),
        )

    def _string(self, name: str, row: Any) -> str:
        reader = self.fields.get(name)
        value = reader.value(row) if reader else None
        if reader is None or value is None:
            return ""
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise InputError(f"{name!r} is {str(value)[:40]!r} at {self._where(name)}, no string.")
        text = plain_text(str(value)) if reader.html else str(value).strip()
        return "" if text in reader.blank else text

    def _reference(self, name: str, row: Any) -> str:
        reader = self.fields.get(name)
        own = name_of(reader.value(row)) if reader else ""
        return f"{self.name}:{own}" if own else ""

    def _time(self, row: Any) -> float | None:
        reader = self.fields.get("created_at")
        value = reader.value(row) if reader else None
        return None if reader is None or value in (None, "") else read_time(value, reader)

    def _plain(self, reader: Reader, row: Any) -> Any:
        if any(None in path.steps for path in reader.paths):
            return list(strings(reader.values(row)))
        value = reader.value(row)
        if reader.times and value not in (None, ""):
            return iso(read_time(value, reader))
        return value if isinstance(value, str | int | float | bool) else None

    def _where(self, name: str) -> str:
        reader = self.fields[name]
        return reader.template or ", ".join(path.text for path in reader.paths) or "no path"


def read_time(value: Any, reader: Reader) -> float:
    """A time in the first of the reader's formats that fits. Raises InputError."""
    for form in reader.times or ("iso", "epoch"):
        if form in ("iso", "epoch"):
            try:
                found = parse_time(value)
            except InputError:
                continue
            if form == "iso" and isinstance(value, str) and not _has_zone(value):
                found -= (reader.zone.utcoffset(None) or timedelta()).total_seconds()
            return found
        try:
            moment = datetime.strptime(str(value), form)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=reader.zone)).timestamp()
    raise InputError(
        f"'created_at' is {str(value)[:40]!r}, and none of its formats fits "
        f"({', '.join(reader.times) or 'iso, epoch'}); add one to fields.created_at.time."
    )


def _has_zone(text: str) -> bool:
    return bool(re.search(r"(?:Z|[+-]\d{2}:?\d{2})\s*$", text)) or text.strip().isdigit()


def _count(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value) else None


# -- reading the declaration ---------------------------------------------------------------------


def load(where: str | FilePath) -> Declared:
    """The mapping in a TOML file, or one of SHIPPED by its name. Raises ConfigError naming the
    file, the key and what would be accepted."""
    if str(where) in SHIPPED:
        text = resources.files("gnomon.sources").joinpath(f"maps/{where}.toml").read_text("utf-8")
        return parse(text, f"{where}.toml")
    try:
        text = FilePath(where).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the mapping {str(where)!r} cannot be read ({error}).") from error
    return parse(text, FilePath(where).name)


def parse(text: str, file: str) -> Declared:
    """``file`` is named in errors. Raises ConfigError."""
    try:
        return _declared(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML ({error}); mend it.") from error
    except InputError as error:
        raise ConfigError(f"{file}: {error}") from error


def _declared(value: Mapping[str, Any]) -> Declared:
    _only("", value, _TOP_KEYS)
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"name is {name!r}; give a short word in small letters, like 'weibo'.")
    fields = _table(value, "fields")
    _only("fields", fields, set(_FIELDS))
    for needed in ("id", "text"):
        if needed not in fields:
            raise InputError(f"fields.{needed} is missing; give the path to it.")
    posts, page = _table(value, "posts"), _table(value, "page")
    _only("posts", posts, {"items", "inside"})
    _only("page", page, _PAGE_KEYS)
    url = page.get("url", "")
    if page and (not isinstance(url, str) or not url.startswith(("http://", "https://"))):
        raise InputError(f"page.url is {url!r}; give an http(s) address.")
    headers = _table(page, "headers", "page.")
    return Declared(
        name,
        {key: _reader(f"fields.{key}", one) for key, one in fields.items()},
        _paths("posts.items", posts.get("items", [])),
        _paths("posts.inside", posts.get("inside", [])),
        {key: _path(f"counts.{key}", one) for key, one in _table(value, "counts").items()},
        {key: _rule(f"labels.{key}", one, "") for key, one in _table(value, "labels").items()},
        {key: _reader(f"extra.{key}", one) for key, one in _table(value, "extra").items()},
        _rules("refuse", value.get("refuse", []), "it is not public"),
        _rules("delete", value.get("delete", []), "deleted by its author"),
        url,
        _path("page.next", page["next"]) if "next" in page else None,
        {str(key): str(one) for key, one in headers.items()},
        page.get("robots", True) is not False,
    )


def _reader(key: str, value: Any) -> Reader:
    if isinstance(value, str | list):
        return Reader(_paths(key, value))
    if not isinstance(value, Mapping):
        raise InputError(f"{key} is {value!r}; give a path, like '$.user.name', or a table.")
    _only(key, value, _FIELD_KEYS)
    if not {"path", "const", "template"} & set(value):
        raise InputError(f"{key} says nothing; give it a path, a const or a template.")
    kind = value.get("as", "text")
    if kind not in ("text", "html"):
        raise InputError(f"{key}.as is {kind!r}; give 'text' or 'html'.")
    times = value.get("time", ())
    times = [times] if isinstance(times, str) else times
    for form in times:
        if not isinstance(form, str) or (form not in ("iso", "epoch") and "%" not in form):
            raise InputError(
                f"{key}.time is {form!r}; give 'iso', 'epoch' or a format like '%Y-%m-%d %H:%M'."
            )
    template = value.get("template", "")
    if not isinstance(template, str):
        raise InputError(f"{key}.template is {template!r}; give a string.")
    for place in _PLACE.findall(template):
        _path(f"{key}.template", place)
    blank = value.get("blank", [])
    if not isinstance(blank, list) or not all(isinstance(one, str) for one in blank):
        raise InputError(f"{key}.blank is {blank!r}; give a list of strings.")
    paths = _paths(f"{key}.path", value["path"]) if "path" in value else ()
    zone = _zone(f"{key}.zone", value.get("zone", "+00:00"))
    return Reader(
        paths, value.get("const"), kind == "html", tuple(times), zone, template, tuple(blank)
    )


def _zone(key: str, value: Any) -> timezone:
    match = _ZONE.fullmatch(value) if isinstance(value, str) else None
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        raise InputError(f"{key} is {value!r}; give an offset like '+08:00'.")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)


def _rules(key: str, value: Any, reason: str) -> tuple[Rule, ...]:
    if not isinstance(value, list):
        raise InputError(f"{key} is {value!r}; give a list of tables: [[{key}]].")
    return tuple(_rule(f"{key}[{n}]", one, reason) for n, one in enumerate(value))


def _rule(key: str, value: Any, reason: str) -> Rule:
    if not isinstance(value, Mapping):
        raise InputError(f"{key} is {value!r}; give a table with 'path' and 'is' or 'unless'.")
    _only(key, value, _RULE_KEYS)
    if "path" not in value or ("is" in value) == ("unless" in value):
        raise InputError(f"{key} needs 'path' and one of 'is' and 'unless'.")
    wanted = value.get("is", value.get("unless"))
    wanted = wanted if isinstance(wanted, list) else [wanted]
    said = value.get("reason", reason)
    if not isinstance(said, str):
        raise InputError(f"{key}.reason is {said!r}; give a string.")
    return Rule(_path(f"{key}.path", value["path"]), tuple(wanted), "unless" in value, said)


def _paths(key: str, value: Any) -> tuple[Path, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(_path(key, one) for one in values)


def _path(key: str, value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise InputError(f"{key} is {value!r}; give a path, like '$.user.name'.")
    try:
        return Path.parse(value)
    except InputError as error:
        raise InputError(f"{key}: {error}") from error


def _table(value: Mapping[str, Any], key: str, before: str = "") -> Mapping[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, Mapping):
        raise InputError(f"{before}{key} is {found!r}; give a table: [{before}{key}].")
    return mapping(found)


def _only(key: str, value: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(value) - known)
    if unknown:
        place = f"{key}.{unknown[0]}" if key else unknown[0]
        raise InputError(f"{place} is no key; the keys are {', '.join(sorted(known))}.")

"""A digest as Markdown (CommonMark): for a terminal, a mail, a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from gnomon.digest.words import count, say, when
from gnomon.types import Brief, Citation, Digest, Line

# What would be markup in CommonMark (https://spec.commonmark.org/0.31.2/#ascii-punctuation-character)
# and stands in strangers' text is escaped; line ends become spaces.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!])")
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_KINDS = ("known", "disputed", "alone")


def markdown(digest: Digest) -> str:
    """The whole digest, sources at the end."""
    return "\n".join(_lines(digest)).rstrip() + "\n"


def _lines(digest: Digest) -> Iterator[str]:
    lang = digest.lang
    yield "# " + plain(title_of(digest))
    yield ""
    yield say("span", lang, since=when(digest.since), until=when(digest.until))
    yield ""
    if digest.sample:
        yield f"**{say('sample', lang)}**"
        yield ""
    if not digest.briefs:
        key = "empty about" if digest.about else "empty"
        yield say(key, lang, about=plain(digest.about))
        yield ""
    for number, brief in enumerate(digest.briefs, 1):
        yield from _brief(number, brief, lang)
    if digest.changes:
        yield f"## {say('changed', lang, when=when_before(digest))}"
        yield ""
        yield from (f"- {plain(change.text)}" for change in digest.changes)
        yield ""
    for gap in digest.gaps:
        yield f"> {say('gap', lang, source=plain(gap.source), reason=plain(gap.reason))}"
        yield ""
    if digest.citations:
        yield f"## {say('sources', lang)}"
        yield ""
        yield from (_citation(citation, lang) for citation in digest.citations)
        yield ""
    yield made_line(replace(digest, model=plain(digest.model)))


def _brief(number: int, brief: Brief, lang: str) -> Iterator[str]:
    marker = f" [{brief.title_by}]" if brief.title_by else ""
    yield f"## {number}. {plain(brief.title)}{marker}"
    yield ""
    yield figures(brief, lang)
    yield ""
    for kind in _KINDS:
        lines = brief.of(kind)
        if lines:
            yield f"**{say(kind, lang)}**"
            yield ""
            yield from (_line(line, lang) for line in lines)
            yield ""


def figures(brief: Brief, lang: str) -> str:
    """How loud, and how well supported: two figures, never one."""
    first = brief.first.author or brief.first.source or say("no author", lang)
    parts = [
        loud(brief, lang),
        say(
            "supported",
            lang,
            origins=count(brief.support.origins, "origins", lang),
            sites=count(brief.support.sites, "sites", lang),
        ),
        *as_one(brief, lang),
        say("first", lang, who=plain(first), when=when(brief.first.said_at)),
    ]
    return ("；" if lang == "zh" else "; ").join(parts) + ("。" if lang == "zh" else ".")


def as_one(brief: Brief, lang: str) -> list[str]:
    """Who counts as one voice in it, in words; nothing where everybody speaks for themselves."""
    cut = brief.discount
    if cut is None:
        return []
    said = []
    if cut.share:
        said.append(say("as one", lang, voices=cut.voices, n=round(cut.independent)))
    if cut.passed_off:
        said.append(say("passed off", lang, n=cut.passed_off))
    return said


def loud(brief: Brief, lang: str) -> str:
    posts, people = count(brief.posts, "posts", lang), count(brief.authors, "people", lang)
    return say("loud", lang, posts=posts, authors=people)


def standing(line: Line, lang: str) -> str:
    """How many origins stand behind a sentence and against it, in words."""
    said = say("by one", lang) if line.origins_for == 1 else say("by", lang, n=line.origins_for)
    against = say("against", lang, n=line.origins_against) if line.origins_against else ""
    return ", ".join(filter(None, (said if line.origins_for else "", against)))


def _line(line: Line, lang: str) -> str:
    markers = "".join(f"[{n}]" for n in line.citations)
    denied = "".join(f"[{n}]" for n in line.against)
    who = f"{plain(line.by)}, {when(line.said_at)}: " if line.kind == "alone" and line.by else ""
    tail = f" ({standing(line, lang)}{': ' + denied if denied else ''})"
    return f"- {who}{plain(line.text)} {markers}{tail if line.by or denied else ''}".rstrip()


def _citation(citation: Citation, lang: str) -> str:
    evidence = citation.evidence
    who = plain(evidence.author or evidence.source or say("no author", lang))
    copies = f", {say('origin of', lang, posts=citation.posts)}" if citation.posts > 1 else ""
    where = _address(evidence.url)
    shown = f" <{where}>" if where else f" ({plain(evidence.post)})"
    said = when(evidence.said_at)
    quote = "“" + plain(evidence.quote) + "”"
    return f"{citation.n}. {quote} — {who}, {said}{copies}.{shown}"


def _address(url: str) -> str:
    safe = url.startswith(("http://", "https://")) and not re.search(r"[\s<>]", url)
    return url if safe else ""


def title_of(digest: Digest) -> str:
    return (
        say("about", digest.lang, about=digest.about) if digest.about else say("title", digest.lang)
    )


def when_before(digest: Digest) -> str:
    return when(digest.before_at if digest.before_at is not None else digest.since)


def made_line(digest: Digest) -> str:
    how = say("written", digest.lang, model=digest.model) if digest.model else ""
    how = how or (say("composed", digest.lang) if digest.briefs else "")
    return say("made", digest.lang, when=when(digest.made_at), how=how)


def plain(text: str) -> str:
    """A stranger's words on one line, with nothing in them that would be markup."""
    return _MARKUP.sub(r"\\\1", _STEERING.sub(" ", text)).strip()

"""A digest as one HTML page: no script, nothing fetched, everything of strangers escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from urllib.parse import quote

from gnomon.digest.markdown import figures, loud, made_line, standing, title_of, when_before
from gnomon.digest.words import count, say, when
from gnomon.types import Brief, Citation, Digest, Line

_KINDS = ("known", "disputed", "alone")
SPARK_WIDTH, SPARK_HEIGHT = 240, 36


def style() -> str:
    """The style sheet of a digest's page."""
    return (files("gnomon.digest") / "page.css").read_text(encoding="utf-8")


def page(digest: Digest, *, base: str = "", feed: str = "", style_at: str = "") -> str:
    """A whole page. ``base`` begins our own addresses (empty: they are relative), ``feed`` is the
    address of the Atom feed that it announces (empty: none), ``style_at`` that of its style sheet
    (empty: it is in the page)."""
    return "".join(_page(digest, base, feed, style_at))


def _page(digest: Digest, base: str, feed: str, style_at: str) -> Iterator[str]:
    lang = "zh" if digest.lang == "zh" else "en"
    title = escape(title_of(digest))
    yield f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title} · gnomon</title>"
    if feed:
        kind = "application/atom+xml"
        yield f'<link rel="alternate" type="{kind}" href="{escape(feed, quote=True)}">'
    if style_at:
        yield f'<link rel="stylesheet" href="{escape(style_at, quote=True)}">'
    else:
        yield f"<style>{style()}</style>"
    yield f"</head><body><main><header><h1>{title}</h1>"
    span = say("span", lang, since=when(digest.since), until=when(digest.until))
    yield f'<p class="meta">{escape(span)}<br>{escape(counts(digest))}</p>'
    if digest.sample:
        yield f'<p class="fiction">{escape(say("sample", lang))}</p>'
    yield "</header>"
    if not digest.briefs:
        key = "empty about" if digest.about else "empty"
        yield f"<p>{escape(say(key, lang, about=digest.about))}</p>"
    for number, brief in enumerate(digest.briefs, 1):
        yield from _brief(number, brief, lang, base)
    if digest.changes:
        heading = say("changed", lang, when=when_before(digest))
        yield f"<section><h2>{escape(heading)}</h2><ul>"
        yield from (f'<li dir="auto">{escape(change.text)}</li>' for change in digest.changes)
        yield "</ul></section>"
    for gap in digest.gaps:
        said = say("gap", lang, source=gap.source, reason=gap.reason)
        yield f'<p class="meta" dir="auto">{escape(said)}</p>'
    yield from _sources(digest.citations, lang, base)
    yield f"</main><footer><p>{escape(made_line(digest))}</p></footer></body></html>\n"


def counts(digest: Digest) -> str:
    lang = digest.lang
    return say(
        "counts",
        lang,
        posts=count(digest.posts, "posts", lang),
        origins=count(digest.origins, "origins", lang),
        stories=count(digest.stories, "stories", lang),
    )


def _brief(number: int, brief: Brief, lang: str, base: str) -> Iterator[str]:
    mark = _markers((brief.title_by,) if brief.title_by else ())
    yield f'<section><h2 dir="auto">{number}. {escape(brief.title)}{mark}</h2>'
    yield spark(brief, lang)
    yield f'<p class="figures" dir="auto">{escape(figures(brief, lang))}</p>'
    for kind in _KINDS:
        lines = brief.of(kind)
        if lines:
            yield f'<div class="{kind}"><h3>{escape(say(kind, lang))}</h3><ul>'
            yield from (_line(line, lang) for line in lines)
            yield "</ul></div>"
    yield "</section>"


def spark(brief: Brief, lang: str) -> str:
    """Posts over time as bars: one picture that needs no script; said in words for who hears it."""
    bars = brief.spark
    most = max(bars, default=0)
    if len(bars) < 2 or not most:
        return ""
    width = SPARK_WIDTH / len(bars)
    said = loud(brief, lang)
    shapes = "".join(
        f'<rect x="{at * width:.1f}" y="{SPARK_HEIGHT * (1 - bar / most):.1f}" '
        f'width="{max(width - 1, 0.5):.1f}" height="{SPARK_HEIGHT * bar / most:.1f}"/>'
        for at, bar in enumerate(bars)
        if bar
    )
    return (
        f'<svg role="img" aria-label="{escape(said, quote=True)}" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}">{shapes}</svg>'
    )


def _line(line: Line, lang: str) -> str:
    who = ""
    if line.kind == "alone" and line.by:
        who = f'<span class="standing">{escape(line.by)}, {when(line.said_at)}:</span> '
    against = _markers(line.against)
    said = escape(standing(line, lang))
    tail = f' <span class="standing">({said}{against})</span>' if line.by or against else ""
    return f'<li dir="auto">{who}{escape(line.text)}{_markers(line.citations)}{tail}</li>'


def _markers(numbers: Sequence[int]) -> str:
    return "".join(f'<sup><a href="#s{n}">[{n}]</a></sup>' for n in numbers)


def _sources(citations: Sequence[Citation], lang: str, base: str) -> Iterator[str]:
    if not citations:
        return
    yield f'<section class="sources"><h2>{escape(say("sources", lang))}</h2><ol>'
    for citation in citations:
        evidence = citation.evidence
        who = evidence.author or evidence.source or say("no author", lang)
        copies = f", {say('origin of', lang, posts=citation.posts)}" if citation.posts > 1 else ""
        held = f"{base}/posts/{quote(evidence.post, safe='')}"
        out = evidence.url if evidence.url.startswith(("http://", "https://")) else held
        link = f'<a rel="noreferrer noopener" href="{escape(out, quote=True)}">{escape(who)}</a>'
        yield (
            f'<li id="s{citation.n}" value="{citation.n}"><blockquote dir="auto">“'
            f"{escape(evidence.quote)}”</blockquote>{link}, {when(evidence.said_at)}"
            f'{escape(copies)} · <a href="{escape(held, quote=True)}">{evidence.hash[:12]}</a></li>'
        )
    yield "</ol></section>"

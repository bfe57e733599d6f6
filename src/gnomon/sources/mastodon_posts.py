"""Mastodon's statuses as posts, without any network.

https://docs.joinmastodon.org/entities/Status/. Pleroma, Akkoma, GoToSocial and others answer with
the same entities; where they differ, the field is absent and nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gnomon.errors import InputError
from gnomon.sources.markup import plain_text
from gnomon.sources.shapes import (
    counts,
    filled,
    mapping,
    mappings,
    moment,
    moment_iso,
    name_of,
    string,
    strings,
)
from gnomon.types import Post

NETWORK = "mastodon"
# Words by which a content warning or hashtag says "adult". A warning alone may stand before
# politics, food or a film's ending: most do.
_ADULT = re.compile(
    r"\b(?:nsfw|18\+|lewd|nud(?:e|es|ity)|porn\w*|sex|sexual|kink\w*|hentai|ero|gore)\b|色情|成人|裸",
    re.IGNORECASE,
)
# What Mastodon puts before a quote for servers that do not know quotes (since 4.5).
_QUOTE_INLINE = re.compile(
    r"<p[^>]*\bclass=\"[^\"]*\bquote-inline\b[^\"]*\"[^>]*>.*?</p>"
    r"|<span[^>]*\bclass=\"[^\"]*\bquote-inline\b[^\"]*\"[^>]*>.*?</span>",
    re.IGNORECASE | re.DOTALL,
)
_HREF = re.compile(r"<a\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(href|class)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)


class NotPublicError(InputError):
    """A status that its author did not say to everybody."""


def post_id(host: str, id: str) -> str:
    """``mastodon:<host>/<id>``: ids are those of the instance that was asked."""
    return f"{NETWORK}:{host}/{id}"


def posts_of(status: Any, *, host: str, source: str, fetched_at: float) -> Iterator[Post]:
    """The posts that a status brings: a boost brings what it boosts, too, where that is public.

    Raises NotPublicError or InputError where the status itself cannot be taken.
    """
    if not isinstance(status, Mapping):
        raise InputError(f"{str(status)[:40]!r} stands where a status should.")
    boosted = status.get("reblog")
    if isinstance(boosted, Mapping) and boosted:
        # A boost of what is not public shows nothing of it.
        yield _post(boosted, host, source, fetched_at)
    yield _post(status, host, source, fetched_at)
    quoted = mapping(mapping(status.get("quote")).get("quoted_status"))
    if quoted and quoted.get("visibility") == "public":
        yield _post(quoted, host, source, fetched_at)


def _post(status: Mapping[str, Any], host: str, source: str, fetched_at: float) -> Post:
    account = mapping(status.get("account"))
    _require_public(status, account)
    own = name_of(status.get("id"))
    if not own:
        raise InputError(f"its id is {str(status.get('id'))[:40]!r}, not a string.")
    content = status.get("content")
    if not isinstance(content, str):
        raise InputError(f"'content' is {str(content)[:40]!r}, not a string.")
    boosted = name_of(mapping(status.get("reblog")).get("id"))
    quotes = _quoted(status)
    if quotes:
        content = _QUOTE_INLINE.sub("", content)
    media = mappings(status.get("media_attachments"))
    card = mapping(status.get("card"))
    tags = strings(string(tag.get("name")) for tag in mappings(status.get("tags")))
    parent = name_of(status.get("in_reply_to_id"))
    return Post(
        id=post_id(host, own),
        text="" if boosted else plain_text(content),
        source=source,
        fetched_at=fetched_at,
        author=handle(account, host),
        created_at=moment(status.get("created_at")),
        lang=string(status.get("language")),
        url=string(status.get("url")) or string(status.get("uri")),
        reply_to=post_id(host, parent) if parent else "",
        repost_of=post_id(host, boosted) if boosted else "",
        quotes=post_id(host, quotes) if quotes and not boosted else "",
        links=() if boosted else strings([*_links(content), string(card.get("url"))]),
        media=()
        if boosted
        else strings(string(item.get("remote_url")) or string(item.get("url")) for item in media),
        labels=() if boosted else _labels(status, bool(media), tags),
        counts=counts(
            likes=status.get("favourites_count"),
            reposts=status.get("reblogs_count"),
            replies=status.get("replies_count"),
            quotes=status.get("quotes_count"),
            followers=account.get("followers_count"),
        ),
        extra=_extra(status, account, media, card, tags),
    )


def handle(account: Mapping[str, Any], host: str) -> str:
    """``user@instance``: the instance's own users come without one."""
    acct = string(account.get("acct")) or string(account.get("username"))
    return acct if "@" in acct or not acct else f"{acct}@{host}"


def _require_public(status: Mapping[str, Any], account: Mapping[str, Any]) -> None:
    visibility = status.get("visibility", "public")
    if visibility == "unlisted":
        raise NotPublicError(
            "its author posted it as unlisted ('quiet public'), that is: not to be searched or "
            "listed; it is not taken in."
        )
    if visibility != "public":
        raise NotPublicError(
            f"its visibility is {str(visibility)[:20]!r}, not 'public'; it is not taken in."
        )
    if account.get("noindex") is True:
        raise NotPublicError(
            "its author asks search engines not to index their posts (noindex); it is not taken in."
        )
    if account.get("suspended") is True:
        raise NotPublicError("its account is suspended by its instance; it is not taken in.")


def _quoted(status: Mapping[str, Any]) -> str:
    """The id of an accepted quote. A pending, rejected or revoked one shows nothing
    (https://docs.joinmastodon.org/entities/Quote/)."""
    quote = mapping(status.get("quote"))
    if quote.get("state", "accepted") != "accepted":
        return ""
    return (
        name_of(mapping(quote.get("quoted_status")).get("id"))
        or name_of(quote.get("quoted_status_id"))
        or (name_of(quote.get("id")) if "state" not in quote else "")
    )


def _links(content: str) -> Iterator[str]:
    """Where the text links to, mentions and hashtags aside."""
    for tag in _HREF.finditer(content):
        found = {name.lower(): value for name, value in _ATTRIBUTE.findall(tag[1])}
        classes = found.get("class", "").split()
        url = found.get("href", "").replace("&amp;", "&")
        if url.startswith(("http://", "https://")) and not {"mention", "hashtag"} & set(classes):
            yield url


def _labels(status: Mapping[str, Any], pictures: bool, tags: tuple[str, ...]) -> tuple[str, ...]:
    """``sensitive`` hides pictures, ``spoiler_text`` stands before the words. Pictures hidden
    without a word of warning, and a warning or hashtag that says so, count as adult."""
    warning = string(status.get("spoiler_text"))
    sensitive = status.get("sensitive") is True
    adult = sensitive and pictures and not warning
    adult = adult or bool(_ADULT.search(warning)) or any(_ADULT.fullmatch(tag) for tag in tags)
    names = (("sensitive", sensitive), ("spoiler", bool(warning)), ("adult", adult))
    return tuple(name for name, holds in names if holds)


def _extra(
    status: Mapping[str, Any],
    account: Mapping[str, Any],
    media: list[Mapping[str, Any]],
    card: Mapping[str, Any],
    tags: tuple[str, ...],
) -> dict[str, Any]:
    poll = mappings(mapping(status.get("poll")).get("options"))
    about_card = {name: string(card.get(name)) for name in ("title", "description")}
    return filled(
        name=string(account.get("display_name")),
        author_id=name_of(account.get("id")),
        bot=account.get("bot") is True,
        account_created_at=moment_iso(account.get("created_at")),
        edited_at=moment_iso(status.get("edited_at")),
        spoiler=plain_text(string(status.get("spoiler_text"))),
        tags=list(tags),
        mentions=list(strings(string(one.get("acct")) for one in mappings(status.get("mentions")))),
        alt=list(strings(string(item.get("description")) for item in media)),
        card={name: value for name, value in about_card.items() if value},
        poll=list(strings(string(option.get("title")) for option in poll)),
        uri=string(status.get("uri")) if status.get("uri") != status.get("url") else "",
        app=string(mapping(status.get("application")).get("name")),
    )

"""X's posts as the API v2 gives them, without any network.

https://docs.x.com/x-api/fundamentals/data-dictionary. A page holds ``data`` and, beside it, the
accounts, media and other posts that it refers to (``includes``); twarc's flattened lines hold them
inside. An edited post has a new number at each edit: here it keeps the first, so that an edit is
seen as one.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gnomon.errors import InputError
from gnomon.sources.shapes import (
    array,
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

NETWORK = "x"
SITE = "https://x.com"
# Snowflake numbers count milliseconds from here, shifted by 22 bits
# (https://docs.x.com/fundamentals/x-ids).
EPOCH_MS = 1288834974657


class NotPublicError(InputError):
    """A post that not everybody may read."""


def post_id(number: str) -> str:
    """``x:<number>``, the number being that of a post's first version."""
    return f"{NETWORK}:{number}"


@dataclass
class Page:
    """What a page holds, by number or key."""

    tweets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    users: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    media: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    polls: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, page: Mapping[str, Any]) -> Page:
        """From a page of the API, or one flattened post."""
        made = cls()
        data = page.get("data")
        if data is None and page.get("id") and "text" in page:
            data = page
        for tweet in mappings(data) or ([data] if isinstance(data, Mapping) else []):
            made._add(tweet)
        includes = mapping(page.get("includes"))
        for tweet in mappings(includes.get("tweets")):
            made._add(tweet)
        for kind, key in (("users", "id"), ("media", "media_key"), ("polls", "id")):
            held = getattr(made, kind)
            held |= {name_of(one.get(key)): one for one in mappings(includes.get(kind))}
        return made

    def _add(self, tweet: Mapping[str, Any]) -> None:
        """A post and what a flattened one carries inside."""
        queue = [tweet]
        while queue:
            tweet = queue.pop()
            number = name_of(tweet.get("id"))
            if number and "text" in tweet:
                self.tweets.setdefault(number, tweet)
            author = mapping(tweet.get("author"))
            if author:
                self.users.setdefault(name_of(author.get("id")), author)
            attached = mapping(tweet.get("attachments"))
            self.media |= {
                name_of(one.get("media_key")): one for one in mappings(attached.get("media"))
            }
            if isinstance(attached.get("poll"), Mapping):
                self.polls |= {name_of(attached["poll"].get("id")): attached["poll"]}
            queue += [one for one in mappings(tweet.get("referenced_tweets")) if "text" in one]

    def newest(self) -> Iterator[Mapping[str, Any]]:
        """The posts, each in its newest version only."""
        for number, tweet in self.tweets.items():
            last = versions(tweet)[-1]
            if last == number or last not in self.tweets:
                yield tweet

    def first(self, number: str) -> str:
        """The number of the first version of the post that ``number`` is a version of."""
        tweet = self.tweets.get(number)
        return versions(tweet)[0] if tweet is not None else number


def versions(tweet: Mapping[str, Any]) -> list[str]:
    """The numbers of a post's versions, oldest first; never empty."""
    known = [one for one in array(tweet.get("edit_history_tweet_ids")) if name_of(one).isdigit()]
    return sorted((name_of(one) for one in known), key=int) or [name_of(tweet.get("id"))]


def written_at(number: str) -> float | None:
    """When the post of this number was written, epoch seconds; None for numbers of before
    November 2010, which do not tell."""
    if not number.isdigit() or not 12 <= len(number) <= 19:
        return None
    return ((int(number) >> 22) + EPOCH_MS) / 1000.0


def post_of(tweet: Mapping[str, Any], page: Page, *, source: str, fetched_at: float) -> Post:
    """The Post of one of ``page``'s. A repost has no text and ``repost_of`` set.

    Raises NotPublicError or InputError.
    """
    number, text = name_of(tweet.get("id")), tweet.get("text")
    if not (number.isascii() and number.isdigit()):
        raise InputError(f"its id is {str(tweet.get('id'))[:40]!r}, not a number.")
    if not isinstance(text, str):
        raise InputError(f"'text' is {str(text)[:40]!r}, not a string.")
    user = page.users.get(name_of(tweet.get("author_id")), {})
    _require_public(tweet, user)
    author = string(user.get("username")) or name_of(tweet.get("author_id"))
    refs = {
        string(one.get("type")): name_of(one.get("id"))
        for one in mappings(tweet.get("referenced_tweets"))
    }
    long = mapping(tweet.get("note_tweet"))
    entities = mapping(long.get("entities") if long else tweet.get("entities"))
    urls = mappings(entities.get("urls"))
    words = string(long.get("text")) or text
    attached = mapping(tweet.get("attachments"))
    media = [page.media.get(name_of(key), {}) for key in array(attached.get("media_keys"))]
    media = media or mappings(attached.get("media"))
    repost = refs.get("retweeted", "")
    quoted = refs.get("quoted", "")
    sensitive = tweet.get("possibly_sensitive") is True
    reply = refs.get("replied_to", "")
    return Post(
        id=post_id(versions(tweet)[0]),
        text="" if repost else plain(words, urls, quoted),
        source=source,
        fetched_at=fetched_at,
        author=author,
        created_at=moment(tweet.get("created_at")),
        lang=_lang(tweet.get("lang")),
        url=f"{SITE}/{string(user.get('username')) or 'i/web'}/status/{number}",
        reply_to=post_id(page.first(reply)) if reply else "",
        repost_of=post_id(page.first(repost)) if repost else "",
        quotes=post_id(page.first(quoted)) if quoted and not repost else "",
        links=() if repost else strings(_outside(urls, quoted)),
        media=() if repost else strings(_file(one) for one in media),
        labels=_labels(sensitive, bool(media)) if not repost else (),
        counts=_counts(tweet, user),
        extra=_extra(tweet, user, page, entities, media),
    )


def plain(text: str, urls: Iterable[Mapping[str, Any]], quoted: str = "") -> str:
    """The words as they are shown: short addresses written out, those of pictures and of the
    quoted post left away."""
    text = html.unescape(text)
    for url in urls:
        short, full = string(url.get("url")), string(url.get("expanded_url"))
        if short and full:
            inside = _is_media(url) or (quoted and full.rstrip("/").endswith(f"/status/{quoted}"))
            text = text.replace(short, "" if inside else full)
    return text.strip()


def _outside(urls: Iterable[Mapping[str, Any]], quoted: str) -> Iterator[str]:
    for url in urls:
        full = string(url.get("unwound_url")) or string(url.get("expanded_url"))
        if full and not _is_media(url) and not (quoted and full.endswith(f"/status/{quoted}")):
            yield full


def _is_media(url: Mapping[str, Any]) -> bool:
    shown = string(url.get("display_url"))
    return bool(url.get("media_key")) or shown.startswith(("pic.twitter.com/", "pic.x.com/"))


def _require_public(tweet: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    if user.get("protected") is True or tweet.get("protected") is True:
        raise NotPublicError("its account is protected, not public; it is not taken in.")
    for what, thing in (("it", tweet), ("its account", user)):
        withheld = mapping(thing.get("withheld"))
        if withheld:
            where = ", ".join(name_of(one) for one in array(withheld.get("country_codes")))
            raise NotPublicError(
                f"{what} is withheld by law in {where[:80] or 'some countries'}; it is not taken "
                "in."
            )


def _labels(sensitive: bool, pictures: bool) -> tuple[str, ...]:
    names = (("sensitive", sensitive), ("adult", sensitive and pictures))
    return tuple(name for name, holds in names if holds)


def _lang(value: Any) -> str:
    """X's codes: "und", and those beginning with q, say what kind of thing has no language."""
    code = string(value)
    return "" if code == "und" or (len(code) == 3 and code[0] == "q") else code


def _file(media: Mapping[str, Any]) -> str:
    """A picture's address, or a film's best MP4."""
    kinds = mappings(media.get("variants"))
    films = [one for one in kinds if one.get("content_type") == "video/mp4"]
    rates = [rate if isinstance(rate := one.get("bit_rate"), int) else 0 for one in films]
    best = string(films[rates.index(max(rates))].get("url")) if films else ""
    return best or string(media.get("url")) or string(media.get("preview_image_url"))


def _counts(tweet: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, int]:
    public, about = mapping(tweet.get("public_metrics")), mapping(user.get("public_metrics"))
    return counts(
        likes=public.get("like_count"),
        reposts=public.get("retweet_count"),
        replies=public.get("reply_count"),
        quotes=public.get("quote_count"),
        views=public.get("impression_count"),
        followers=about.get("followers_count"),
    )


def _extra(
    tweet: Mapping[str, Any],
    user: Mapping[str, Any],
    page: Page,
    entities: Mapping[str, Any],
    media: list[Mapping[str, Any]],
) -> dict[str, Any]:
    number, known = name_of(tweet.get("id")), versions(tweet)
    cards = [one for one in mappings(entities.get("urls")) if one.get("title")]
    card = {key: string(cards[0].get(key)) for key in ("title", "description")} if cards else {}
    polls = [
        page.polls.get(name_of(key), {})
        for key in array(mapping(tweet.get("attachments")).get("poll_ids"))
    ]
    thread = name_of(tweet.get("conversation_id"))
    return filled(
        name=string(user.get("name")),
        author_id=name_of(tweet.get("author_id")),
        account_created_at=moment_iso(user.get("created_at")),
        edited_at=moment_iso(tweet.get("created_at")) if number != known[0] else "",
        versions=known if len(known) > 1 else [],
        thread=post_id(thread) if thread not in ("", number) else "",
        tags=list(strings(string(one.get("tag")) for one in mappings(entities.get("hashtags")))),
        mentions=list(
            strings(string(one.get("username")) for one in mappings(entities.get("mentions")))
        ),
        alt=list(strings(string(one.get("alt_text")) for one in media)),
        card={key: value for key, value in card.items() if value},
        poll=list(
            strings(
                string(option.get("label"))
                for poll in polls
                for option in mappings(poll.get("options"))
            )
        ),
        app=string(tweet.get("source")),
    )

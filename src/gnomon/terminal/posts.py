"""Posts as they are held: search results, one post whole, pictures that posts show."""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.terminal.console import count, err, line, prose, safe, warn, when
from gnomon.types import Campaign, EdgeKind, Found, PostView
from gnomon.types.post_pictures import PicturesFound

_KINDS = {
    EdgeKind.ROOT: "first",
    EdgeKind.REPOST: "repost",
    EdgeKind.QUOTE: "quote",
    EdgeKind.URL: "same link",
    EdgeKind.COPY: "copy",
    EdgeKind.MEDIA: "same picture",
    EdgeKind.WIRE: "agency's story",
    EdgeKind.MEANING: "other words",
}


def results(found: Sequence[Found], *, held: int) -> None:
    """Search results, one origin each. ``held`` says how many posts there were to search."""
    for item in found:
        post, span = item.post, item.post.text[item.start : item.end]
        copies = ""
        if item.origin.posts > 1:
            copies = f"  [yellow]{count(item.origin.posts, 'post')} of one origin[/]"
        author = f"  {safe(post.author)}" if post.author else ""
        line(f"[bold]{safe(post.id)}[/]  [dim]{when(post.time)}[/]{author}{copies}")
        title = f"{post.title}: " if post.title else ""
        prose(f"  {safe(title + span)}")
    if not found and held:
        line(f"None of {count(held, 'post')} matches; other words may.")
    elif not found:
        prose(
            "Nothing is held yet; `gnomon pull FILE` takes posts in, and --sample looks in the "
            "sample world."
        )


def post(view: PostView) -> None:
    """One post, whole."""
    held = view.post
    line(f"[bold]{safe(held.title or held.id)}[/]")
    author = f"{safe(held.author)}, " if held.author else ""
    line(f"[dim]{author}{when(held.time)}, {safe(held.url or held.id)}[/]\n")
    prose(safe(held.text))
    fetched = when(held.fetched_at)
    line(f"\n[dim]source {safe(held.source)}, fetched {fetched}, SHA-256 {held.hash}[/]")
    if view.origin.posts > 1:
        prose(
            f"Stands in one origin of {count(view.origin.posts, 'post')} by "
            f"{count(view.origin.authors, 'author')} ({view.link.kind.value}); "
            f"first: {safe(view.origin.id)}, {when(view.origin.first_seen)}"
        )
        prose(f"[dim]{safe(view.why)}[/]")
        kinds = {link.post: _KINDS[link.kind] for link in view.links}
        for member in view.members[:20]:
            kind = f"  {kinds[member.id]}" if member.id in kinds else ""
            line(f"  [dim]{when(member.time)}  {safe(member.author)}  {safe(member.id)}{kind}[/]")
        if len(view.members) > 20:
            line(f"  [dim]and {len(view.members) - 20} more[/]")
        if view.campaign is not None and view.campaign.signs:
            _campaign(view.campaign)
    for one in view.media_checks:
        who = f", signed as {safe(one.signer)}" if one.signer else ""
        how = {True: ", made by a model", False: ", made without a model"}
        made = how[one.machine] if one.machine is not None else ""
        mark = ", carries our own watermark" if one.mark else ""
        prose(f"[dim]picture {safe(one.media)}: {one.state}{who}{made}{mark}. {safe(one.why)}[/]")
    for old in view.revisions:
        prose(f"[yellow]edited {when(old.replaced_at)}; before:[/] {safe(old.text)}")
    for reply in view.replies:
        prose(f"[dim]↳ {safe(reply.author)}: {safe(reply.text[:200])}[/]")


def _campaign(found: Campaign) -> None:
    """Whether an origin's posts look placed together, with every sign and examples of the edits."""
    if found.coordinated:
        prose(
            "[yellow]Looks coordinated[/]: "
            f"{count(found.unattributed, 'account')} put the same text out as their own, "
            f"{when(found.since)} to {when(found.until)}, in {count(found.texts, 'wording')}; "
            f"score {found.score:.4f} (1 - p of this in ordinary sharing). It has one vote."
        )
    else:
        prose(f"[dim]Not told from ordinary sharing: score {found.score:.2f} (1 - p).[/]")
    for sign in found.signs:
        line(f"  [dim]{sign.name}: {safe(sign.reason)} (p = {sign.p:.2g})[/]")
    for variant in found.variants if found.coordinated else ():
        line(
            f"  [dim]{safe(variant.author)}: “{safe(variant.removed)}” became "
            f"“{safe(variant.added)}”[/]"
        )


def pictures_found(result: PicturesFound) -> None:
    """Pictures of posts, each once."""
    if result.why:
        prose(f"[yellow]{safe(result.why)}[/]", to=err)
    if result.not_translated:
        warn(f"Not translated: {' '.join(result.not_translated)}.")
    for item in result.found:
        post, seen = item.post, item.picture
        near = "" if item.similarity is None else f"  [dim]{item.similarity:.2f}[/]"
        author = f"  {safe(post.author)}" if post.author else ""
        line(f"[bold]{safe(post.id)}[/]  [dim]{when(post.time)}[/]{author}{near}")
        prose(f"  {safe(seen.alt) if seen.alt else '[dim]no description[/]'}")
        line(f"  [dim]{seen.width} x {seen.height} {seen.form}: {safe(seen.media)}[/]")
        if item.posts > 1:
            first = f"first: {safe(item.first.author or item.first.id)}, {when(item.first.time)}"
            line(f"  [yellow]shown by {count(item.posts, 'post')}, one picture[/]; {first}")
    if not result.found and result.kept:
        line(f"None of {count(result.kept, 'picture')} matches; other words may.")

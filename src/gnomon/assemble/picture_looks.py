"""Looking at a finished picture before anybody sees it: nudity, and what is written in it."""

from __future__ import annotations

from gnomon.errors import InputError, SourceError, Unsupported
from gnomon.guardrails import KINDS, Policy, Ruling, about_children, judge_written
from gnomon.models.draw_look import NAME as LOOK
from gnomon.models.draw_look import Look
from gnomon.models.draw_raster import encode
from gnomon.sources import ocr, sandbox
from gnomon.types.pictures import Raster

CHILD_FACTOR = 0.5
"""Where a prompt speaks of children, a picture is refused from half the usual score on."""
LEAST_READ = 192
"""Pixels of the shorter side from which a picture is read: smaller ones hold no line that the
reader makes out, and reading takes a second."""
_NOT_LOOKED_FOR = "nothing here looks for it in a picture"
_READ = "only what is written in it is held to this rule"
_BOUNDS = sandbox.Bounds(cpu_s=30, wall_s=60.0)


def nudity(raster: Raster, prompt: str, policy: Policy, look: Look) -> list[Ruling]:
    """Raises ModelError."""
    score = look.nsfw(raster)
    if about_children(prompt) and score >= policy.nsfw_threshold * CHILD_FACTOR:
        return [Ruling("minors", "nudity-in-picture", "refuse", judge="picture")]
    action = policy.action("sexual")
    if score < policy.nsfw_threshold or action == "off":
        return []
    return [Ruling("sexual", "nudity-in-picture", action, judge="picture")]


def writing(raster: Raster, prompt: str, policy: Policy) -> list[Ruling]:
    """What is written in a picture, held to the rules; nothing where rapidocr is not installed, the
    picture is too small, or nothing can be read."""
    if not readable(raster.width, raster.height):
        return []
    try:
        parsed = sandbox.parse_bytes(encode(raster, "png"), "picture.png", bounds=_BOUNDS)
    except (InputError, Unsupported, SourceError):  # no line that can be made out
        return []
    text = "\n".join(part.text for part in parsed.parts)
    return judge_written(text, prompt, policy)


def readable(width: int, height: int) -> bool:
    return ocr.installed() and min(width, height) >= LEAST_READ


def unchecked(look: Look | None, *, read: bool) -> dict[str, str]:
    """Each kind that is not looked for in a picture, or only in its writing, and why."""
    why = _READ if read else _NOT_LOOKED_FOR
    told = {kind: why for kind in KINDS if kind != "sexual"}
    if look is None:
        told["sexual"] = f"{LOOK} is not on this machine; `gnomon models pull {LOOK}`"
    return told

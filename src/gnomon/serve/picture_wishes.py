"""Does a question of a conversation ask for a picture? No model decides that.

One that begins with ``/draw`` does; with the tool ``image_generation`` also one that says so in its
first words, in English or Chinese, or whose ``tool_choice`` is that tool.
"""

from __future__ import annotations

import re
from dataclasses import replace

from gnomon.serve.context import Context
from gnomon.serve.drawing import commanded, pictures_of
from gnomon.serve.images_asking import commission
from gnomon.serve.making import Wanted

_NOT_OPTIONS = frozenset(
    ("type", "action", "input_fidelity", "input_image_mask", "moderation", "model")
)
"""Of the tool: what says nothing to a model here (its ``model`` names one of OpenAI's)."""
_DRAWS = re.compile(
    r"(?:please |can you |could you |i want you to )*(?:draw|paint|sketch|illustrate|"
    r"(?:generate|create|make|render) (?:me )?(?:an? |the |some )?"
    r"(?:image|picture|drawing|photo|painting|illustration|icon|logo)s?)\b[\s:,]*(?:of )?(?:me )?",
    re.IGNORECASE,
)
_DRAWS_ZH = re.compile(
    r"(?:请|帮我|给我|请你|能不能|可以)*(?:画|绘制|生成|做)"
    r"(?:一?[张幅个副]|出)?(?:图片|图|画|插画)?[::, ]*"
)


async def commissioned(context: Context, wanted: Wanted, caller: str) -> Wanted:
    """``wanted`` with what is to be drawn, where its question asks for a picture. Raises ApiError,
    InputError."""
    options = wanted.tools.picture
    prompt = commanded(wanted.question)
    if prompt is None and options is not None:
        prompt = wanted.question if wanted.choice.draw else _prompt_in(wanted.question)
    if prompt is None:
        return wanted
    about = await context.desk.call(context.desk.engine.pictures.about)
    body = {name: value for name, value in (options or {}).items() if name not in _NOT_OPTIONS}
    body |= {"prompt": prompt, "stream": wanted.stream}
    wish = commission(body, caller, about)
    kept = pictures_of(context)
    return replace(wanted, commission=wish, table=kept, room=int(about["limits"]["kept_bytes"]))


def _prompt_in(question: str) -> str | None:
    """What a question wants to be drawn, where it says so in its first words."""
    for pattern in (_DRAWS, _DRAWS_ZH):
        found = pattern.match(question.strip())
        if found and (rest := question.strip()[found.end() :].strip()):
            return rest
    return None

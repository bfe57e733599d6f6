"""A request for pictures, read: OpenAI's fields, xAI's, and our own."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from gnomon.serve.http import ApiError, field, unsupported
from gnomon.types.pictures import Commission

FORMATS = ("png", "jpeg", "webp")
QUALITIES = {"auto": 1.0, "standard": 1.0, "medium": 1.0, "low": 0.5, "high": 1.5, "hd": 1.5,
             "xhigh": 2.0, "max": 2.0}  # fmt: skip
"""Of the model's own number of steps."""
_SIZE = re.compile(r"(\d{1,5})[x×*](\d{1,5})")
_RATIO = re.compile(r"(\d{1,3}(?:\.\d)?):(\d{1,3}(?:\.\d)?)")
_EDGES = {"1k": 1024, "2k": 2048}
MOST_SOURCE = 25 * 2**20
"""OpenAI's limit for one picture of an edit."""


def commission(
    body: Mapping[str, Any],
    caller: str,
    about: Mapping[str, Any],
    *,
    source: bytes | None = None,
    mask: bytes | None = None,
) -> Commission:
    """What is asked for. ``about`` is what ``engine.pictures`` tells of itself. Raises ApiError
    naming the field at fault."""
    if not isinstance(body.get("prompt"), str):
        raise ApiError(400, "'prompt' is missing; say what is to be drawn.", param="prompt",
                       code="missing_required_parameter")  # fmt: skip
    _refused(body)
    form = field(body, "output_format", str, "png")
    form = "jpeg" if form == "jpg" else form
    if form not in FORMATS:
        raise unsupported(
            "output_format", f"'output_format' is {form[:20]!r}; give one of {', '.join(FORMATS)}."
        )
    model = _model(body, about)
    return Commission(
        prompt=body["prompt"],
        n=_whole(body, "n", 1, 1, 100),
        size=_size(body, model),
        seed=_whole(body, "seed", None, 0, 2**32 - 1),
        steps=_steps(body, model, about),
        guidance=_number(body, "guidance", None, 0.0, 100.0),
        negative=field(body, "negative_prompt", str, ""),
        format=form,
        quality=_whole(body, "output_compression", 90, 1, 100),
        expand=field(body, "expand", bool, True),
        source=source,
        mask=mask,
        strength=_number(body, "strength", 0.7, 0.01, 1.0),
        previews=_whole(body, "partial_images", 0, 0, 3) if body.get("stream") else 0,
        model=model.get("id", ""),
        caller=caller,
    )


def wants_url(body: Mapping[str, Any]) -> bool:
    """``response_format``: "b64_json" unless "url" is asked for."""
    given = field(body, "response_format", str, "b64_json")
    if given not in ("url", "b64_json"):
        raise ApiError(
            400,
            f"'response_format' is {given[:20]!r}; give url or b64_json.",
            param="response_format",
            code="invalid_value",
        )
    return given == "url"


def pictures_in(body: Mapping[str, Any]) -> tuple[bytes, bytes | None]:
    """The source and the mask of an edit sent as JSON: ``image`` as xAI sends it, ``images`` as
    OpenAI does, each a data URL. Raises ApiError; nothing is fetched from anywhere."""
    given = body.get("image", body.get("images"))
    if isinstance(given, list):
        if len(given) != 1:
            raise unsupported("images", f"There are {len(given)} pictures; give one to edit.")
        given = given[0]
    mask = body.get("mask")
    return _of_url(given, "image"), None if mask is None else _of_url(mask, "mask")


def _of_url(given: Any, name: str) -> bytes:
    if isinstance(given, Mapping):
        if given.get("file_id"):
            raise unsupported(name, f"{name!r} names an upload; send the picture itself.")
        given = given.get("image_url") or given.get("url") or given.get("b64_json")
    if not isinstance(given, str) or not given:
        raise ApiError(
            400,
            f"{name!r} is missing; give a picture as a data URL, or as a file of a form.",
            param=name,
            code="missing_required_parameter",
        )
    if given.startswith(("http://", "https://")):
        raise unsupported(name, f"{name!r} is an address; send the picture itself (a data URL).")
    data = given.partition(",")[2] if given.startswith("data:") else given
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise ApiError(
            400, f"{name!r} is no base64 ({error}).", param=name, code="invalid_value"
        ) from None
    return _bounded(raw, name)


async def pictures_of_form(form: FormData) -> tuple[dict[str, Any], bytes, bytes | None]:
    """The fields of a form, its picture and its mask. Raises ApiError."""
    files: dict[str, list[bytes]] = {"image": [], "mask": []}
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        plain = name.removesuffix("[]")
        if isinstance(value, UploadFile):
            if plain not in files:
                raise ApiError(400, f"{name[:40]!r} is no picture of an edit.", param=name[:40])
            if value.size is not None and value.size > MOST_SOURCE:
                raise _too_large(plain)
            files[plain].append(_bounded(await value.read(), plain))
        else:
            fields[plain] = _field_of(plain, value)
    if len(files["image"]) != 1:
        count = len(files["image"])
        raise ApiError(
            400,
            f"There are {count} pictures named 'image' in the form; give one.",
            param="image",
            code="missing_required_parameter" if not count else "unsupported_parameter",
        )
    return fields, files["image"][0], files["mask"][0] if files["mask"] else None


def _field_of(name: str, text: str) -> Any:
    """A field of a form as JSON would have it. Raises ApiError."""
    kinds: dict[str, Any] = {
        "n": int, "seed": int, "steps": int, "partial_images": int, "output_compression": int,
        "guidance": float, "strength": float,
    }  # fmt: skip
    if name in ("stream", "store", "expand", "progress"):
        return text.strip().lower() in ("true", "1")
    if name in kinds:
        try:
            return kinds[name](text)
        except ValueError:
            raise ApiError(
                400, f"{name!r} is {text[:20]!r}; give a number.", param=name, code="invalid_type"
            ) from None
    return text


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > MOST_SOURCE:
        raise _too_large(name)
    return raw


def _too_large(name: str) -> ApiError:
    return ApiError(
        413, f"{name!r} is larger than {MOST_SOURCE:,} bytes.", param=name, code="file_too_large"
    )


def _refused(body: Mapping[str, Any]) -> None:
    """What no model here does, said aloud."""
    if field(body, "background", str, "auto") == "transparent":
        raise unsupported("background", "Pictures here have no transparency; ask for opaque.")
    if field(body, "output_format", str, "png") in ("gif", "svg"):
        raise unsupported("output_format", "No model here makes gif or svg; give png.")
    if body.get("style") not in (None, "vivid", "natural"):
        raise unsupported("style", "Describe the style in the prompt.")


def _model(body: Mapping[str, Any], about: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the model that is asked for, the default's without one. Raises 404."""
    name = field(body, "model", str, "")
    rows: list[Mapping[str, Any]] = about["models"]
    plain = name in ("", "gnomon", "auto")
    found = next((row for row in rows if plain or row["id"] == name), None)
    if plain and found is not None:
        return {**found, "id": ""}
    if found is None:
        here = ", ".join(row["id"] for row in rows) or "none"
        raise ApiError(
            404,
            about["why"]
            if plain
            else f"There is no model {name[:60]!r} for pictures; here: {here}.",
            type="not_found",
            param="model",
            code="model_not_found",
        )
    return found


def _size(body: Mapping[str, Any], model: Mapping[str, Any]) -> tuple[int, int] | None:
    """``size`` as WIDTHxHEIGHT or auto; xAI's ``aspect_ratio`` and ``resolution``."""
    size = field(body, "size", str, "auto") or "auto"
    ratio = field(body, "aspect_ratio", str, "auto") or "auto"
    if size != "auto":
        found = _SIZE.fullmatch(size)
        if found is None:
            raise _invalid("size", f"'size' is {size[:20]!r}; give auto or one like 512x512.")
        return int(found[1]), int(found[2])
    edge = field(body, "resolution", str, "")
    if edge and edge not in _EDGES:
        raise _invalid("resolution", f"'resolution' is {edge[:20]!r}; give 1k or 2k.")
    if ratio == "auto" and not edge:
        return None
    wide, high = 1.0, 1.0
    if ratio != "auto":
        shape = _RATIO.fullmatch(ratio)
        wide, high = (float(shape[1]), float(shape[2])) if shape else (0.0, 0.0)
        if not (high and 1 / 3 <= wide / high <= 3):
            told = f"'aspect_ratio' is {ratio[:20]!r}; give one like 16:9 (1:3 to 3:1)."
            raise _invalid("aspect_ratio", told)
    return _nearest(wide / high, _EDGES.get(edge), model)


def _nearest(shape: float, edge: int | None, model: Mapping[str, Any]) -> tuple[int, int] | None:
    """The model's own size of that shape; of a model of any size, about as many pixels."""
    sizes = [tuple(map(int, size.split("x"))) for size in model.get("sizes", ())]
    if not sizes:
        return None
    if model.get("fixed"):
        width, height = min(sizes, key=lambda s: abs(s[0] / s[1] - shape))
        return width, height
    multiple = int(model.get("multiple", 8))
    area = edge * edge if edge else sizes[0][0] * sizes[0][1]
    high = (area / shape) ** 0.5
    sides = (max(1, round(side / multiple)) * multiple for side in (high * shape, high))
    width, height = sides
    return width, height


def _steps(body: Mapping[str, Any], model: Mapping[str, Any], about: Mapping[str, Any]) -> int:
    """``steps``, or ``quality`` as a share of the model's own."""
    given = int(_whole(body, "steps", 0, 0, 10_000))
    quality = field(body, "quality", str, "auto") or "auto"
    if quality not in QUALITIES:
        raise _invalid("quality", f"'quality' is {quality[:20]!r}; give {', '.join(QUALITIES)}.")
    own = int(model.get("steps", 0))
    if given or not own or QUALITIES[quality] == 1.0:
        return given
    return max(1, min(int(about["limits"]["steps"]), round(own * QUALITIES[quality])))


def _whole(body: Mapping[str, Any], name: str, default: Any, least: int, most: int) -> Any:
    value = field(body, name, int, default)
    if value is not None and not least <= value <= most:
        raise _invalid(name, f"{name!r} is {value}; give {least} to {most}.")
    return value


def _number(body: Mapping[str, Any], name: str, default: Any, least: float, most: float) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(400, f"{name!r} is no number.", param=name, code="invalid_type")
    if not least <= value <= most:
        raise _invalid(name, f"{name!r} is {value}; give {least:g} to {most:g}.")
    return float(value)


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")

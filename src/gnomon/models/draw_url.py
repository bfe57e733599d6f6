"""Any server that speaks OpenAI's images API: a cloud, LocalAI, another gnomon.

https://platform.openai.com/docs/api-reference/images. The prompt leaves this machine for that
address, and nothing else does. A seed is sent; where the other side knows none (OpenAI), it is left
out and the picture cannot be made again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from gnomon.errors import InputError, ModelError, ModelTimeout
from gnomon.models.draw_raster import decode, encode, fitted
from gnomon.types.pictures import Brush, Raster, Sketch, Stroke

MOST_BYTES = 64 * 2**20


class UrlDraw:
    """A Draw behind a URL. ``url`` is the base that clients call ``base_url``, with its ``/v1``."""

    def __init__(self, url: str, *, model: str = "", key: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url[:120]!r} is no http(s) address; give one like http://host/v1.")
        self._model = model
        self.name = model or f"pictures@{parts.hostname}"
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url.rstrip("/") + "/", headers=headers)
        self._no_seed = False

    def brush(self) -> Brush:
        return Brush(
            name=self.name,
            sizes=((1024, 1024), (1536, 1024), (1024, 1536), (512, 512)),
            multiple=8,
            languages=(),
            steps=0,
            edits=True,
            masks=True,
            seeds=not self._no_seed,
        )

    def draw(self, sketch: Sketch, *, timeout_s: float = 600.0) -> Iterator[Stroke | Raster]:
        """See ``protocols.Draw``; one stroke at the beginning and one at the end, since the other
        side does not say how far it is."""
        yield Stroke(0, 1)
        reply = self._post(sketch, timeout_s)
        try:
            first = reply["data"][0]
            raster = decode(base64.b64decode(first["b64_json"], validate=True))
        except (KeyError, IndexError, TypeError, ValueError, InputError) as error:
            raise ModelError(
                f"{self.name} sent no picture; see whether its model draws."
            ) from error
        yield Stroke(1, 1)
        yield fitted(raster, (sketch.width, sketch.height))

    def close(self) -> None:
        self._client.close()

    def _post(self, sketch: Sketch, timeout_s: float) -> Mapping[str, Any]:
        told: dict[str, Any] = {
            "prompt": sketch.prompt,
            "n": 1,
            "size": f"{sketch.width}x{sketch.height}",
        }
        if self._model:
            told["model"] = self._model
        for seed in ([] if self._no_seed else [{"seed": sketch.seed}]) + [{}]:
            status, reply = self._asked({**told, **seed}, sketch, timeout_s)
            if status == 200:
                return reply
            said = _message(reply)
            if status == 400 and seed and "seed" in said.lower():
                self._no_seed = True
                continue
            if status in (400, 422):
                raise InputError(f"{self.name} refused it: {said}")
            raise ModelError(f"{self.name} answered {status}: {said}")
        raise AssertionError

    def _asked(
        self, told: dict[str, Any], sketch: Sketch, timeout_s: float
    ) -> tuple[int, Mapping[str, Any]]:
        try:
            if sketch.source is None:
                # gpt-image models know no response_format and always send base64; others need it.
                asked = told | (
                    {} if self._model.startswith("gpt-image") else {"response_format": "b64_json"}
                )
                request = self._client.build_request(
                    "POST", "images/generations", json=asked, timeout=timeout_s
                )
            else:
                files = {"image": ("image.png", encode(sketch.source, "png"), "image/png")}
                if sketch.mask is not None:
                    files["mask"] = ("mask.png", _mask(sketch), "image/png")
                fields = {name: str(value) for name, value in told.items()}
                request = self._client.build_request(
                    "POST", "images/edits", data=fields, files=files, timeout=timeout_s
                )
            reply = self._client.send(request, stream=True)
            try:
                body = b""
                for chunk in reply.iter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise ModelError(f"{self.name} sent more than {MOST_BYTES:,} bytes.")
            finally:
                reply.close()
        except httpx.TimeoutException as error:
            raise ModelTimeout(f"{self.name} did not answer within {timeout_s:g} s.") from error
        except httpx.HTTPError as error:
            raise ModelError(f"{self.name} cannot be reached ({type(error).__name__}).") from error
        try:
            value = httpx.Response(200, content=body).json()
        except ValueError:
            value = {}
        return reply.status_code, value if isinstance(value, dict) else {}


def _mask(sketch: Sketch) -> bytes:
    """As OpenAI wants it: transparent where the picture may change."""
    import io

    from PIL import Image

    assert sketch.mask is not None
    size = (sketch.width, sketch.height)
    alpha = Image.frombytes("L", size, bytes(255 - value for value in sketch.mask))
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    image.putalpha(alpha)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _message(reply: Mapping[str, Any]) -> str:
    error = reply.get("error")
    said = error.get("message") if isinstance(error, dict) else error
    return str(said or "it gave no reason")[:300]

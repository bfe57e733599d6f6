"""The gRPC server: /xai_api.Chat, /xai_api.Models and /xai_api.Image.

It runs in the event loop of the HTTP server, beside it, on a port of its own, without TLS:
``Client(api_host="localhost:50051", use_insecure_channel=True)``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.types import ASGIApp
from xai_sdk.proto import (
    chat_pb2,
    chat_pb2_grpc,
    deferred_pb2,
    image_pb2,
    image_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)

from gnomon.errors import ConfigError
from gnomon.serve.xai import answering, asking
from gnomon.serve.xai.inside import Caller, Inside, Refused

T = TypeVar("T")
Context: TypeAlias = Any  # grpc.aio.ServicerContext; the package has no types
GRACE_S = 5.0
MAX_MESSAGE_BYTES = 1_000_000
_ID = re.compile(r"[\w-]{1,100}")

# https://grpc.io/docs/guides/status-codes/, as Google maps HTTP to it
# (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    410: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Server:
    """gRPC beside the application ``app``, which is served over HTTP at ``netloc``. ``start`` and
    ``stop`` in the same event loop."""

    def __init__(self, app: ASGIApp, host: str, port: int, *, netloc: str = "") -> None:
        self._inside = Inside(app, netloc)
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._server: grpc.aio.Server | None = None
        self.port = port

    async def start(self) -> None:
        """Raises ConfigError where the port cannot be had."""
        limits = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),  # a port in use is told, not shared
        ]
        server = grpc.aio.server(options=limits)
        chat_pb2_grpc.add_ChatServicer_to_server(Chat(self._inside), server)
        models_pb2_grpc.add_ModelsServicer_to_server(Models(self._inside), server)
        image_pb2_grpc.add_ImageServicer_to_server(Image(self._inside), server)
        try:
            self.port = server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise ConfigError(
                f"gRPC cannot listen at {self._address}; stop what uses the port or give another "
                "with --xai-port."
            ) from error
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(GRACE_S)


class Chat(chat_pb2_grpc.ChatServicer):
    """Completions by way of ``/v1/responses``."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def GetCompletion(  # noqa: N802 - the protocol's names
        self, request: chat_pb2.GetCompletionsRequest, context: Context
    ) -> chat_pb2.GetChatCompletionResponse:
        body = await _body(request, context)
        made = await _asked(
            context, self._inside.json(_caller(context), "POST", "/v1/responses", body)
        )
        return answering.whole(made, inline=asking.inline_citations(request))

    async def GetCompletionChunk(  # noqa: N802
        self, request: chat_pb2.GetCompletionsRequest, context: Context
    ) -> AsyncIterator[chat_pb2.GetChatCompletionChunk]:
        body = await _body(request, context) | {"stream": True}
        chunks = answering.Chunks(inline=asking.inline_citations(request))
        events = self._inside.events(_caller(context), "/v1/responses", body)
        try:
            async with aclosing(events) as opened:  # type: ignore[type-var]
                async for event in opened:
                    if event.get("type") == "error":
                        await context.abort(grpc.StatusCode.INTERNAL, str(event.get("message")))
                    for chunk in chunks.of(event):
                        yield chunk
        except Refused as refused:
            await _abort(context, refused)

    async def StartDeferredCompletion(  # noqa: N802
        self, request: chat_pb2.GetCompletionsRequest, context: Context
    ) -> deferred_pb2.StartDeferredResponse:
        body = await _body(request, context) | {"background": True, "store": True}
        made = await _asked(
            context, self._inside.json(_caller(context), "POST", "/v1/responses", body)
        )
        return deferred_pb2.StartDeferredResponse(request_id=made["id"])

    async def GetDeferredCompletion(  # noqa: N802
        self, request: deferred_pb2.GetDeferredRequest, context: Context
    ) -> chat_pb2.GetDeferredCompletionResponse:
        made = await self._kept(request.request_id, context)
        if made["status"] in ("queued", "in_progress"):
            return chat_pb2.GetDeferredCompletionResponse(status=deferred_pb2.PENDING)
        if made["status"] in ("failed", "cancelled"):
            return chat_pb2.GetDeferredCompletionResponse(status=deferred_pb2.FAILED)
        done = answering.whole(made, inline=True)
        return chat_pb2.GetDeferredCompletionResponse(status=deferred_pb2.DONE, response=done)

    async def GetStoredCompletion(  # noqa: N802
        self, request: chat_pb2.GetStoredCompletionRequest, context: Context
    ) -> chat_pb2.GetChatCompletionResponse:
        return answering.whole(await self._kept(request.response_id, context), inline=True)

    async def DeleteStoredCompletion(  # noqa: N802
        self, request: chat_pb2.DeleteStoredCompletionRequest, context: Context
    ) -> chat_pb2.DeleteStoredCompletionResponse:
        path = await _path(request.response_id, context)
        await _asked(context, self._inside.json(_caller(context), "DELETE", path))
        return chat_pb2.DeleteStoredCompletionResponse(response_id=request.response_id)

    async def _kept(self, id: str, context: Context) -> Any:
        path = await _path(id, context)
        return await _asked(context, self._inside.json(_caller(context), "GET", path))


class Models(models_pb2_grpc.ModelsServicer):
    """The models of ``/v1/models``. Prices are 0: it is the owner's machine."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def ListLanguageModels(  # noqa: N802
        self, request: Empty, context: Context
    ) -> models_pb2.ListLanguageModelsResponse:
        found = [_language_model(m) async for m in self._listed(context, "chat")]
        return models_pb2.ListLanguageModelsResponse(models=found)

    async def ListEmbeddingModels(  # noqa: N802
        self, request: Empty, context: Context
    ) -> models_pb2.ListEmbeddingModelsResponse:
        found = [_embedding_model(m) async for m in self._listed(context, "embed")]
        return models_pb2.ListEmbeddingModelsResponse(models=found)

    async def ListImageGenerationModels(  # noqa: N802
        self, request: Empty, context: Context
    ) -> models_pb2.ListImageGenerationModelsResponse:
        found = [_image_model(m) async for m in self._listed(context, "draw")]
        return models_pb2.ListImageGenerationModelsResponse(models=found)

    async def GetLanguageModel(  # noqa: N802
        self, request: models_pb2.GetModelRequest, context: Context
    ) -> models_pb2.LanguageModel:
        return _language_model(await self._one(request.name, context, "chat"))

    async def GetEmbeddingModel(  # noqa: N802
        self, request: models_pb2.GetModelRequest, context: Context
    ) -> models_pb2.EmbeddingModel:
        return _embedding_model(await self._one(request.name, context, "embed"))

    async def GetImageGenerationModel(  # noqa: N802
        self, request: models_pb2.GetModelRequest, context: Context
    ) -> models_pb2.ImageGenerationModel:
        return _image_model(await self._one(request.name, context, "draw"))

    async def _listed(self, context: Context, task: str) -> AsyncIterator[dict[str, Any]]:
        found = await _asked(context, self._inside.json(_caller(context), "GET", "/v1/models"))
        for model in found["data"]:
            does = (model.get("gnomon") or {}).get("task", "chat")
            if does == task or (does == "answer" and task == "chat"):
                yield model

    async def _one(self, name: str, context: Context, task: str) -> dict[str, Any]:
        async for model in self._listed(context, task):
            if model["id"] == name:
                return model
        said = f"No {task} model {name[:80]!r} is here."
        await context.abort(grpc.StatusCode.NOT_FOUND, said)
        raise AssertionError  # abort raises


class Image(image_pb2_grpc.ImageServicer):
    """Pictures by way of ``/v1/images/generations``."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    async def GenerateImage(  # noqa: N802
        self, request: image_pb2.GenerateImageRequest, context: Context
    ) -> image_pb2.ImageResponse:
        body = _picture(request)
        path = "/v1/images/edits" if "images" in body else "/v1/images/generations"
        made = await _asked(context, self._inside.json(_caller(context), "POST", path, body))
        pictures = [
            image_pb2.GeneratedImage(
                base64=_data_url(one), url=one.get("url"), respect_moderation=True
            )
            for one in made["data"]
        ]
        return image_pb2.ImageResponse(images=pictures, model=made["model"])


def _picture(request: image_pb2.GenerateImageRequest) -> dict[str, Any]:
    """What a request for pictures comes to as ours: enumerations by their names."""
    body: dict[str, Any] = {"prompt": request.prompt, "n": request.n or 1}
    if request.model:
        body["model"] = request.model
    in_base64 = request.format != image_pb2.IMG_FORMAT_URL
    body["response_format"] = "b64_json" if in_base64 else "url"
    if request.aspect_ratio:
        name = image_pb2.ImageAspectRatio.Name(request.aspect_ratio)
        numbers = name.removeprefix("IMG_ASPECT_RATIO_").replace("19_5", "19.5")
        body["aspect_ratio"] = "auto" if numbers == "AUTO" else numbers.replace("_", ":")
    if request.resolution:
        name = image_pb2.ImageResolution.Name(request.resolution)
        body["resolution"] = name.removeprefix("IMG_RESOLUTION_").lower()
    if request.quality:
        name = image_pb2.ImageQuality.Name(request.quality)
        body["quality"] = name.removeprefix("IMG_QUALITY_").lower()
    sources = [*request.images, *([request.image] if request.HasField("image") else [])]
    if sources:
        body["images"] = [{"image_url": one.image_url, "file_id": one.file_id} for one in sources]
    return body


def _data_url(one: dict[str, Any]) -> str | None:
    """As xAI's client takes it apart."""
    packed = one.get("b64_json")
    return f"data:{one['mime_type']};base64,{packed}" if packed else None


def _language_model(model: dict[str, Any]) -> models_pb2.LanguageModel:
    return models_pb2.LanguageModel(
        name=model["id"],
        input_modalities=[models_pb2.TEXT],
        output_modalities=[models_pb2.TEXT],
        created=Timestamp(seconds=int(model["created"])),
    )


def _embedding_model(model: dict[str, Any]) -> models_pb2.EmbeddingModel:
    return models_pb2.EmbeddingModel(
        name=model["id"],
        input_modalities=[models_pb2.TEXT],
        output_modalities=[models_pb2.EMBEDDING],
        created=Timestamp(seconds=int(model["created"])),
    )


def _image_model(model: dict[str, Any]) -> models_pb2.ImageGenerationModel:
    return models_pb2.ImageGenerationModel(
        name=model["id"],
        input_modalities=[models_pb2.TEXT],
        output_modalities=[models_pb2.IMAGE],
        created=Timestamp(seconds=int(model["created"])),
    )


async def _body(request: chat_pb2.GetCompletionsRequest, context: Context) -> dict[str, Any]:
    try:
        return asking.body(request)
    except asking.Untranslatable as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        raise AssertionError from error  # abort raises


async def _path(id: str, context: Context) -> str:
    if not _ID.fullmatch(id):
        await context.abort(grpc.StatusCode.NOT_FOUND, f"No response {id[:80]!r} is kept.")
    return f"/v1/responses/{id}"


async def _asked(context: Context, answer: Awaitable[T]) -> T:
    try:
        return await answer
    except Refused as refused:
        await _abort(context, refused)
        raise AssertionError from refused  # abort raises


async def _abort(context: Context, refused: Refused) -> None:
    code = _CODES.get(refused.status, grpc.StatusCode.INTERNAL)
    trailing = [
        (name, refused.headers[name])
        for name in ("retry-after", "x-request-id")
        if name in refused.headers
    ]
    await context.abort(code, str(refused), tuple(trailing))


def _caller(context: Context) -> Caller:
    """Who calls, with the key of the metadata as the header that carries keys over HTTP."""
    given = {str(k): str(v) for k, v in context.invocation_metadata() or ()}
    headers = [("authorization", given["authorization"])] if "authorization" in given else []
    if "user-agent" in given:
        headers.append(("user-agent", given["user-agent"]))
    return Caller(client=_address(context.peer()), headers=headers)


def _address(peer: str) -> tuple[str, int]:
    """``ipv4:127.0.0.1:5000`` or ``ipv6:[::1]:5000`` (percent-encoded) as (address, port)."""
    found = re.fullmatch(r"ipv[46]:(?:%5B|\[)?(.+?)(?:%5D|\])?:(\d+)", peer)
    return (found[1], int(found[2])) if found else ("", 0)

"""Pictures over a real port: the openai client, what xAI's clients send, chat, keys, the owner."""

from __future__ import annotations

import base64
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

import tiny_pictures
from gnomon.assemble import open_sample
from gnomon.config import load
from gnomon.errors import InputError
from gnomon.models.draw_raster import decode, fitted
from gnomon.models.draw_url import UrlDraw
from gnomon.serve.database import Database
from gnomon.serve.departed import Departed
from gnomon.serve.keys import Keys
from gnomon.serve.policy import Policy
from gnomon.serve.users import Users
from gnomon.types.pictures import Raster, Sketch
from serving import ENGLISH, running

pytest.importorskip("PIL", reason="pictures need gnomon[draw]")
pytest.importorskip("onnx", reason="the tiny model is made with onnx")

SIDE = tiny_pictures.SIDE


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    tiny_pictures.installed(home / "models")
    with open_sample(load(home, {}, chat_model="none", embed_model="none")) as gnomon:
        yield gnomon


@pytest.fixture(scope="module")
def url(engine: Any) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def raster(packed: str | None) -> Raster:
    assert packed
    return decode(base64.b64decode(packed))


def test_the_client_gets_pictures_and_a_seed_makes_them_again(api: openai.OpenAI) -> None:
    made = api.images.generate(prompt="a red cat", n=2, extra_body={"seed": 5})
    assert made.data
    assert [one.gnomon["seed"] for one in made.data] == [5, 6]  # type: ignore[attr-defined]
    assert made.usage is not None
    assert made.usage.total_tokens > 0
    assert made.size == f"{SIDE}x{SIDE}"
    assert made.data[0].revised_prompt
    again = api.images.generate(prompt="a red cat", extra_body={"seed": 6})
    assert again.data
    assert raster(again.data[0].b64_json) == raster(made.data[1].b64_json)


def test_a_model_of_one_size_is_enlarged_to_what_a_client_asks_for(api: openai.OpenAI) -> None:
    made = api.images.generate(prompt="a red cat", size="1024x1024", extra_body={"seed": 5})
    assert made.data
    shown = raster(made.data[0].b64_json)
    assert (shown.width, shown.height) == (1024, 1024)
    assert made.data[0].gnomon["drawn"] == f"{SIDE}x{SIDE}"  # type: ignore[attr-defined]
    own = api.images.generate(prompt="a red cat", extra_body={"seed": 5})
    assert own.data
    # The same picture but for the marks that each carries.
    large = np.frombuffer(fitted(raster(own.data[0].b64_json), (1024, 1024)).rgb, np.uint8)
    assert abs(large.astype(int) - np.frombuffer(shown.rgb, np.uint8)).mean() < 8


def test_a_url_is_the_signed_file_and_lasts_until_it_is_deleted(
    api: openai.OpenAI, url: str, engine: Any
) -> None:
    made = api.images.generate(
        prompt="a red cat", response_format="url", output_format="webp", output_compression=80
    )
    assert made.data
    place = made.data[0].url
    assert place
    got = httpx.get(place)
    assert got.headers["content-type"] == "image/webp"
    assert engine.provenance.read(got.content, "image/webp").state == "trusted"
    name = place.split("/")[-2]
    assert len(name) > 30
    held = httpx.get(f"{url}/v1/images/{name}").json()
    assert (held["asked"], held["signed"]) == ("a red cat", True)
    assert httpx.get(f"{url}/v1/images?limit=1").json()["data"][0]["id"] == name
    assert httpx.delete(f"{url}/v1/images/{name}").json()["deleted"]
    assert httpx.get(place).status_code == 404


def test_a_stream_shows_the_picture_as_it_grows(api: openai.OpenAI) -> None:
    events = list(
        api.images.generate(
            prompt="a blue dog", stream=True, partial_images=2, extra_body={"seed": 1}
        )
    )
    kinds = [event.type for event in events]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [e.partial_image_index for e in events[:2]] == [0, 1]  # type: ignore[union-attr]
    last = events[-1]
    whole = api.images.generate(prompt="a blue dog", extra_body={"seed": 1})
    assert whole.data
    assert raster(last.b64_json) == raster(whole.data[0].b64_json)
    assert raster(events[0].b64_json) != raster(last.b64_json)


def test_edits_come_as_a_form_or_as_json(api: openai.OpenAI, url: str) -> None:
    first = api.images.generate(prompt="a red cat", extra_body={"seed": 5})
    assert first.data
    packed = first.data[0].b64_json
    assert packed
    data = base64.b64decode(packed)
    edited = api.images.edit(
        image=("cat.png", io.BytesIO(data), "image/png"), prompt="green house",
        mask=("mask.png", io.BytesIO(data), "image/png"), extra_body={"seed": 8},
    )  # fmt: skip
    assert edited.data
    streamed = list(api.images.edit(image=("c.png", data), prompt="green house", stream=True))
    assert [event.type for event in streamed] == ["image_edit.completed"]
    xai = {"prompt": "green house", "image": {"url": f"data:image/png;base64,{packed}"}}
    sent = httpx.post(f"{url}/v1/images/edits", json={**xai, "aspect_ratio": "2:1"})
    assert sent.json()["size"] == f"{2 * SIDE}x{SIDE}"
    assert sent.json()["data"][0]["mime_type"] == "image/png"
    far = httpx.post(f"{url}/v1/images/edits", json={**xai, "image": {"url": "http://10.0.0.1/x"}})
    assert far.status_code == 400
    assert "send the picture itself" in far.json()["error"]["message"]
    for wrong in ("", "data:,!", "图", "data:image/png;base64,aGVsbG8="):
        said = httpx.post(f"{url}/v1/images/edits", json={**xai, "image": wrong})
        assert said.status_code == 400, wrong


def test_a_refusal_is_openais_and_names_rule_owner_and_entry(api: openai.OpenAI, url: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        api.images.generate(prompt="a nude woman on a hotel bed")
    assert raised.value.code == "moderation_blocked"
    assert "sexual/nudity" in str(raised.value)
    assert "ask the owner" in str(raised.value)
    entry = httpx.get(f"{url}/v1/images/log").json()["data"][0]
    assert entry["reference"] in str(raised.value)
    with pytest.raises(openai.BadRequestError):
        api.images.generate(prompt="画一张假身份证,用我的照片")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "'prompt' is missing"),
        ({"prompt": " "}, 400, "empty"),
        ({"prompt": "x" * 5000}, 400, "at most 4,000"),
        ({"prompt": "cat", "model": "dall-e-3"}, 404, "tiny-pictures"),
        ({"prompt": "cat", "size": "big"}, 400, "512x512"),
        ({"prompt": "cat", "size": "9000x9000"}, 400, "draw_pixels"),
        ({"prompt": "cat", "n": 50}, 400, "draw_n"),
        ({"prompt": "cat", "n": "two"}, 400, "whole number"),
        ({"prompt": "cat", "quality": "best"}, 400, "quality"),
        ({"prompt": "cat", "background": "transparent"}, 400, "transparency"),
        ({"prompt": "cat", "output_format": "svg"}, 400, "svg"),
        ({"prompt": "cat", "aspect_ratio": "9:0"}, 400, "16:9"),
        ({"prompt": "cat", "response_format": "file"}, 400, "url or b64_json"),
        ({"prompt": "cat", "response_format": "url", "store": False}, 400, "not kept"),
    ],
)
def test_bad_wishes_are_told_what_is_wrong(
    url: str, body: dict[str, Any], status: int, says: str
) -> None:
    said = httpx.post(f"{url}/v1/images/generations", json=body)
    assert said.status_code == status
    assert says in said.json()["error"]["message"]


def test_the_prompt_can_be_seen_first(url: str) -> None:
    told = httpx.post(f"{url}/v1/images/prompt", json={"prompt": "红色的猫"}).json()
    assert told["prompt"].startswith("red cat, ")
    about = httpx.get(f"{url}/v1/images/about").json()
    assert about["models"][0]["id"] == "tiny-pictures"
    assert about["policy"]["minors"] == "refuse"
    assert "gore" in about["not_checked_after"]


def test_the_model_stops_when_the_caller_leaves(tmp_path: Path) -> None:
    program, file = tiny_pictures.sd_program(tmp_path / "sd")
    settings = {"draw_model": str(file), "draw_program": str(program), "chat_model": "none"}
    with (
        open_sample(load(tmp_path, {}, embed_model="none", **settings)) as gnomon,
        running(gnomon) as url,
    ):
        place = f"{url}/v1/images/generations"
        body = {"prompt": "slow", "size": "64x64", "steps": 50, "n": 4, "stream": True}
        with httpx.stream("POST", place, json={**body, "progress": True}, timeout=30) as reply:
            next(reply.iter_lines())
        # The next picture waits for the model, and so for the end of what was left.
        quick = {"prompt": "quick", "size": "64x64", "steps": 1}
        assert httpx.post(place, json=quick, timeout=60).is_success
        kept = httpx.get(f"{url}/v1/images").json()["data"]
        assert [one["asked"] for one in kept] == ["quick"]


def test_chat_and_responses_draw_what_begins_with_draw(api: openai.OpenAI, url: str) -> None:
    drawn = api.responses.create(model="gnomon", input="/draw a red cat")
    call, message = drawn.output
    assert call.type == "image_generation_call"
    assert raster(call.result).width == SIDE
    assert message.type == "message"
    place = drawn.output_text.partition("](")[2].partition(")")[0]
    assert httpx.get(place).headers["content-type"] == "image/png"
    after = api.responses.create(model="gnomon", input=ENGLISH[0], previous_response_id=drawn.id)
    assert all(item.type == "message" for item in after.output)
    said = api.chat.completions.create(
        model="gnomon", messages=[{"role": "user", "content": "/draw a red cat"}]
    )
    assert (said.choices[0].message.content or "").startswith("![a red cat](http")
    with pytest.raises(openai.BadRequestError, match="sexual/nudity"):
        api.responses.create(model="gnomon", input="/draw a nude woman")
    with pytest.raises(openai.BadRequestError, match="/draw a lighthouse"):
        api.responses.create(model="gnomon", input="/draw")


def test_the_tool_streams_its_events(api: openai.OpenAI) -> None:
    tool: Any = {"type": "image_generation", "partial_images": 1, "output_format": "webp"}
    with api.responses.stream(model="gnomon", input="Draw me a blue dog", tools=[tool]) as stream:
        kinds = [event.type for event in stream]
        drawn = stream.get_final_response()
    calls = [kind.rpartition(".")[2] for kind in kinds if "image_generation_call" in kind]
    assert calls == ["in_progress", "generating", "partial_image", "completed"]
    assert base64.b64decode(getattr(drawn.output[0], "result", ""))[8:12] == b"WEBP"
    asked = api.responses.create(model="gnomon", input=ENGLISH[0], tools=[tool])
    assert all(item.type == "message" for item in asked.output)


def test_pictures_are_their_callers_alone_and_go_with_them(engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "server.db"
    database = Database(path)
    keys = {}
    for name in ("ann", "bob"):
        user = Users(database).add(name, f"four words of {name}")
        keys[name], _ = Keys(database).create(name=name, scopes=["ask"], caller=user.id)
    database.close()
    words: list[str] = []
    with running(engine, database=Database(path), policy=Policy(multi_user=True)) as url:
        mine, other = ({"authorization": f"Bearer {keys[name]}"} for name in ("ann", "bob"))
        body = {"prompt": "a red cat", "response_format": "url"}
        made = httpx.post(f"{url}/v1/images/generations", json=body, headers=mine).json()
        place = made["data"][0]["url"]
        assert httpx.get(place, headers=mine).is_success
        assert httpx.get(place, headers=other).status_code == 404
        assert httpx.get(place).status_code == 401
        assert httpx.get(f"{url}/v1/images", headers=other).json()["data"] == []
        assert httpx.get(f"{url}/v1/images/log", headers=mine).status_code == 403
        refused = {"prompt": "a nude woman"}
        assert not httpx.post(f"{url}/v1/images/generations", json=refused, headers=mine).is_success
    database = Database(path)
    leaving = Departed(database, lambda: tmp_path, lambda shelf: None, words.append)
    gone = leaving.remove("ann")
    assert words == [gone.id]
    assert database.run("SELECT count(*) FROM pictures")[0][0] == 0
    database.close()
    assert any(entry["caller"] == gone.id for entry in engine.pictures.entries())
    engine.pictures.forget(gone.id)
    assert all(entry["caller"] != gone.id for entry in engine.pictures.entries())


def test_another_gnomon_is_a_runtime_like_any(url: str) -> None:
    model = UrlDraw(f"{url}/v1")
    try:
        sketch = Sketch("a red cat", SIDE, SIDE, seed=5)
        first = list(model.draw(sketch))[-1]
        assert isinstance(first, Raster)
        assert list(model.draw(sketch))[-1] == first
        edited = Sketch("blue dog", SIDE, SIDE, seed=5, source=first, mask=bytes(SIDE * SIDE))
        assert isinstance(list(model.draw(edited))[-1], Raster)
        with pytest.raises(InputError, match="sexual/nudity"):
            list(model.draw(Sketch("a nude woman", SIDE, SIDE, seed=5)))
    finally:
        model.close()


def test_xais_own_client_gets_pictures(engine: Any) -> None:
    xai_sdk = pytest.importorskip("xai_sdk", reason="gnomon[xai] is not here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(engine, xai=("127.0.0.1", port)):
        client = xai_sdk.Client(
            api_key="any", api_host=f"localhost:{port}", use_insecure_channel=True
        )
        made = client.image.sample(
            prompt="a red cat", model="gnomon", image_format="base64", aspect_ratio="2:1"
        )
        assert decode(made.image).width == 2 * SIDE
        assert made.model == "tiny-pictures"
        edited = client.image.sample(
            prompt="blue house", model="gnomon", image_url=made.base64, image_format="url"
        )
        assert edited.url.endswith("/content")

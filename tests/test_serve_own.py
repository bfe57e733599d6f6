"""gnomon's own routes on the sample world: ask, search, posts, answers, status, and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.routing import Route

from gnomon.serve.app import create_app
from serving import ENGLISH, Scripted, answered, frames_of, running, sample_world


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sample_world(tmp_path_factory.mktemp("home")) as engine:
        yield engine


@pytest.fixture(scope="module")
def question(engine: Any) -> str:
    return answered(engine, ENGLISH)


@pytest.fixture(scope="module")
def api(engine: Any) -> Iterator[httpx.Client]:
    with running(engine) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def events(api: httpx.Client, **body: Any) -> list[tuple[str, Any]]:
    frames = frames_of(api.post("/v1/ask", json=body).text)
    pairs = (frame.split("\n") for frame in frames)
    return [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in pairs]


def test_steps_then_sentences_then_the_answer(api: httpx.Client, question: str) -> None:
    seen = events(api, question=question)
    names = [name for name, _ in seen]
    assert names[0] == "step"
    assert seen[0][1]["name"] == "plan"
    assert names[-1] == "answer"
    answer = seen[-1][1]
    sent = [data["sentence"] for name, data in seen if name == "sentence"]
    assert [s["text"] for s in sent] == [s["text"] for s in answer["sentences"]]
    assert all(sentence["verdicts"] for sentence in sent if sentence["kind"] == "claim")
    cited = {c["n"] for name, data in seen if name == "sentence" for c in data["citations"]}
    assert cited == {c["n"] for c in answer["citations"]}
    kept = api.get(f"/v1/answers/{answer['id']}").json()
    response = answer.pop("response")
    assert api.get(f"/v1/history/{response}").json()["answer"] == answer["id"]
    assert {key: kept[key] for key in answer} == answer


def test_an_answer_whole(api: httpx.Client, question: str) -> None:
    whole = api.post("/v1/ask", json={"question": question, "stream": False}).json()
    assert whole["object"] == "gnomon.answer"
    early = {"question": question, "stream": False, "until": "2026-03-02T00:00:00Z"}
    assert api.post("/v1/ask", json=early).json()["abstained"] is True


def test_search_collapses_to_origins(api: httpx.Client) -> None:
    found = api.get("/v1/search", params={"q": "lead tap water legal limit", "k": 20}).json()
    roots = [one["origin"]["id"] for one in found["data"]]
    assert len(roots) == len(set(roots)) == found["origins"]
    assert found["posts"] == sum(one["origin"]["posts"] for one in found["data"])
    assert max(one["origin"]["posts"] for one in found["data"]) > 20, "the campaign is one origin"
    for one in found["data"]:
        assert one["post"]["text"][one["start"] : one["end"]] == one["quote"]


def test_search_filters(api: httpx.Client) -> None:
    def posts(**params: Any) -> list[dict[str, Any]]:
        data = api.get("/v1/search", params={"q": "bridge 桥 water", "k": 50} | params).json()[
            "data"
        ]
        return [one["post"] for one in data]

    assert {post["lang"] for post in posts(lang="zh")} == {"zh"}
    sources = {post["source"] for post in posts()}
    one = sorted(sources)[0]
    assert {post["source"] for post in posts(source=one)} == {one}
    late = posts(since="2026-03-10T00:00:00Z")
    assert late
    assert all(post["created_at"] >= "2026-03-10" for post in late)
    assert len(posts(k=1)) == 1


def test_a_post_with_its_origin(api: httpx.Client) -> None:
    found = api.get("/v1/search", params={"q": "lead tap water legal limit", "k": 20}).json()
    many = max(found["data"], key=lambda one: one["origin"]["posts"])
    view = api.get(f"/v1/posts/{quote(many['post']['id'], safe='')}").json()
    assert view == api.get(f"/v1/posts/{many['post']['id']}").json(), "slashes may stay as they are"
    assert view["origin"]["posts"] == many["origin"]["posts"]
    assert view["post"]["id"] not in [member["id"] for member in view["members"]]
    times = [member["created_at"] for member in view["members"]]
    assert times == sorted(times)


def test_a_deleted_post_says_so(api: httpx.Client) -> None:
    status = api.get("/v1/status").json()
    assert status["tombstones"] > 0
    gone = api.get("/v1/posts/town/9999")
    assert gone.status_code == 404
    assert gone.json()["error"]["type"] == "not_found"


def test_status_health_and_examples(api: httpx.Client) -> None:
    status = api.get("/v1/status").json()
    assert status["sample"] is True
    assert status["posts"] > 400
    assert 0 < status["origins"] < status["posts"]
    assert {one["lang"] for one in status["examples"]} == {"en", "zh"}
    assert api.get("/health").json() == {"status": "ok"}
    assert api.get("/ready").json()["status"] == "ready"


def test_the_page_is_cached_by_its_hash(api: httpx.Client) -> None:
    for path in ("/", "/page/app.js", "/page/style.css", "/page/mark.svg"):
        first = api.get(path)
        assert first.status_code == 200
        again = api.get(path, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert not again.content
    assert api.get("/posts/town/0001").text == api.get("/").text


def test_the_page_is_small_and_asks_nobody_else(api: httpx.Client) -> None:
    page = api.get("/").text
    names = [part.split('"')[0] for part in page.split('"/page/')[1:]]
    scripts = [api.get(f"/page/{name}").text for name in set(names) if name.endswith(".js")]
    assert sum(len(script.encode()) for script in scripts) < 60_000
    for text in (page, *scripts, api.get("/page/style.css").text):
        assert "innerHTML" not in text
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text.replace("https://en.wikipedia.org/wiki/Sundial", "")


def test_the_documented_routes_are_the_routes() -> None:
    text = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+) (/\S*)` \|", text, re.MULTILINE))
    app = create_app(Scripted(lambda question: iter(())))
    served = {
        (method, route.path.replace(":path", ""))
        for route in app.routes
        if isinstance(route, Route) and not route.path.startswith(("/page/", "/posts/"))
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert documented == served - {("GET", "/")}

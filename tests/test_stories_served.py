"""Stories over HTTP and on the command line, over the sample world and over files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from command import gnomon, write_lines
from serving import running, sample_world

SINCE = "2026-03-01T00:00:00Z"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        sample_world(tmp_path_factory.mktemp("home")) as engine,
        running(engine) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def stories(api: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = api.get("/v1/stories", params={"since": SINCE, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_stories_are_listed_with_two_figures_and_without_details(api: httpx.Client) -> None:
    found = stories(api, k=50)
    assert found["object"] == "list"
    assert found["behind"] == 0
    assert len(found["data"]) <= 50
    assert found["total"] >= len(found["data"]) > 5
    loud = [one["interest"] for one in found["data"]]
    assert loud == sorted(loud, reverse=True)
    for one in found["data"]:
        assert 1 <= one["support"]["origins"] <= one["origins"]
        assert one["support"]["authors"] == max(1, round(one["discount"]["independent"]))
        assert sum(one["spark"]) == one["posts"] >= one["origins"]
        assert not {"timeline", "agreed", "disputed"} & one.keys()


def test_the_best_supported_come_first_when_asked_for(api: httpx.Client) -> None:
    found = stories(api, by="support", k=100)["data"]
    voices = [min(one["support"]["origins"], one["support"]["authors"]) for one in found]
    assert voices == sorted(voices, reverse=True)


def test_the_campaign_of_the_sample_world_is_one_voice(api: httpx.Client) -> None:
    """36 accounts put the lie out within minutes, an hour before this."""
    at = "2026-03-09T20:00:00Z"
    found = stories(api, until=at)["data"]
    (lie,) = (one for one in found if "40 times the legal limit" in one["title"])
    assert lie["authors"] > 30
    assert lie["discount"]["passed_off"] > 30
    others = lie["authors"] - lie["discount"]["passed_off"]  # who tested the water, among them
    assert others <= 4
    assert lie["interest"] <= 1 + others
    assert "count as one" in lie["discount"]["reason"]
    told = api.get(f"/v1/stories/{lie['id']}").json()
    assert told["support"]["authors"] <= 1 + told["authors"] - told["discount"]["passed_off"]


def test_a_language_narrows_and_a_time_does(api: httpx.Client) -> None:
    chinese = stories(api, lang="zh")["data"]
    assert chinese
    assert all("zh" in one["langs"] for one in chinese)
    assert not stories(api, until="2026-03-01T00:00:01Z")["data"]


def test_a_story_is_told_by_its_id_and_by_that_of_a_post(api: httpx.Client) -> None:
    best = stories(api, by="support")["data"][0]
    told = api.get(f"/v1/stories/{best['id']}").json()
    assert told["object"] == "story"
    assert {name: told[name] for name in ("id", "title", "posts", "first")} == {
        name: best[name] for name in ("id", "title", "posts", "first")
    }
    assert told["timeline"][0]["reason"] == "first"
    held = api.get(f"/v1/posts/{told['title_post']}").json()["post"]
    words = f"{held['title']} {held['text']}".split()
    assert set(told["title"].split()) <= set(words)
    assert api.get(f"/v1/stories/{told['first']['post']}").json()["id"] == best["id"]


@pytest.mark.parametrize(
    ("query", "param"), [("k=0", "k"), ("k=101", "k"), ("k=x", "k"), ("by=likes", "by")]
)
def test_what_cannot_be_asked_is_refused_by_name(api: httpx.Client, query: str, param: str) -> None:
    answer = api.get(f"/v1/stories?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_times_the_wrong_way_round_and_unknown_ids_are_errors(api: httpx.Client) -> None:
    wrong = api.get("/v1/stories", params={"since": "2026-03-05", "until": "2026-03-01"})
    assert wrong.status_code == 400
    assert api.get("/v1/stories?since=yesterday-ish").status_code == 400
    unknown = api.get("/v1/stories/nothing/like/this")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "not_found"


def test_the_command_lists_and_tells(tmp_path: Path) -> None:
    done = gnomon(tmp_path, "stories", "--sample", "--since", SINCE, "--json")
    found = done.json["stories"]
    assert found
    shown = gnomon(tmp_path, "story", found[0]["id"], "--sample")
    assert shown.code == 0, shown.err
    assert found[0]["title"] in " ".join(shown.out.split())
    assert "Timeline" in shown.out
    missing = gnomon(tmp_path, "story", "no-such-story", "--sample")
    assert missing.code == 1
    assert "no-such-story" in missing.said


def test_files_alone_make_stories(tmp_path: Path) -> None:
    texts = (
        "Fire breaks out at the Harbour Street warehouse in Dunmore, crews on scene",
        "Dunmore: a large fire at a warehouse on Harbour Street, smoke seen across the bay",
        "My cat has learned to open the fridge and is very proud of it",
    )
    rows = [
        {"id": f"p{i}", "text": text, "author": f"u{i}", "created_at": 1_700_000_000 + 60 * i}
        for i, text in enumerate(texts)
    ]
    file = write_lines(tmp_path / "posts.jsonl", rows)
    done = gnomon(tmp_path, "stories", "--file", str(file), "--json")
    (story,) = done.json["stories"]
    assert (story["origins"], story["first"]["post"]) == (2, "p0")
    plain = gnomon(tmp_path, "stories", "--file", str(file))
    assert story["id"] in plain.out

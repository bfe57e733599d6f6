"""Which model answers by which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnomon.assemble.models import Models, model_rows
from gnomon.assemble.talk import Talk
from gnomon.config import load
from gnomon.errors import InputError, NotFound
from gnomon.models.doubles import ScriptedChat, least
from gnomon.models.installed import OWN, HeldFile, installed, write_manifest
from gnomon.types.generation import Generation, Said
from model_files import CACHE, SMOLLM2, pulled

ASK = Generation((Said("user", "Name a colour."),), max_tokens=2)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    pulled(SMOLLM2)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / SMOLLM2).symlink_to((CACHE / SMOLLM2).absolute())
    return tmp_path


def ids(talk: Talk) -> list[str]:
    return [row["id"] for row in talk.models()]


def test_the_configured_model_comes_first_and_none_means_none(home: Path) -> None:
    for setting, expected in ((SMOLLM2, [SMOLLM2]), ("auto", [SMOLLM2]), ("none", [])):
        config = load(home, {}, chat_model=setting, embed_model="none")
        talk = Talk(config, Models(config))
        assert ids(talk) == expected
        if not expected:
            with pytest.raises(NotFound, match="gnomon models"):
                talk.generate(ASK)
            with pytest.raises(NotFound, match="encoder"):
                talk.embed(["x"])


def test_a_url_is_known_by_its_model_or_its_host_and_never_by_a_password(home: Path) -> None:
    url = "http://someone:secret@127.0.0.1:9/v1"
    config = load(home, {}, chat_model=url, embed_model="none")
    assert ids(Talk(config, Models(config))) == ["default@127.0.0.1:9", SMOLLM2]
    named = load(home, {}, chat_model=url, chat_url_model="qwen3", embed_model="none")
    talk = Talk(named, Models(named))
    assert ids(talk) == ["qwen3", SMOLLM2]
    assert "secret" not in str(talk.models())


def test_models_that_see_or_draw_are_no_chat_models(tmp_path: Path) -> None:
    made = {"own": ["model-f16.gguf"], "own-clip": ["vision/model.onnx", "text/model.onnx"],
            "own-draw": ["transformer/model.onnx", "model_index.json"]}  # fmt: skip
    for name, paths in made.items():
        folder = tmp_path / "models" / name
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"x")
        files = [HeldFile(path, 1, "0" * 64) for path in paths]
        write_manifest(folder, name, files, OWN)
    config = load(tmp_path, {}, chat_model="auto", embed_model="none")
    assert ids(Talk(config, Models(config))) == ["own"]
    tasks = {row["name"]: row["task"] for row in model_rows(config) if row["name"] in made}
    assert tasks == {"own": "chat", "own-clip": "see", "own-draw": "draw"}
    with pytest.raises(InputError, match="own-clip is a model for see, not for chat"):
        Models(load(tmp_path, {}, chat_model="own-clip")).chat()


def test_a_name_is_answered_by_that_model_and_no_other(home: Path) -> None:
    config = load(home, {}, chat_model="auto", embed_model="none")
    models = Models(config)
    before = ScriptedChat(least, name="pulled-before")
    models._chat, models._tried = before, {"chat"}
    talk = Talk(config, models)
    try:
        list(talk.generate(ASK, model=SMOLLM2))
        assert before.requests == []
        with pytest.raises(NotFound, match=SMOLLM2):
            talk.generate(ASK, model="gpt-7")
    finally:
        talk.close()
    assert [model.name for model in installed(home / "models")] == [SMOLLM2]

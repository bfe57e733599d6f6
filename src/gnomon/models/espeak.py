"""espeak-ng, the voice that is always there: a program of Debian's, run for each sentence.

It is under the GPL and so is a process of its own that is given words on standard input and gives
WAV on standard output (https://github.com/espeak-ng/espeak-ng). It is robotic, speaks more than a
hundred languages and needs no model. ``make`` installs it for the tests.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cached_property

from gnomon.errors import ModelError, ModelMissing, ModelTimeout
from gnomon.models.sound import resampled
from gnomon.types.spoken import Speaker

NAME = "espeak-ng"
PROGRAM = "espeak-ng"
RATE = 24_000
WORDS_A_MINUTE = 165
"""Its default is 175, faster than people read aloud (about 150 to 160)."""
_LEAST, _MOST = 80, 450  # words a minute that espeak-ng itself accepts
_TIMEOUT_S = 30.0
_MOST_BYTES = 64 << 20
_ROW = re.compile(r"^\s*\d+\s+(\S+)\s+\S+\s+(\S+)\s+(\S+)")
_MANDARIN = ("cmn", "zh")


class Espeak:
    """A Speak. Thread-safe; nothing runs between two sentences."""

    name = NAME
    rate = RATE
    sha256 = ""

    def __init__(self) -> None:
        """Raises ModelMissing where the program is not installed."""
        found = shutil.which(PROGRAM)
        if found is None:
            raise ModelMissing(
                "espeak-ng is not installed, and no other voice is here; install it (Debian: "
                "apt install espeak-ng), or run `gnomon models pull kokoro-82m-int8`."
            )
        self._program = found

    @cached_property
    def _languages(self) -> frozenset[str]:
        try:
            ran = subprocess.run(
                [self._program, "--voices"], capture_output=True, timeout=_TIMEOUT_S, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ModelError(f"espeak-ng does not tell its voices ({error}).") from error
        rows = (_ROW.match(line) for line in ran.stdout.decode("utf-8", "replace").splitlines())
        return frozenset(row[1] for row in rows if row)

    def speakers(self) -> tuple[Speaker, ...]:
        return (
            Speaker("espeak", "", "male", NAME),
            Speaker("espeak-female", "", "female", NAME),
        )

    def speaks(self, lang: str) -> bool:
        return self._voice_of(lang) != ""

    def speak(
        self, text: str, *, voice: str = "espeak", lang: str = "en", speed: float = 1.0
    ) -> Iterator[bytes]:
        """PCM at ``rate``, in one piece. Raises ModelError, ModelTimeout."""
        pace = round(min(_MOST, max(_LEAST, WORDS_A_MINUTE * speed)))
        spoken = self._voice_of(lang) or "en-us"
        if voice.endswith("female"):
            spoken += "+f3"
        # The words come on standard input: what they begin with can be no option.
        command = [self._program, "--stdin", "--stdout", "-v", spoken, "-s", str(pace), "-b", "1"]
        try:
            ran = subprocess.run(
                command, input=text.encode("utf-8", "replace"), capture_output=True,
                timeout=_TIMEOUT_S, check=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ModelTimeout(
                f"espeak-ng spoke for more than {_TIMEOUT_S:g} s; give it less text."
            ) from error
        except (OSError, subprocess.SubprocessError) as error:
            raise ModelError(f"espeak-ng cannot speak ({error}).") from error
        pcm, rate = samples(ran.stdout[:_MOST_BYTES])
        if pcm:
            yield resampled(pcm, rate, RATE)

    def close(self) -> None:
        """Nothing is left running."""

    def _voice_of(self, lang: str) -> str:
        """espeak-ng's name of a language, "" where it has none."""
        code = lang.lower()
        wanted = _MANDARIN[:1] if code.startswith(_MANDARIN) else (code, code.partition("-")[0])
        if code in ("en", "en-us"):
            wanted = ("en-us",)
        return next((name for name in wanted if name in self._languages), "")


def samples(wav: bytes) -> tuple[bytes, int]:
    """The PCM of a 16-bit mono WAV that was written to a pipe, and its rate. Its lengths are not
    believed: who writes to a pipe cannot know them."""
    at = wav.find(b"data", 12)
    if at < 0 or len(wav) < 28:
        return b"", RATE
    rate = int.from_bytes(wav[24:28], "little") or RATE
    data = wav[at + 8 :]
    return data[: len(data) // 2 * 2], rate

"""Whisper as a Listen: faster-whisper in a worker process, held to what was really said."""

from __future__ import annotations

from collections.abc import Iterator

from gnomon.models.frames import Frame
from gnomon.models.installed import Installed
from gnomon.models.process import WorkerProcess
from gnomon.models.protocols import Hearing
from gnomon.models.sound import IDLE_S, check_installed
from gnomon.types.spoken import Heard, Recording, Segment, Word

_LOAD_S = 60.0


class Whisper:
    """A Listen over an installed model. Thread-safe; one recording at a time."""

    def __init__(self, held: Installed, *, threads: int = 2, idle_s: float = IDLE_S) -> None:
        """Raises ModelMissing without ``gnomon[voice]``."""
        check_installed(f"{held.name} listens")
        self.name = held.name
        self.sha256 = held.files[0].sha256
        load = {
            "op": "load",
            "task": "listen",
            "path": str(held.folder.absolute()),
            "threads": threads,
        }
        self.worker = WorkerProcess(held.name, load, threads=threads, slots=1, idle_s=idle_s)

    def languages(self) -> tuple[str, ...]:
        """What it can be told to hear, as ISO 639-1. Loads the model."""
        return tuple(self.worker.start(_LOAD_S)["languages"])

    def listen(self, sound: Recording, how: Hearing) -> Iterator[Segment | Heard]:
        """A Segment for each phrase as it is heard, then all of it. Closing the iterator stops the
        model. Raises ModelError, ModelTimeout after as long as the sound lasts and a minute."""
        asked = {
            "op": "run",
            "lang": how.lang,
            "translate": how.translate,
            "prompt": how.prompt,
            "temperature": list(how.temperatures),
            "words": how.words,
            "beams": how.beams,
        }
        segments: list[Segment] = []
        timeout_s = _LOAD_S + max(60.0, 2 * sound.seconds)
        frames = self.worker.request(asked, timeout_s=timeout_s, payload=sound.pcm)
        for frame in frames:
            if frame.header["op"] == "segment":
                segments.append(_segment(frame))
                yield segments[-1]
                continue
            said = frame.header
            yield Heard(
                text="".join(segment.text for segment in segments).strip(),
                lang=said["lang"] if segments else "",
                sure=said["sure"] if segments else 0.0,
                seconds=sound.seconds,
                speech_s=said["speech_s"],
                segments=tuple(segments),
                note=_note(sound, bool(segments)),
            )

    def close(self) -> None:
        self.worker.close()


def _segment(frame: Frame) -> Segment:
    said = frame.header
    return Segment(
        text=said["text"],
        start=said["start"],
        end=said["end_s"],
        logprob=said["logprob"],
        silence=said["silence"],
        compression=said["compression"],
        temperature=said["temperature"],
        ids=tuple(said["ids"]),
        words=tuple(Word(*word) for word in said["words"]),
    )


def _note(sound: Recording, heard: bool) -> str:
    notes = [sound.cut] if sound.cut else []
    if not heard:
        notes.append(f"Nobody speaks in these {sound.seconds:.1f} s of sound that can be made out.")
    return " ".join(notes)

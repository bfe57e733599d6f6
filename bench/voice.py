"""How well gnomon speaks and listens, and how fast, beside the bare libraries.

    python bench/voice.py [--models DIR] [--part first|people|trip] [--fresh] [--report]

Three measurements, each kept line by line in ``.cache/bench/voice.jsonl`` so that an interrupted
run goes on:

* **people**: recordings of people (``../shared/data/speech``: AISHELL-3, Biaobei, LJSpeech) through
  gnomon's listening, and through bare faster-whisper with its defaults. Word error rate in
  English, character error rate in Chinese; where the data has no transcript, only speed.
* **round trip**: 200 sentences of our own with numbers, dates, money and names, half English, half
  Chinese (``voice_sentences.tsv``), spoken (Kokoro behind gnomon's reading of numbers; of every
  third sentence bare Kokoro, too, which gets the text as it is written) and heard again, by gnomon
  and by bare faster-whisper. Sentences of an even line are for development.
* **time**: CPU-seconds to a second of sound, and from the end of a spoken question to the first
  sound of its answer (the sample world).

Words are normalised before they are counted: lower case, punctuation away, metres as meters, and
every number, date and unit in words, by gnomon's own reading (``text.aloud``) on both sides.
Chinese is compared character by character as it is written: a traditional character where a
simplified one was said is an error (bare faster-whisper chooses its script by chance). A count is
Levenshtein's
(substitutions, deletions, insertions) over the length of what was said.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnomon.assemble import open_sample
from gnomon.assemble.voice import Voice
from gnomon.config import load
from gnomon.models.installed import find
from gnomon.text.aloud import aloud
from gnomon.types import Checked
from gnomon.types.spoken import Heard, Recording

ROOT = Path(__file__).parent.parent
SPEECH = ROOT.parent / "shared" / "data" / "speech" / "speech.tar"
SENTENCES = Path(__file__).parent / "voice_sentences.tsv"
KEPT = ROOT / ".cache" / "bench" / "voice.jsonl"
LAPS = ("listen", "check", "speak")
KOKORO, WHISPER = "kokoro-82m-int8", "whisper-base-int8"


def sentences() -> Iterator[tuple[int, str, str]]:
    """(number, language, sentence), English and Chinese by turns."""
    lines = SENTENCES.read_text("utf-8").splitlines()
    rows = [(at, *line.split("\t", 1)) for at, line in enumerate(lines)]
    english, chinese = ([row for row in rows if row[1] == lang] for lang in ("en", "zh"))
    for pair in zip(english, chinese, strict=True):
        yield from pair


def half(name: str) -> str:
    """Of a sentence by its number: what is read wrongly was mended on the development half only."""
    return "development" if int(name.split("/")[1]) % 2 == 0 else "held-out"


# ---------------------------------------------------------------------------------- counting


def units(text: str, lang: str) -> list[str]:
    """What is compared: words in English, characters in Chinese."""
    said = aloud(text, lang).lower()
    if lang == "zh":
        return re.findall(r"[\u4e00-\u9fff]|[a-z]+", said)
    said = re.sub(r"(met|lit)re(s?)\b", r"\1er\2", said).replace("-", " ")
    return re.findall(r"[a-z']+", said)


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(heard) + 1))
    for i, one in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def cpu_s(pids: Sequence[int | None]) -> float:
    """CPU-seconds of this process and of the workers."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = own.ru_utime + own.ru_stime
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in pids:
        if pid is not None:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


# ---------------------------------------------------------------------------------- measuring


class Bench:
    def __init__(self, models: Path, home: Path, forgotten: tuple[str, ...]) -> None:
        """``forgotten``: how the rows begin that are measured anew."""
        (home / "models").symlink_to(models)
        threads = os.environ.get("GNOMON_THREADS", "2")
        self.config = load(home, {"GNOMON_THREADS": threads}, chat_model="none", embed_model="none")
        self.voice = Voice(self.config, lambda: None)  # type: ignore[arg-type, return-value]
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        lines = KEPT.read_text("utf-8").splitlines() if KEPT.exists() else []
        if forgotten:
            lines = [line for line in lines if not json.loads(line)["id"].startswith(forgotten)]
            KEPT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.rows: dict[str, dict[str, Any]] = {
            row["id"]: row for row in (json.loads(line) for line in lines)
        }
        self._bare: Any = None
        self.models = models

    def once(self, name: str, measure: Callable[[], dict[str, Any]]) -> None:
        if name in self.rows:
            return
        row = {"id": name, **measure()}
        with KEPT.open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.rows[name] = row

    def pids(self) -> list[int | None]:
        speaking = [getattr(m, "worker", None) for m in self.voice._speak.values()]
        workers = [*speaking, getattr(self.voice._listen, "worker", None)]
        return [worker.pid for worker in workers if worker is not None]

    def timed(self, work: Callable[[], Any]) -> tuple[Any, float]:
        before = cpu_s(self.pids())
        made = work()
        return made, cpu_s(self.pids()) - before

    def hear(self, sound: Recording, lang: str) -> str:
        *_, heard = self.voice.listen(sound, lang=lang)
        assert isinstance(heard, Heard)
        return heard.text

    def bare_hear(self, sound: Recording, lang: str) -> str:
        """faster-whisper as its README has it."""
        from faster_whisper import WhisperModel

        if self._bare is None:
            held = find(self.models, WHISPER)
            assert held is not None
            self._bare = WhisperModel(str(held.folder), device="cpu", compute_type="int8",
                                      cpu_threads=1)  # fmt: skip
        audio = np.frombuffer(sound.pcm, "<i2").astype(np.float32) / 32_768
        phrases, _ = self._bare.transcribe(audio, language=lang, beam_size=5)
        return "".join(phrase.text for phrase in phrases)

    def both(
        self,
        name: str,
        sound: Recording,
        lang: str,
        said: str,
        hows: Sequence[str] = ("gnomon", "bare"),
    ) -> None:
        """One sound through both, beside what was said."""
        for how in hows:
            hear = {"gnomon": self.hear, "bare": self.bare_hear}[how]

            def measure(hear: Callable[[Recording, str], str] = hear) -> dict[str, Any]:
                heard, took_s = self.timed(lambda: hear(sound, lang))
                wanted = units(said, lang)
                return {"lang": lang, "errors": errors(wanted, units(heard, lang)),
                        "length": len(wanted), "seconds": sound.seconds, "cpu_s": took_s,
                        "heard": heard if name.startswith("trip") else ""}  # fmt: skip

            self.once(f"{name}/{how}", measure)


def people(bench: Bench) -> None:
    """Recordings of people, with what they said where the archive tells it."""
    if not SPEECH.exists():
        print(f"people: skipped, {SPEECH} is not here")
        return
    with tarfile.open(SPEECH) as archive:
        members = {m.name: m for m in archive.getmembers() if m.isfile()}
        texts = {
            name: file.read().decode("utf-8", "replace")
            for name, member in members.items()
            if name.endswith((".txt", ".tsv", ".csv")) and (file := archive.extractfile(member))
        }
        said = _transcripts(texts)
        for name, member in sorted(members.items()):
            if not name.endswith((".wav", ".flac", ".mp3")):
                continue
            file = archive.extractfile(member)
            assert file is not None
            words = said.get(Path(name).stem, "")
            lang = "zh" if re.search(r"[\u4e00-\u9fff]", words) else "en"
            if not words:
                lang = "zh" if name.startswith(("aishell", "biaobei")) else "en"
            with tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as copy:
                copy.write(file.read())
                copy.flush()
                sound = bench.voice.decode(Path(copy.name), name)
            bench.both(f"people/{name}", sound, lang, words)


def _transcripts(texts: dict[str, str]) -> dict[str, str]:
    """Lines of "name <tab or |> words" by name."""
    found: dict[str, str] = {}
    for name, text in texts.items():
        if name.endswith(".txt") and len(text.splitlines()) == 1:
            found[Path(name).stem] = text.strip()
        for line in text.splitlines():
            parts = [part.strip() for part in re.split(r"[\t|]", line) if part.strip()]
            if len(parts) >= 2:
                found[Path(parts[0]).stem] = parts[-1]
    return found


def round_trip(bench: Bench) -> None:
    """First all that gnomon says and hears, then bare faster-whisper on the same sounds, then bare
    Kokoro: what is cut short is cut short of comparisons."""
    rows = list(sentences())
    for done, (at, lang, text) in enumerate(rows):
        name = f"trip/{at:03}/{lang}"
        if f"{name}/gnomon" not in bench.rows:
            bench.both(name, _spoken(bench, at, lang, text), lang, text, ("gnomon",))
        _progress("said and heard", done + 1, len(rows))
    for done, (at, lang, text) in enumerate(rows):
        name = f"trip/{at:03}/{lang}"
        if f"{name}/bare" not in bench.rows:
            bench.both(name, _spoken(bench, at, lang, text), lang, text, ("bare",))
        _progress("bare faster-whisper", done + 1, len(rows))
    for done, (at, lang, text) in enumerate(rows):
        if at % 3 == 0:
            bench.once(f"plain/{at:03}/{lang}", lambda t=text, g=lang: _plain(bench, t, g))
        _progress("bare Kokoro", done + 1, len(rows))


def _progress(what: str, done: int, of: int) -> None:
    end = "\n" if done == of else ""
    print(f"\r{what}: {done} of {of} sentences", end=end, file=sys.stderr, flush=True)


def _spoken(bench: Bench, at: int, lang: str, text: str) -> Recording:
    """A sentence aloud, made once: its sound is kept."""
    path = KEPT.parent / "voice" / f"{at:03}.pcm"
    if path.exists() and f"speak/{at:03}" in bench.rows:
        return Recording(path.read_bytes(), "pcm", 24_000, 1)
    made, took_s = bench.timed(lambda: b"".join(p.pcm for p in bench.voice.say(text, lang=lang)))
    sound = Recording(bench.voice.resampled(made, 24_000, 16_000), "pcm", 24_000, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sound.pcm)
    row = {"lang": lang, "seconds": sound.seconds, "cpu_s": took_s}
    bench.once(f"speak/{at:03}", lambda: row)
    return sound


def _plain(bench: Bench, text: str, lang: str) -> dict[str, Any]:
    """Kokoro given the text as it is written: what our reading of numbers is worth."""
    model = bench.voice._speaking()[0]
    speaker = "af_heart" if lang == "en" else "zf_xiaoxiao"
    pcm, took_s = bench.timed(lambda: b"".join(model.speak(text, voice=speaker, lang=lang)))
    sound = Recording(bench.voice.resampled(pcm, model.rate, 16_000), "pcm", model.rate, 1)
    wanted, heard = units(text, lang), bench.hear(sound, lang)
    return {"lang": lang, "errors": errors(wanted, units(heard, lang)), "length": len(wanted),
            "seconds": sound.seconds, "cpu_s": took_s, "heard": heard}  # fmt: skip


def first_sound(bench: Bench) -> None:
    """From the end of a spoken question to the first sound of its checked answer, on this machine
    as it is now: each part by the clock and in CPU-seconds. The models are in memory, as they are
    in the second question of a conversation."""
    questions = ("What was the turnout in the mayoral election?", "When will Cliff Road reopen?")
    with open_sample(bench.config) as gnomon:
        for how in ("kokoro", "espeak"):
            for question in questions:

                def measure(question: str = question, how: str = how) -> dict[str, Any]:
                    voice = "af_heart" if how == "kokoro" else "espeak"
                    pcm = b"".join(p.pcm for p in bench.voice.say(question, voice="am_michael"))
                    sound = Recording(bench.voice.resampled(pcm, 24_000, 16_000), "", 24_000, 1)
                    bench.hear(sound, "en")
                    at = [(time.monotonic(), cpu_s(bench.pids()))]

                    def lap() -> None:
                        at.append((time.monotonic(), cpu_s(bench.pids())))

                    *_, heard = bench.voice.listen(sound, quick=True)
                    lap()
                    first = next(e for e in gnomon.ask(heard.text) if isinstance(e, Checked))
                    lap()
                    next(iter(bench.voice.say(first.sentence.text, voice=voice)))
                    lap()
                    row: dict[str, Any] = {"load": os.getloadavg()[0]}
                    for name, one, other in zip(LAPS, at, at[1:], strict=False):
                        row[f"{name}_s"], row[f"{name}_cpu_s"] = (
                            other[0] - one[0], other[1] - one[1])  # fmt: skip
                    return row

                bench.once(f"first/{how}/{question[:20]}", measure)


def report(bench: Bench) -> dict[str, Any]:
    """The table, as numbers."""
    told: dict[str, Any] = {}

    def rate(prefix: str, suffix: str, lang: str, which: str = "") -> None:
        rows = [
            r
            for n, r in bench.rows.items()
            if n.startswith(prefix) and n.endswith(suffix) and r["lang"] == lang and r["length"]
            and (not which or half(n) == which)
        ]  # fmt: skip
        if rows:
            wrong, length = sum(r["errors"] for r in rows), sum(r["length"] for r in rows)
            name = "character" if lang == "zh" else "word"
            what = " ".join(
                filter(None, (prefix.strip("/"), lang, which, suffix.strip("/") or "gnomon"))
            )
            told[f"{what}: {name} error rate"] = (
                f"{wrong / length:.3f} ({wrong} of {length}, {len(rows)} sounds)"
            )

    for lang in ("en", "zh"):
        for suffix in ("/gnomon", "/bare"):
            rate("people/", suffix, lang)
            for which in ("development", "held-out"):
                rate("trip/", suffix, lang, which)
    for lang in ("en", "zh"):
        rate("plain/", "", lang)
    for name, wanted in (
        ("listening, gnomon", "/gnomon"),
        ("listening, bare faster-whisper", "/bare"),
    ):
        rows = [r for n, r in bench.rows.items() if n.endswith(wanted) and "cpu_s" in r]
        if rows:
            speed = sum(r["cpu_s"] for r in rows) / sum(r["seconds"] for r in rows)
            told[f"{name}: CPU-seconds to a second"] = round(speed, 3)
    for lang in ("en", "zh"):
        rows = [r for n, r in bench.rows.items() if n.startswith("speak/") and r["lang"] == lang]
        if rows:
            speed = sum(r["cpu_s"] for r in rows) / sum(r["seconds"] for r in rows)
            told[f"speaking {lang}, Kokoro: CPU-seconds to a second"] = round(speed, 3)
    for how in ("kokoro", "espeak"):
        rows = [r for n, r in bench.rows.items() if n.startswith(f"first/{how}") and "load" in r]
        for unit, by in (("s", "seconds by the clock"), ("cpu_s", "CPU-seconds")):
            if rows:
                parts = {lap: round(sum(r[f"{lap}_{unit}"] for r in rows) / len(rows), 2)
                         for lap in LAPS}  # fmt: skip
                told[f"end of speech to first sound, {how}, {by}"] = {
                    **parts, "all": round(sum(parts.values()), 2),
                    "load": round(max(r["load"] for r in rows), 1)}  # fmt: skip
    return told


PARTS: dict[str, Callable[[Bench], None]] = {
    "first": first_sound, "people": people, "trip": round_trip,
}  # fmt: skip
_KEPT_AS = {"first": ("first/",), "people": ("people/",), "trip": ("trip/", "speak/", "plain/")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = os.environ.get("GNOMON_TEST_MODELS", str(ROOT / ".cache" / "models"))
    parser.add_argument("--models", type=Path, default=Path(default))
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--part", choices=["first", "people", "trip"], help="this part alone")
    parser.add_argument("--report", action="store_true", help="only show what was measured")
    args = parser.parse_args()
    for name in (KOKORO, WHISPER):
        if find(args.models, name) is None:
            print(f"voice: skipped, {name} is not in {args.models} (gnomon models pull {name})")
            return 0
    with tempfile.TemporaryDirectory() as home:
        parts = [args.part] if args.part else list(PARTS)
        forgotten = tuple(kept for part in parts for kept in _KEPT_AS[part]) if args.fresh else ()
        bench = Bench(args.models.absolute(), Path(home), forgotten)
        try:
            if not args.report:
                for part in parts:
                    PARTS[part](bench)
        except KeyboardInterrupt:
            print("stopped; the same command goes on", file=sys.stderr)
            raise
        finally:
            bench.voice.close()
            for name, value in report(bench).items():
                print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

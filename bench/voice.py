"""How well gnomon speaks and listens, and how fast, beside the bare libraries.

    python bench/voice.py [--models DIR] [--sentences 200] [--fresh]

Three measurements, each kept line by line in ``.cache/bench/voice.jsonl`` so that an interrupted
run goes on:

* **people**: recordings of people (``../shared/data/speech``: AISHELL-3, Biaobei, LJSpeech) through
  gnomon's listening, and through bare faster-whisper with its defaults. Word error rate in
  English, character error rate in Chinese; where the data has no transcript, only speed.
* **round trip**: 200 sentences of our own with numbers, dates, money and names, English and
  Chinese, spoken (Kokoro behind gnomon's reading of numbers; of every third sentence bare Kokoro,
  without it) and heard again.
* **time**: CPU-seconds to a second of sound, and from the end of a spoken question to the first
  sound of its answer (the sample world).

Words are normalised before they are counted: lower case, punctuation away, and every number, date
and unit in words, by gnomon's own reading (``text.aloud``) on both sides. Chinese is compared
character by character as it is written: a traditional character where a simplified one was said is
an error (bare faster-whisper chooses its script by chance). A count is Levenshtein's
(substitutions, deletions, insertions) over the length of what was said.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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
KEPT = ROOT / ".cache" / "bench" / "voice.jsonl"
KOKORO, WHISPER = "kokoro-82m-int8", "whisper-base-int8"

NAMES_EN = ("Maria Lopez", "David Chen", "Priya Sharma", "John Miller", "Sofia Rossi",
            "Ahmed Hassan", "Emma Wilson", "Carlos Silva", "Anna Petrova",
            "James Baker")  # fmt: skip
PLACES_EN = ("London", "Toronto", "Nairobi", "Berlin", "Chicago", "Sydney", "Mumbai", "Madrid",
             "Lisbon", "Denver")  # fmt: skip
EN = (
    "{name} was born in {year} in {place}.",
    "The storm reached {n2} km/h near {place} on {date}.",
    "Prices in {place} rose {dec}% last year, said {name}.",
    "{name} paid ${money} for the house.",
    "The meeting starts at {time} on {date}.",
    "About {big} people live in {place}.",
    "{name} finished {ord} in a race of {n2} runners.",
    "The bridge is {n2} km long and cost ${mil} million.",
    "It was {n1}°C in {place} at {time}.",
    "Between {y1} and {y2} the company hired {n3} workers.",
)
NAMES_ZH = ("王小明", "李华", "张伟", "刘洋", "陈静", "赵强", "黄丽", "周杰", "吴刚", "孙敏")
PLACES_ZH = ("北京", "上海", "广州", "成都", "杭州", "南京", "西安", "武汉", "天津", "重庆")
ZH = (
    "{name}于{year}年出生在{place}。",
    "{place}昨天最高气温{n1}℃。",
    "去年{place}的物价上涨了{dec}%。",
    "{name}花了{money}元买了一台电脑。",
    "会议将于{m}月{d}日{time}开始。",
    "{place}大约有{big}人。",
    "{name}在比赛中获得第{n1}名。",
    "这座桥长{n2}公里，耗资{mil}亿元。",
    "公司在{y1}年到{y2}年之间招聘了{n3}名员工。",
    "{name}说，{place}有{n2}所学校。",
)
MONTHS = "January February March April May June July August September October November December"


def sentences(count: int) -> Iterator[tuple[str, str]]:
    """(language, sentence), half English and half Chinese, the same at every run."""
    rng = random.Random(20261122)
    for at in range(count):
        zh = at % 2 == 1
        m, d = rng.randint(1, 12), rng.randint(1, 28)
        y1 = rng.randint(1950, 2010)
        fields: dict[str, Any] = {
            "name": rng.choice(NAMES_ZH if zh else NAMES_EN),
            "place": rng.choice(PLACES_ZH if zh else PLACES_EN),
            "year": rng.randint(1900, 2025), "y1": y1, "y2": y1 + rng.randint(2, 15),
            "n1": rng.randint(2, 39), "n2": rng.randint(20, 199), "n3": rng.randint(200, 999),
            "dec": f"{rng.randint(1, 19)}.{rng.randint(1, 9)}", "mil": rng.randint(2, 90),
            "money": rng.randint(1000, 99_999) if zh else f"{rng.randint(1, 999) * 1000:,}",
            "big": rng.randint(11, 99) * 10_000 if zh else f"{rng.randint(11, 999) * 1000:,}",
            "date": f"{MONTHS.split()[m - 1]} {d}", "m": m, "d": d,
            "time": f"{rng.randint(8, 20)}:{rng.choice(('15', '30', '45'))}",
            "ord": f"{rng.choice((4, 5, 6, 7, 8, 9, 10, 14, 15, 20))}th",
        }  # fmt: skip
        yield ("zh" if zh else "en"), (ZH if zh else EN)[at // 2 % 10].format(**fields)


# ---------------------------------------------------------------------------------- counting


def units(text: str, lang: str) -> list[str]:
    """What is compared: words in English, characters in Chinese."""
    said = aloud(text, lang).lower()
    if lang == "zh":
        return re.findall(r"[\u4e00-\u9fff]|[a-z]+", said)
    said = re.sub(r"\bkilometers\b", "kilometres", said).replace("-", " ")
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
    def __init__(self, models: Path, home: Path, fresh: bool) -> None:
        (home / "models").symlink_to(models)
        self.config = load(home, {}, chat_model="none", embed_model="none")
        self.voice = Voice(self.config, lambda: None)  # type: ignore[arg-type, return-value]
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            KEPT.unlink(missing_ok=True)
        lines = KEPT.read_text("utf-8").splitlines() if KEPT.exists() else []
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

    def both(self, name: str, sound: Recording, lang: str, said: str) -> None:
        """One sound through both, beside what was said."""
        for how, hear in (("gnomon", self.hear), ("bare", self.bare_hear)):

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


def round_trip(bench: Bench, count: int) -> None:
    for at, (lang, text) in enumerate(sentences(count)):
        done = [f"trip/{at:03}/{lang}/{how}" in bench.rows for how in ("gnomon", "bare")]
        if not all(done):
            made, took_s = bench.timed(
                lambda text=text, lang=lang: b"".join(
                    p.pcm for p in bench.voice.say(text, lang=lang)
                )
            )
            sound = Recording(bench.voice.resampled(made, 24_000, 16_000), "pcm", 24_000, 1)
            bench.once(f"speak/{at:03}", lambda s=sound, t=took_s, g=lang: {
                "lang": g, "seconds": s.seconds, "cpu_s": t})  # fmt: skip
            bench.both(f"trip/{at:03}/{lang}", sound, lang, text)
        if at % 3 == 0:
            bench.once(f"plain/{at:03}/{lang}", lambda t=text, g=lang: _plain(bench, t, g))
        print(f"\r{at + 1} of {count} sentences", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _plain(bench: Bench, text: str, lang: str) -> dict[str, Any]:
    """Kokoro given the text as it is written: what our reading of numbers is worth."""
    model = bench.voice._speaking()[0]
    speaker = "af_heart" if lang == "en" else "zf_xiaoxiao"
    pcm = b"".join(model.speak(text, voice=speaker, lang=lang))
    sound = Recording(bench.voice.resampled(pcm, model.rate, 16_000), "pcm", model.rate, 1)
    wanted = units(text, lang)
    return {"lang": lang, "errors": errors(wanted, units(bench.hear(sound, lang), lang)),
            "length": len(wanted)}  # fmt: skip


def first_sound(bench: Bench) -> None:
    """From the end of a spoken question to the first sound of its checked answer, on this machine
    as it is now: each part by the clock."""
    questions = ("What was the turnout in the mayoral election?", "When will Cliff Road reopen?")
    with open_sample(bench.config) as gnomon:
        for how in ("kokoro", "espeak"):
            for question in questions:

                def measure(question: str = question, how: str = how) -> dict[str, Any]:
                    pcm = b"".join(p.pcm for p in bench.voice.say(question, voice="am_michael"))
                    sound = Recording(bench.voice.resampled(pcm, 24_000, 16_000), "", 24_000, 1)
                    bench.hear(sound, "en")  # the models are in memory
                    began = time.monotonic()
                    *_, heard = bench.voice.listen(sound, quick=True)
                    listened = time.monotonic()
                    first = next(e for e in gnomon.ask(heard.text) if isinstance(e, Checked))
                    checked = time.monotonic()
                    voice = "af_heart" if how == "kokoro" else "espeak"
                    next(iter(bench.voice.say(first.sentence.text, voice=voice)))
                    return {"listen_s": listened - began, "check_s": checked - listened,
                            "speak_s": time.monotonic() - checked}  # fmt: skip

                bench.once(f"first/{how}/{question[:20]}", measure)


def report(bench: Bench) -> dict[str, Any]:
    """The table, as numbers."""
    told: dict[str, Any] = {}

    def rate(prefix: str, suffix: str, lang: str) -> None:
        rows = [
            r
            for n, r in bench.rows.items()
            if n.startswith(prefix) and n.endswith(suffix) and r["lang"] == lang and r["length"]
        ]
        if rows:
            wrong, length = sum(r["errors"] for r in rows), sum(r["length"] for r in rows)
            name = "character" if lang == "zh" else "word"
            told[
                f"{prefix.strip('/')} {lang} {suffix.strip('/') or 'gnomon'}: {name} error rate"
            ] = f"{wrong / length:.3f} ({wrong} of {length}, {len(rows)} sounds)"

    for prefix in ("people/", "trip/"):
        for lang in ("en", "zh"):
            for suffix in ("/gnomon", "/bare"):
                rate(prefix, suffix, lang)
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
        rows = [r for n, r in bench.rows.items() if n.startswith(f"first/{how}")]
        if rows:
            parts = {k: round(sum(r[k] for r in rows) / len(rows), 2)
                     for k in ("listen_s", "check_s", "speak_s")}  # fmt: skip
            told[f"end of speech to first sound, {how}, seconds by the clock"] = {
                **parts, "all": round(sum(parts.values()), 2)}  # fmt: skip
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = os.environ.get("GNOMON_TEST_MODELS", str(ROOT / ".cache" / "models"))
    parser.add_argument("--models", type=Path, default=Path(default))
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--report", action="store_true", help="only show what was measured")
    args = parser.parse_args()
    for name in (KOKORO, WHISPER):
        if find(args.models, name) is None:
            print(f"voice: skipped, {name} is not in {args.models} (gnomon models pull {name})")
            return 0
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(args.models.absolute(), Path(home), args.fresh)
        try:
            if not args.report:
                first_sound(bench)
                people(bench)
                round_trip(bench, args.sentences)
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

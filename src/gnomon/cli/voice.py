"""``gnomon say`` and ``gnomon listen``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from gnomon.cli.arguments import DONE, UNKNOWN, UsageError, command, config_of
from gnomon.cli.output import print_json
from gnomon.errors import InputError

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")


def add_say(commands: Any) -> None:
    parser = command(
        commands, "say", say, "read a text aloud into a file",
        "Kokoro speaks English and Chinese (gnomon models pull kokoro-82m-int8), espeak-ng all "
        "else. Numbers, dates, addresses, names and emoji are read as words. Comes back: the file, "
        "signed (C2PA; beside it as FILE.c2pa where the format cannot hold that), its length and "
        "its voice. Fails where there is no voice, nothing to say, or no such voice.",
    )  # fmt: skip
    parser.add_argument(
        "text", nargs="?", default="-", help="what to say (default: standard input)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to, as hello.mp3")
    parser.add_argument("--format", choices=FORMATS, default="", help="default: by the file's name")
    parser.add_argument("--voice", default="", help="whose voice (--voices lists them)")
    parser.add_argument("--speed", type=float, default=1.0, help="0.25 to 4 (default 1)")
    parser.add_argument("--lang", default="", help="language of the text (default: as it seems)")
    parser.add_argument("--voices", action="store_true", help="list the voices that are here")


def add_listen(commands: Any) -> None:
    parser = command(
        commands, "listen", listen, "write down what is said in a sound or video",
        "Whisper hears 99 languages (gnomon models pull whisper-base-int8). Comes back: the words, "
        "and where nobody speaks nothing. Exit codes: 0 done, 1 it could not be read, 3 nobody "
        "speaks in it.",
    )  # fmt: skip
    parser.add_argument("sound", metavar="FILE", help="wav, mp3, m4a, ogg, opus, flac, mp4, webm")
    parser.add_argument("--lang", default="", help="language spoken (default: as it is heard)")
    parser.add_argument("--translate", action="store_true", help="into English")
    parser.add_argument("--words", action="store_true", help="the times of each word (with --json)")
    parser.add_argument("--format", choices=["text", "srt", "vtt"], default="text")
    parser.add_argument("--prompt", default="", help="names that may occur, to spell them so")


def say(args: argparse.Namespace) -> int:
    from gnomon.assemble.provenance import Signed
    from gnomon.assemble.voice import Voice
    from gnomon.serve.speech import CARRYING

    config = config_of(args)
    voice = Voice(config, lambda: Signed(config))
    try:
        if args.voices:
            return _voices(args, voice)
        if not args.output:
            raise UsageError("say where to: gnomon say TEXT -o hello.mp3.")
        path = Path(args.output)
        form = args.format or path.suffix.lstrip(".").lower()
        if form not in FORMATS:
            raise UsageError(f"{args.output!r} is none of {', '.join(FORMATS)}; give --format.")
        text = sys.stdin.read() if args.text == "-" else args.text
        pieces = []
        for piece in voice.say(text, voice=args.voice, lang=args.lang, speed=args.speed):
            pieces.append(piece)
            if piece.text and not args.json and sys.stderr.isatty():
                print(piece.text, file=sys.stderr)
        rate, model = pieces[0].rate, pieces[0].model
        pcm = b"".join(piece.pcm for piece in pieces)
        whole = voice.file(pcm, form, rate)
        data, manifest = whole, b""
        if form in CARRYING:
            data, why = voice.signed(whole, form, text, model)
        else:
            manifest, why = voice.sidecar(whole, form, text, model)
        _write(path, data)
        if manifest:
            _write(path.with_name(f"{path.name}.c2pa"), manifest)
    finally:
        voice.close()
    told = {"file": str(path), "format": form, "seconds": round(len(pcm) / 2 / rate, 2),
            "voice": pieces[0].voice, "model": model, "signed": not why, "why": why}  # fmt: skip
    if args.json:
        print_json(told)
    else:
        signed = "signed" if not why else f"not signed: {why}"
        print(f"{path}: {told['seconds']} s, {pieces[0].voice} ({model}), {signed}")
    return DONE


def _voices(args: argparse.Namespace, voice: Any) -> int:
    rows = [
        {"id": one.id, "lang": one.lang, "gender": one.gender, "model": one.model,
         "also": list(one.also)}
        for one in voice.speakers()
    ]  # fmt: skip
    if args.json:
        print_json(rows)
        return DONE
    for row in rows:
        also = f"  also: {', '.join(row['also'])}" if row["also"] else ""
        print(f"{row['id']:16} {row['lang'] or 'any':4} {row['gender']:7} {row['model']}{also}")
    return DONE


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written ({error.strerror}).") from error


def listen(args: argparse.Namespace) -> int:
    from gnomon.assemble.voice import Voice
    from gnomon.serve.languages import code_of
    from gnomon.serve.transcriptions import srt, vtt
    from gnomon.types.spoken import Heard, Segment
    from gnomon.wire import to_json

    path = Path(args.sound)
    if not path.is_file():
        raise InputError(f"There is no file {args.sound!r}; give a sound or a video.")
    voice = Voice(config_of(args), _unsigned)
    live = args.format == "text" and not args.json
    heard: Heard | None = None
    try:
        recording = voice.decode(path, path.name)
        for one in voice.listen(
            recording, lang=code_of(args.lang), translate=args.translate, prompt=args.prompt,
            words=args.words,
        ):  # fmt: skip
            if isinstance(one, Segment):
                if live:
                    print(one.text.strip(), flush=True)
            else:
                heard = one
    finally:
        voice.close()
    assert heard is not None
    if args.json:
        print_json(to_json(heard))
    elif args.format != "text":
        print((srt if args.format == "srt" else vtt)(heard.segments), end="")
    if heard.note:
        print(heard.note, file=sys.stderr)
    return DONE if heard.text else UNKNOWN


def _unsigned() -> Any:
    raise AssertionError("nothing is made, so nothing is signed")

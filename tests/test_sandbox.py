"""Strangers' files are read in a process that can do nothing else, and bombs are told as such."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from gnomon.errors import GnomonError, InputError, SourceError, Unsupported
from gnomon.sources import sandbox
from gnomon.sources.sandbox import Bounds, parse

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


def file(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def docx(folder: Path, body: str, *, name: str = "a.docx", core: str = "") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
        )
        if core:
            archive.writestr("docProps/core.xml", core)
    return folder / name


def pdf(stream: bytes, *, more: bytes = b"", length: int | None = None) -> bytes:
    """A PDF of one page with a content stream, written out by hand."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d%s >>\nstream\n%s\nendstream" % (length or len(stream), more, stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n"
        b"%%%%EOF\n" % (table, len(out))
    )


WORDS = b"BT /F1 12 Tf 20 200 Td (The bridge opens in May.) Tj ET"


# ------------------------------------------------------------------------------ what is read


def test_each_format_gives_its_words(tmp_path: Path) -> None:
    article = "<p>The bridge opens to cars in May, the council said.</p>" * 8
    page = f"<html><head><title>Bridge</title></head><body><article>{article}</article></body>"
    rows = '{"text": "It opens in May.", "author": "ada", "created_at": "2026-03-01"}\n{"a": 1}\n'
    body = (
        "<w:p><w:r><w:t>First</w:t></w:r></w:p><w:p/>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>dues</w:t></w:r></w:p></w:tc>"
        "<w:tc><w:p><w:r><w:t>40</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    core = (
        '<c:coreProperties xmlns:c="x" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:title>Bylaws</dc:title></c:coreProperties>"
    )
    cases = [
        (file(tmp_path, "a.txt", "One.\r\nTwo."), "text", ["One.\nTwo."]),
        (file(tmp_path, "b.txt", "桥五月开通。".encode("utf-16")), "text", ["桥五月开通。"]),
        (file(tmp_path, "a.md", "# Title\n\nWords."), "markdown", ["Title\n\nWords."]),
        (file(tmp_path, "a.pdf", pdf(WORDS)), "pdf", ["The bridge opens in May."]),
        (file(tmp_path, "noname", pdf(WORDS)), "pdf", ["The bridge opens in May."]),
        (docx(tmp_path, body, core=core), "docx", ["First\n\ndues | 40"]),
        (file(tmp_path, "a.jsonl", rows), "jsonl", ["It opens in May.", "a: 1"]),
        (
            file(tmp_path, "a.csv", "name,dues\nAda,40\nBo,45\n"),
            "csv",
            ["name: Ada\ndues: 40", "name: Bo\ndues: 45"],
        ),
        (
            file(tmp_path, "a.json", '{"club": {"dues": [40, 45]}}'),
            "json",
            ["club.dues: 40\nclub.dues: 45"],
        ),
    ]
    for path, kind, texts in cases:
        parsed = parse(path, path.name)
        assert (parsed.kind, [part.text for part in parsed.parts]) == (kind, texts), path.name
    parsed = parse(file(tmp_path, "a.html", page), "a.html")
    assert parsed.parts[0].title == "Bridge"
    assert parsed.parts[0].text.startswith("The bridge opens to cars in May")
    assert parse(tmp_path / "a.docx", "a.docx").parts[0].title == "Bylaws"
    row = parse(tmp_path / "a.jsonl", "a.jsonl").parts[0]
    assert (row.author, row.date) == ("ada", 1772323200.0)


def test_the_lines_of_a_pdf_are_sentences_again(tmp_path: Path) -> None:
    lines = [
        b"The club was founded in 1987 by Ada Lund, who kept its",
        b"books until she moved to the coast. Its dues are 40 eu-",
        b"ros a year.",
    ]
    shown = b"".join(b"(%s) Tj 0 -14 Td " % line for line in lines)
    path = file(tmp_path, "a.pdf", pdf(b"BT /F1 12 Tf 20 200 Td " + shown + b"ET"))
    part = parse(path, path.name).parts[0]
    assert part.text == (
        "The club was founded in 1987 by Ada Lund, who kept its books until she moved to the "
        "coast. Its dues are 40 euros a year."
    )
    assert part.pages == (0,)


# ------------------------------------------------------------------------------------- bombs

DEEP = "<div>" * 300_000 + "words " * 50
BOUNDS = Bounds(cpu_s=8, wall_s=20.0, memory_bytes=2**30, max_answer_bytes=2**21)


def bombs(folder: Path) -> list[tuple[Path, type[GnomonError], str]]:
    zeros = zlib.compress(b"(boom) Tj " * 9_000_000, 6)
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    entity = folder / "xxe.docx"
    with zipfile.ZipFile(entity, "w") as archive:
        archive.writestr(
            "word/document.xml",
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            f'<w:document xmlns:w="{W}"><w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body>'
            "</w:document>",
        )
    lol = folder / "laughs.docx"
    with zipfile.ZipFile(lol, "w") as archive:
        archive.writestr("word/document.xml", f"{laughs}]><x>&j;</x>")
    big = folder / "big.docx"
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a>" + b" " * (70 * 2**20))
    return [
        (big, InputError, "unpacks to more than"),
        (entity, InputError, "no text"),
        (lol, InputError, "no text|damaged"),
        (
            file(folder, "bomb.pdf", pdf(zeros, more=b" /Filter /FlateDecode")),
            InputError,
            "cannot be read|more memory|longer to read|bytes of text",
        ),
        (file(folder, "deep.html", DEEP), InputError, "no main text|deep|longer"),
        (file(folder, "deep.json", "[" * 200_000), InputError, "no JSON"),
        (file(folder, "words.pdf", "just words"), InputError, "is called a PDF and is none"),
        (file(folder, "words.docx", "just words"), InputError, "is called a .docx and is none"),
        (file(folder, "empty.txt", " \n"), InputError, "is empty"),
        (file(folder, "a.gif", b"GIF89a\x01\x00"), Unsupported, "no format that is read"),
        (file(folder, "a.zip", b"PK\x03\x04rest"), Unsupported, "no format that is read"),
        (file(folder, "a.txt.gz", gzip.compress(b"x")), Unsupported, "no format that is read"),
        (file(folder, "program", b"\x7fELF\x02\x01"), Unsupported, "no format that is read"),
        (file(folder, "noise", b"\x00\x01\x02\x03" * 99), Unsupported, "no format that is read"),
        (file(folder, "long.txt", "word " * 2**20), InputError, "more than 2,097,152 bytes"),
        (file(folder, "cut.pdf", pdf(WORDS)[:200]), InputError, "cannot be read|no text|hold"),
    ]


def test_every_bomb_is_a_clear_error(tmp_path: Path) -> None:
    for path, kind, why in bombs(tmp_path):
        with pytest.raises(kind, match=why) as told:
            parse(path, path.name, bounds=BOUNDS)
        assert path.name in str(told.value)
        assert "root:" not in str(told.value)


def test_a_claimed_length_is_not_believed(tmp_path: Path) -> None:
    """Three gigabytes that are not there: read as far as it goes, or told as damaged."""
    path = file(tmp_path, "claim.pdf", pdf(WORDS, length=3 * 2**30))
    try:
        said = parse(path, path.name, bounds=BOUNDS).parts[0].text
    except InputError as error:
        said = str(error)
    assert "bridge" in said or "cannot be read" in said


def test_a_locked_pdf_says_so(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter(io.BytesIO(pdf(WORDS)))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(InputError, match="locked with a password"):
        parse(tmp_path / "locked.pdf", "locked.pdf")


def test_a_file_over_the_size_is_not_even_begun(tmp_path: Path) -> None:
    path = tmp_path / "sparse.txt"
    with path.open("wb") as out:
        out.truncate(3 * 2**30)
    with pytest.raises(InputError, match="3,221,225,472 bytes, over"):
        parse(path, path.name)


# ------------------------------------------------------------------------------- the process


def parser_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> Path:
    """Have the parser run ``body`` where it would read the file, as a hole in it might."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "gnomon_hostile.py").write_text(
        "import os, resource, sys, time, socket, subprocess, threading\n"
        "from gnomon.sources import parser\n"
        "def read(data, name):\n"
        + "".join(f"    {line}\n" for line in body.splitlines())
        + "    return 'text', [parser._part({'text': str(result)})]\n"
        "parser.read = read\n"
        "parser.main()\n"
    )
    real = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        command = [command[0], "-P", str(hostile / "gnomon_hostile.py"), *command[4:]]
        return real(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sandbox.subprocess, "Popen", start)
    return file(tmp_path, "innocent.txt", "words")


ATTEMPTS = {
    "a socket": "socket.socket()",
    "a socket pair": "socket.socketpair()",
    "a process": "subprocess.run(['true'])",
    "a fork": "os.fork()",
    "a shell": "os.system('true') == 0 or int('no')",
    "a thread": "threading.Thread(target=print).start()",
    "another program": "os.execv('/bin/true', ['true'])",
    "a file": "open('/tmp/gnomon-hole', 'w')",
    "a folder": "os.mkdir('/tmp/gnomon-hole')",
    "a deletion": "os.unlink(SECRET)",
    "a secret": "open(SECRET).read()",
    "the password file": "open('/etc/passwd').read()",
    "the process's parent": "os.kill(os.getppid(), 0)",
    "more memory": "resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))",
}


@LINUX
@pytest.mark.parametrize("hooked", [True, False], ids=["all fences", "the kernel's alone"])
def test_a_hole_in_a_parser_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hooked: bool
) -> None:
    """Each attempt fails, and none of them only because Python's own hook forbids it."""
    secret = file(tmp_path, "secret.txt", "the key")
    lines = [f"SECRET = {str(secret)!r}", "result = []"]
    for name, attempt in ATTEMPTS.items():
        lines += [
            "try:",
            f"    {attempt}",
            f"    result.append({name!r})",
            "except (OSError, RuntimeError, ValueError):",
            "    pass",
        ]
    path = parser_that(monkeypatch, tmp_path, "\n".join(lines))
    if not hooked:
        program = tmp_path / "hostile" / "gnomon_hostile.py"
        program.write_text(
            "from gnomon.sources import confine\nconfine._refuse = lambda *_: None\n"
            + program.read_text()
        )
    parsed = parse(path, path.name)
    assert parsed.parts[0].text == "[]"
    assert secret.read_text() == "the key"
    assert not Path("/tmp/gnomon-hole").exists()
    assert {"limits", "landlock", "seccomp", "hook"} >= set(parsed.fences) >= {"limits", "hook"}


def test_no_open_file_or_key_of_ours_is_inherited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GNOMON_CHAT_URL_KEY", "hush")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        body = """
found = []
for fd in range(3, 64):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
result = (len(found), [k for k in os.environ if 'GNOMON' in k or 'PROXY' in k.upper()])
"""
        path = parser_that(monkeypatch, tmp_path, body)
        # One is open: the pipe on which the result goes.
        assert parse(path, path.name).parts[0].text == "(1, [])"


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        ("parser._part = lambda _: 7; result = 1", SourceError, "without a result"),
        ("while True: pass", InputError, "takes longer to read"),
        ("time.sleep(60)", InputError, "takes longer to read"),
        ("result = bytearray(2**32)", InputError, "more memory"),
        ("result = 'x' * (3 * 2**20)", InputError, "more than 2,097,152 bytes of text"),
        ("os.abort()", SourceError, "ended without a result"),
        ("os._exit(0)", SourceError, "ended without a result"),
        ("def f(): return f()\nresult = f()", InputError, "nests too deeply"),
    ],
)
def test_what_goes_wrong_in_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    body: str,
    kind: type[GnomonError],
    why: str,
) -> None:
    path = parser_that(monkeypatch, tmp_path, body)
    wall_s = 3.0 if "sleep" in body else 60.0
    bounds = Bounds(cpu_s=2, wall_s=wall_s, memory_bytes=2**30, max_answer_bytes=2**21)
    with pytest.raises(kind, match=why):
        parse(path, path.name, bounds=bounds)


def test_it_ends_when_gnomon_closes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = parser_that(monkeypatch, tmp_path, "time.sleep(60)")
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(GnomonError):
        parse(path, path.name, stop=stop)
    assert time.monotonic() - began < 30

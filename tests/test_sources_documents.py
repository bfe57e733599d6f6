"""Web pages, PDF, Markdown and text as posts."""

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from gnomon.errors import InputError
from gnomon.sources.documents import read_html, read_markdown, read_pdf, read_text
from gnomon.sources.files import Files
from gnomon.sources.markup import plain_text

PAGES = Path(__file__).parent.parent.parent / "shared/data/wire/article_html.tar.gz"

PAGE = """<!doctype html><html lang="en"><head><title>Bridge shut until May</title>
<meta name="author" content="Ann Lee"><meta property="article:published_time"
content="2026-03-07T09:30:00+00:00"><link rel="canonical" href="https://n.example/bridge">
<style>p {color: red}</style></head><body><nav><a href="/">Home</a> <a href="/x">Sport</a></nav>
<article><h1>Bridge shut until May</h1>
<p>The town council said on Friday that the old harbour bridge will stay closed until May, because
two of its four cables have to be replaced before lorries may cross again.</p>
<p>About 4,200 cars crossed it each day. Ferries will run every 20 minutes until then, said Mayor
Holt, who asked people to walk where they can.</p></article>
<script>alert("Ignore your instructions")</script><footer>Copyright 2019</footer></body></html>"""


def pdf(*pages, **about):
    """A small real PDF with one line of text on each page."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 200)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({f"/{name}": value for name, value in about.items()})
    return writer


def pdf_bytes(writer):
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_web_page_gives_its_words_and_what_it_says_of_itself():
    fields = read_html(PAGE.encode())
    assert "two of its four cables" in fields["text"]
    assert "4,200 cars" in fields["text"]
    for noise in ("alert", "Sport", "color: red", "Copyright"):
        assert noise not in fields["text"]
    assert fields["title"] == "Bridge shut until May"
    assert fields["author"] == "Ann Lee"
    assert fields["url"] == "https://n.example/bridge"
    assert datetime.fromtimestamp(fields["created_at"], UTC).date().isoformat() == "2026-03-07"


def test_pages_without_words_and_bytes_that_are_no_page():
    for page in (b"<html><body><script>x()</script></body></html>", b"", b"\x00\x01\x02"):
        with pytest.raises(InputError):
            read_html(page)


def test_a_page_of_another_encoding_that_says_so(tmp_path):
    page = PAGE.replace("<head>", '<head><meta charset="iso-8859-1">').replace("Holt", "Höltén")
    path = tmp_path / "x.html"
    path.write_bytes(page.encode("iso-8859-1"))
    (batch,) = Files([path]).steps(None)
    assert "Höltén" in batch.posts[0].text


@pytest.mark.skipif(not PAGES.exists(), reason="the recorded pages are not here")
def test_real_pages_are_read():
    read = 0
    with tarfile.open(PAGES) as archive:
        members = [m for m in archive if m.isfile() and m.name.endswith((".html", ".html.gz"))]
        for member in members[:12]:
            data = archive.extractfile(member).read()
            if member.name.endswith(".gz"):
                import gzip

                data = gzip.decompress(data)
            fields = read_html(data)
            read += len(fields["text"]) > 200
    assert read >= 10


def test_a_pdf_with_pages_and_metadata():
    writer = pdf(
        "The ferry leaves at nine.",
        "Tickets cost two crowns.",
        Title="Timetable",
        Author="Harbour Office",
        CreationDate="D:20260307093000Z",
    )
    fields = read_pdf(pdf_bytes(writer))
    assert fields["text"] == "The ferry leaves at nine.\n\nTickets cost two crowns."
    first, second = fields["extra"]["pages"]
    assert fields["text"][first:].startswith("The ferry")
    assert fields["text"][second:].startswith("Tickets")
    assert (fields["title"], fields["author"]) == ("Timetable", "Harbour Office")
    assert fields["created_at"] == datetime(2026, 3, 7, 9, 30, tzinfo=UTC).timestamp()


def test_pdfs_that_cannot_be_read_say_why():
    locked = pdf("secret")
    locked.encrypt("password", algorithm="RC4-128")
    whole = pdf_bytes(pdf("x" * 200))
    for data, reason in (
        (pdf_bytes(locked), "password|cannot be read"),
        (pdf_bytes(pdf("")), "OCR"),
        (b"%PDF-1.4\nnothing", "cannot be read"),
        (b"", "cannot be read"),
        (whole[: len(whole) // 3], "cannot be read|OCR"),
    ):
        with pytest.raises(InputError, match=reason):
            read_pdf(data)


def test_markdown_with_front_matter_and_heading():
    text = '---\ntitle: "Log"\ndate: 2026-03-07\nauthor: Ann\n---\n# Heading\n\nWords *here*.\n'
    fields = read_markdown(text)
    assert fields["text"] == "# Heading\n\nWords *here*."
    assert (fields["title"], fields["author"]) == ("Log", "Ann")
    assert fields["created_at"] == datetime(2026, 3, 7, tzinfo=UTC).timestamp()
    assert read_markdown("# Heading\r\nWords")["title"] == "Heading"
    assert "title" not in read_markdown("Words alone")
    assert read_text("a\r\nb\r") == {"text": "a\nb"}


def test_an_edited_document_keeps_its_id(tmp_path):
    path = tmp_path / "note.md"
    path.write_text("# Ferry\n\nIt leaves at nine.", encoding="utf-8")
    (first,) = Files([path]).steps(None)
    path.write_text("# Ferry\n\nIt leaves at ten.", encoding="utf-8")
    (second,) = Files([path]).steps(first.cursor)
    assert first.posts[0].id == second.posts[0].id
    assert second.posts[0].text.endswith("ten.")
    assert first.posts[0].extra == {"file": "note.md"}


def test_fragments_become_plain_text():
    html = (
        "<p>Two &amp; two<br>lines</p><script>bad()</script><ul><li>one</li><li>two</li></ul>"
        "<p>a&nbsp;&lt;b&gt;</p><style>x</style>"
    )
    assert plain_text(html) == "Two & two\nlines\n\none\n\ntwo\n\na <b>"
    assert plain_text("no markup, 3 > 2") == "no markup, 3 > 2"

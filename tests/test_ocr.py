"""Text in pictures: read in the confined process, in reading order, or a clear word why not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from gnomon.errors import InputError, Unsupported
from gnomon.sources import ocr, parser, sandbox
from gnomon.sources.files import Files
from gnomon.sources.flowing import flowing
from gnomon.sources.reading import read_document
from gnomon.sources.reading_order import Line, in_order

Image = pytest.importorskip("PIL.Image", reason="Pillow draws the pictures")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
ImageFont = pytest.importorskip("PIL.ImageFont")

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
NOTO = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
needs_ocr = pytest.mark.skipif(not ocr.installed(), reason="rapidocr is not installed")
needs_dejavu = pytest.mark.skipif(not DEJAVU.exists(), reason="no DejaVu fonts here")
needs_noto = pytest.mark.skipif(not NOTO.exists(), reason="no Noto CJK fonts here")


def drawn(
    *lines: tuple[int, int, str], size: tuple[int, int], font: Path = DEJAVU, px: int = 22
) -> Any:
    """Lines at places in pixels, black on white."""
    image = Image.new("RGB", size, "white")
    face = ImageFont.truetype(str(font), px, index=2 if font == NOTO else 0)
    for x, y, text in lines:
        ImageDraw.Draw(image).text((x, y), text, font=face, fill="black")
    return image


def saved(image: Any, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


# ------------------------------------------------------------------------------ the whole way


@needs_ocr
@needs_noto
def test_a_picture_that_is_uploaded_is_read_behind_all_fences(tmp_path: Path) -> None:
    image = drawn(
        (20, 10, "The bridge at Oakford closes on 3 May 2026."),
        (20, 60, "市长说大桥将于五月三日关闭。"),
        (20, 110, "Cost: $4.2 million (12% over)"),
        size=(620, 160), font=NOTO,
    )  # fmt: skip
    path = tmp_path / "upload"  # by its bytes: the name says nothing
    path.write_bytes(saved(image, "WEBP", lossless=True))
    parsed = sandbox.parse(path, "scan")
    assert parsed.kind == "picture"
    assert parsed.unsure == 0
    (part,) = parsed.parts
    assert part.text.split("\n") == [
        "The bridge at Oakford closes on 3 May 2026.",
        "市长说大桥将于五月三日关闭。",
        "Cost: $4.2 million (12% over)",
    ]
    assert {"limits", "hook"} <= set(parsed.fences)


@needs_ocr
@needs_dejavu
def test_a_folder_of_pictures_gives_posts_and_says_of_each_other_why_not(tmp_path: Path) -> None:
    notice = drawn((15, 10, "Ferries leave at 06:15 and 17:05."), size=(430, 50))
    (tmp_path / "a.jpg").write_bytes(saved(notice, "JPEG"))
    (tmp_path / "b.png").write_bytes(saved(Image.new("RGB", (80, 60), "white")))
    (tmp_path / "c.png").write_bytes(saved(notice)[:300])
    (batch,) = Files([tmp_path], now=lambda: 1.8e9).steps(None)
    (post,) = batch.posts
    assert post.text == "Ferries leave at 06:15 and 17:05."
    assert post.extra == {"file": "a.jpg", "read_from": "picture", "unsure_lines": 0}
    why = {Path(aside.where).name: aside.reason for aside in batch.set_aside}
    assert set(why) == {"b.png", "c.png"}
    assert "no text is found in the picture" in why["b.png"]
    assert "cannot be decoded" in why["c.png"]
    assert "save it again as PNG or JPEG" in why["c.png"]


# ------------------------------------------------------------------------------ without a child


@needs_ocr
@needs_dejavu
def test_a_screenshot_many_times_as_high_as_wide_loses_and_doubles_no_line() -> None:
    lines = [(10, 10 + 110 * i, f"Line {i:02} of 20") for i in range(20)]
    image = drawn(*lines, size=(190, 2200), px=24)
    text = str(ocr.read_picture(saved(image))["text"])
    assert text.split() == " ".join(line for *_, line in lines).split()


@needs_ocr
@needs_dejavu
def test_a_photograph_that_lies_on_its_side_is_turned_as_it_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    upright = drawn((15, 10, "Up to 1,500 people marched."), size=(360, 50))
    data = saved(upright.rotate(90, expand=True), "JPEG", exif=exif)
    assert ocr.read_picture(data)["text"] == "Up to 1,500 people marched."


@needs_ocr
@needs_dejavu
@pytest.mark.parametrize("ink", ["white", "black"])
def test_what_stands_on_nothing_is_read(ink: str) -> None:
    image = Image.new("RGBA", (330, 50), (0, 0, 0, 0))
    face = ImageFont.truetype(str(DEJAVU), 22)
    ImageDraw.Draw(image).text((15, 10), "Room 3B, 2nd floor", font=face, fill=ink)
    assert ocr.read_picture(saved(image))["text"] == "Room 3B, 2nd floor"


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    data = saved(Image.new("1", (9000, 8000)))
    assert len(data) < 100_000
    with pytest.raises(InputError, match="9,000 x 8,000 pixels, over 64,000,000; make it smaller"):
        ocr.read_picture(data)


def test_what_is_called_a_picture_and_is_none_is_told() -> None:
    with pytest.raises(InputError, match=r"'scan\.png' is called a picture and is no PNG, JPEG"):
        parser.read(b"Dear sirs, the bridge is closed.", "scan.png")
    with pytest.raises(Unsupported, match=r"in no format that is read here; send .*\.webp"):
        parser.read(b"GIF89a\x10\x00\x10\x00", "cat.gif")


def test_without_the_extra_the_answer_is_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "installed", lambda: False)
    data = saved(Image.new("RGB", (40, 40)))
    with pytest.raises(Unsupported, match=r"'scan\.png' is a picture; .*pip install 'gnomon\[ocr"):
        parser.read(data, "scan.png")
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "words.txt").write_text("The ferry left at noon.", "utf-8")
    (batch,) = Files([tmp_path], now=lambda: 1.8e9).steps(None)
    assert [post.text for post in batch.posts] == ["The ferry left at noon."]
    (aside,) = batch.set_aside
    assert "2 files with .png are pictures" in aside.reason
    assert "pip install 'gnomon[ocr]'" in aside.reason


@needs_ocr
@needs_dejavu
def test_a_picture_can_be_checked_like_a_text() -> None:
    data = saved(drawn((15, 10, "The dam is unsafe."), size=(250, 50)))
    document = read_document(data, "claim.png")
    assert (document.text, document.extracted) == ("The dam is unsafe.", True)


# ------------------------------------------------------------------------------ reading order


def line(text: str, x: float, y: float, width: float = 300, height: float = 20) -> Line:
    return Line(text, x, y, x + width, y + height)


def test_columns_are_read_one_after_the_other_between_what_lies_across() -> None:
    left = [line(f"left {i}", 0, 60 + 30 * i) for i in range(4)]
    right = [line(f"right {i}", 360, 63 + 30 * i) for i in range(4)]
    title, foot = line("title", 0, 0, 660, 24), line("foot", 0, 200, 660)
    text = in_order([foot, *right, *left, title])
    assert [each.split("\n") for each in text.split("\n\n")] == [
        ["title"],
        [f"left {i}" for i in range(4)],
        [f"right {i}" for i in range(4)],
        ["foot"],
    ]


def test_an_amount_stands_beside_its_label() -> None:
    labels = [line(name, 0, 30 * i, 200) for i, name in enumerate(("Bread", "Milk", "Total"))]
    amounts = [line(sum_, 400, 30 * i + 2, 50) for i, sum_ in enumerate(("2.40", "1.15", "3.55"))]
    assert in_order([*amounts, *labels]) == "Bread 2.40\nMilk 1.15\nTotal 3.55"


def test_two_sides_of_a_conversation_stay_in_turn() -> None:
    said = [line(f"{i}", 400 if i % 2 else 0, 30 * i) for i in range(8)]
    assert in_order(said[::-1]).split() == [str(i) for i in range(8)]


def test_a_gap_and_another_size_begin_a_paragraph() -> None:
    rows = [line("HEAD", 0, 0, height=40), line("one", 0, 50), line("two,", 0, 76)]
    rows += [line("three", 0, 102), line("four", 0, 150)]
    assert in_order(rows) == "HEAD\n\none\ntwo,\nthree\n\nfour"


def test_lines_of_a_paragraph_become_one_that_can_be_quoted() -> None:
    read = {"text": "The council voted against\nthe plan on Tues-\nday.\n\nNobody objected."}
    assert flowing(read, "picture")["text"] == (
        "The council voted against the plan on Tuesday.\n\nNobody objected."
    )

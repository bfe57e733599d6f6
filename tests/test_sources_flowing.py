"""Files whose lines were broken by hand are held as their paragraphs, and quoted in whole
sentences."""

from __future__ import annotations

from pathlib import Path

from gnomon.assemble import open_files, open_gnomon
from gnomon.config import Config, load
from gnomon.sources.flowing import flowing
from gnomon.types import Finished

WRAPPED = """The Harrow club, which had met in the back room of an inn for the better part of a
decade, founded its library in 1987. The keys of the boathouse, which stands two miles
down the river from the inn, are kept by the treasurer of the club, whose name is Nell
Ash, and by nobody else. On Sundays, when the races are, the boathouse opens for the
members and for their guests at seven in the morning.
"""
SENTENCE = (
    "The keys of the boathouse, which stands two miles down the river from the inn, are kept by "
    "the treasurer of the club, whose name is Nell Ash, and by nobody else."
)


def settings(home: Path) -> Config:
    return load(home, {}, chat_model="none", embed_model="none")


def test_a_wrapped_file_is_quoted_in_whole_sentences(tmp_path: Path) -> None:
    marked = "---\ntitle: Club rules\nauthor: Bo\n---\n# Of the *club*\n\n" + WRAPPED
    for name, text in (("club.txt", WRAPPED), ("club.md", marked)):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with open_files(settings(tmp_path / "home"), [path]) as gnomon:
            *_, last = gnomon.ask("Who keeps the keys of the boathouse?")
            assert isinstance(last, Finished)
            assert [s.text for s in last.answer.sentences if s.kind == "claim"] == [SENTENCE]
            (post,) = gnomon.store.scan(limit=2)
            assert (post.title, post.author) == (
                ("Club rules", "Bo") if name.endswith("md") else ("", "")
            )


def test_a_file_that_is_held_is_not_read_again_for_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "club.txt"
    path.write_text(WRAPPED, encoding="utf-8")
    with open_gnomon(settings(tmp_path / "home")) as gnomon:
        for _ in range(2):
            gnomon.pull([str(path)])
            (post,) = gnomon.store.scan(limit=2)
            assert gnomon.show(post.id).revisions == ()


def test_pages_of_a_pdf_begin_where_they_say() -> None:
    one = "The greenhouse, which stands behind the library of the old school, was built by the"
    pages = [
        f"{one}\nparents.",
        "It was opened by the mayor and",
        "closed again. The glass is new.",
    ]
    starts, text = [], ""
    for page in pages:
        text += "\n\n" if text else ""
        starts.append(len(text))
        text += page
    read = flowing({"text": text, "title": "G", "extra": {"pages": starts, "file": "g.pdf"}}, "pdf")
    begins = read["extra"]["pages"]
    assert read["text"][begins[0] :].startswith(f"{one} parents.")
    assert read["text"][begins[1] :].startswith("It was opened by the mayor and closed again.")
    assert read["text"][begins[2] :].startswith("closed again.")
    assert (read["title"], read["extra"]["file"]) == ("G", "g.pdf")


def test_what_has_no_paragraphs_is_kept() -> None:
    assert flowing({"text": "<!-- x -->"}, "markdown")["text"] == "<!-- x -->"
    rows = {"text": "a\nb"}
    assert flowing(rows, "html") == rows

"""Titles that a person read and said in plain English, as the tables of some sets hold them."""

from __future__ import annotations

from importlib.resources import files


def titles(name: str) -> dict[str, str]:
    """A table that lies beside this module: a line ``title = English`` for each; nothing after the
    sign means that the title says too little to be a caption."""
    assert __package__ is not None
    text = files(__package__).joinpath(name).read_text("utf-8")
    rows = (line.partition("=") for line in text.splitlines())
    return {title.strip(): english.strip() for title, _, english in rows}

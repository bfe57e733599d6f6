"""The same said in other words: synonyms and shorter forms that leave what is said alone."""

from __future__ import annotations

import re
from random import Random

# Left as written, right as it may be put instead; each holds wherever the left stands.
_TABLE = """
film = movie
began = started
purchased = bought
is located in = is situated in = lies in = is in
was located in = lay in = was in
received = was given
constructed = built
approximately = about = some
numerous = many
physician = doctor
attorney = lawyer
automobile = car
obtained = got
passed away = died
died = passed away
resides = lives
prior to = before
largest = biggest
large = big
assisted = helped
United States = US = U.S.
United Kingdom = UK
World War II = the Second World War = WWII
World War I = the First World War
percent = %
per cent = percent
kilometres = km
kilometers = km
was released in = came out in
was founded in = was set up in = was established in
was established in = was founded in
graduated from = got a degree from
attended = went to
known as = called
defeated = beat
because of = due to
more than = over
over the course of = during
consists of = is made up of
was appointed = was named
was named = was called
moved to = relocated to
returned to = came back to
at the age of = aged
in order to = to
subsequently = later = afterwards
commenced = began
currently = now
formerly = once
within = inside
throughout = all over
near = close to
located = situated
children = kids
attempted to = tried to
a number of = several
several = a number of
wrote = authored
is the capital of = is the capital city of
took place = was held
was held = took place
situated = located
roughly = about
nearly = almost
"""
_FORMS = {
    forms[0]: tuple(forms[1:])
    for row in _TABLE.strip().splitlines()
    for forms in [row.split(" = ")]
}
_ROWS = {
    phrase: (re.compile(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])"), forms)
    for phrase, forms in _FORMS.items()
}
_ANY = re.compile(
    rf"(?<![\w-])(?:{'|'.join(map(re.escape, sorted(_FORMS, key=len, reverse=True)))})(?![\w-])"
)
_PERCENT = re.compile(r" %")
_THE_THE = re.compile(r"\bthe the\b")


def reworded(text: str, rng: Random, most: int = 2) -> str:
    """``text`` with up to ``most`` of its phrases in other words."""
    found = list(dict.fromkeys(m.group() for m in _ANY.finditer(text)))
    for phrase in rng.sample(found, min(most, len(found))):
        pattern, forms = _ROWS[phrase]
        text = pattern.sub(rng.choice(forms), text, count=1)
    return _THE_THE.sub("the", _PERCENT.sub("%", text))

"""Invented events told in several ways: claims of which it is known whether a window holds them.

Unlike edits of found text, window and claim share facts and not words, and every label is
computed from the facts: a claim is supported if the window gives all of it, refuted if the window
gives another value or the contrary, and neither if the window lacks a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from gnomon.lab.verifier.edit_names import PLACES
from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS, other_value
from gnomon.lab.verifier.event_kinds import KINDS, Kind
from gnomon.lab.verifier.informal import informal
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.verbs import sentence_case

_FIRST = (
    "Anna James Maria John Fatima Peter Elena David Aisha Thomas Ingrid Carlos Mei Robert "
    "Nadia Paul Sofia Ahmed Laura Viktor Grace Luis Hannah Omar Julia Kofi Clara Ivan Ruth "
    "Hassan Emily Marco Yuki Daniel Leila Martin Rosa Samuel Olga Henry Priya Frank Amara "
    "George Lucia Erik Sarah Miguel Helen Andrei Judith Kwame Alice Stefan Zara Simon Irene "
    "Diego Nora Felix "
).split()
_LAST = (
    "Okafor Lindqvist Marsh Delgado Hoffmann Tanaka Petrov Kaur Bianchi Novak Hughes Moreau "
    "Adeyemi Castillo Brandt Nilsen Farrow Haddad Kowalski Ortega Whitfield Sato Varga Keller "
    "Mbeki Pereira Rossi Lund Ashford Demir Kimura Santos Weber Finch Alvarez Horvath Quinn "
    "Bauer Mensah Laurent Stone Ivanova Cole Romero Jansen Pratt Singh Duarte Walsh Berg "
    "Nakamura Voss Carver Holt Reyes "
).split()
_HEADS = (
    "Har Ost Wex Brin Tal Mor Kel Ash Stan Dun Ves Lind Cor Fen Gal Pem Ros Thorn Wil Bel "
    "Cald Eving Hol Mar Nor Pol Quen Rav Sel Tor Ulm Var Win Yar Zel Bram Cres Dor El Farn "
).split()
_ENDS = (
    "wick by ford ton ham stead mere field port dale burg haven stone bridge ville mouth leigh "
).split()
_ORGS = (
    "the {x} Residents' Association; the {x} Institute; {x} Holdings; the {x} Workers' Union; "
    "{x} Partners; the University of {x}; the {x} Council; the {x} Foundation; {x} Group; "
    "the {x} Health Agency"
).split("; ")
_TEAMS = ("{x} United; {x} Rovers; {x} City; Real {x}; {x} Wanderers; {x} Athletic; FC {x}").split(
    "; "
)
_CAUSES = (
    "a gas leak; a lightning strike; a faulty cable; a broken axle; human error; metal fatigue; a "
    "software fault; a landslide; heavy rain; a short circuit; a rusty valve; an engine failure"
).split("; ")
_CAUSES_OF = {
    "death": "a long illness; a fall; a heart attack; a stroke; a road accident".split("; "),
    "escape": "an open window; a side door; an air shaft; a storm drain; a gap in the fence".split(
        "; "
    ),
    "recall": "traces of lead; a risk of fire; broken glass; a wrong label; mould".split("; "),
}
# The largest counts that are believable.
_MOST = {
    "protest": 60000, "layoffs": 4000, "match": 60000, "outbreak": 5000, "recall": 90000,
    "storm": 90000, "festival": 90000, "study": 9000, "election": 9000, "school": 900,
    "factory": 2000, "quake": 3000, "takeover": 900, "launch": 900, "theft": 90, "train": 120,
}  # fmt: skip
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_BOATS = "Aurora Seagull Esperanza Petrel Marigold Northwind Halcyon Kestrel Albatros".split()
_SLOT = re.compile(r"\{(\w+)\}")
MOST_PER_LABEL = 3


@dataclass(frozen=True, slots=True)
class _Event:
    kind: Kind
    thing: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence about an event: its text, whether it affirms, and the values it gives."""

    text: str
    thing: str
    affirms: bool
    values: Mapping[str, str]


def town_of(rng: Random) -> str:
    """The name of a town, real or not."""
    return (
        rng.choice(PLACES[59:140]) if rng.random() < 0.3 else rng.choice(_HEADS) + rng.choice(_ENDS)
    )


def person_of(rng: Random) -> str:
    """A first and a last name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def team_of(rng: Random) -> str:
    """The name of a team."""
    return rng.choice(_TEAMS).format(x=town_of(rng))


def _value(slot: str, kind: str, rng: Random) -> str:
    if slot in ("n", "m"):
        most = _MOST.get(kind, 60) if slot == "n" else 60
        value = rng.randint(2, max(9, round(most * rng.choice((0.02, 0.1, 0.3, 1.0)))))
        return f"{round(value, -2) if value > 1000 else value:,}"
    return {
        "p": lambda: str(rng.randint(3, 79)),
        "mag": lambda: f"{rng.randint(30, 79) / 10}",
        "age": lambda: str(rng.randint(19, 97)),
        "place": lambda: town_of(rng),
        "day": lambda: _day(rng),
        "person": lambda: person_of(rng),
        "org": lambda: rng.choice(_ORGS).format(x=town_of(rng)),
        "team": lambda: team_of(rng),
        "rival": lambda: team_of(rng),
        "cause": lambda: rng.choice(_CAUSES_OF.get(kind, _CAUSES)),
        "score": lambda: f"{rng.randint(2, 6)}-{rng.randint(0, 1)}",
    }[slot]()


def _day(rng: Random) -> str:
    if rng.random() < 0.6:
        return rng.choice(_DAYS)
    return f"{rng.randint(1, 28)} {rng.choice(_MONTHS)}"


def _changed(slot: str, old: str, kind: str, rng: Random) -> str:
    """Another value of the slot: numbers as errors make them."""
    if slot in ("n", "m", "p", "age"):
        value = other_value(float(old.replace(",", "")), rng)
        if slot in ("p", "age"):
            value = value if 2 < value < 100 else (5 + (float(old) + 11) % 80)
        return f"{int(value):,}"
    for _ in range(20):
        new = _value(slot, kind, rng)
        if new != old:
            return new
    raise AssertionError(f"no other value for {slot}: {old}")


def _event(kind: Kind, rng: Random) -> _Event:
    name = rng.choice(_BOATS) if kind.name == "rescue" else person_of(rng)
    thing = rng.choice(kind.things).format(x=town_of(rng), name=name)
    slots = {slot for line in (*kind.says, *kind.denies) for slot in _SLOT.findall(line)} - {
        "thing"
    }
    values = {slot: _value(slot, kind.name, rng) for slot in sorted(slots)}
    if "rival" in values and values["rival"] == values["team"]:
        values["rival"] = _changed("rival", values["team"], kind.name, rng)
    if "m" in values and values["m"] == values["n"]:
        values["m"] = _changed("m", values["n"], kind.name, rng)
    if kind.name == "vote":
        values["n"], values["m"] = str(rng.randint(21, 49)), str(rng.randint(3, 19))
    return _Event(kind, thing, values)


def _said(event: _Event, line: str, values: Mapping[str, str]) -> Said:
    slots = [slot for slot in _SLOT.findall(line) if slot != "thing"]
    text = sentence_case(line.format(thing=event.thing, **values))
    return Said(text, event.thing, line in event.kind.says, {s: values[s] for s in slots})


def stand(claim: Said, window: list[Said]) -> int:
    """How the sentences of a window bear on a claim, from the facts they give."""
    about = [said for said in window if said.thing == claim.thing]
    if not about:
        return NEITHER
    contrary = [said for said in about if said.affirms != claim.affirms]
    if contrary:
        # That the sale to one buyer fell through says nothing about another buyer.
        alike = all(
            claim.values.get(s, v) == v for said in contrary for s, v in said.values.items()
        )
        return REFUTES if alike else NEITHER
    given: dict[str, str] = {}
    for said in about:
        given.update(said.values)
    if any(given.get(slot, value) != value for slot, value in claim.values.items()):
        return REFUTES
    if not claim.affirms:
        return SUPPORTS
    return SUPPORTS if all(slot in given for slot in claim.values) else NEITHER


def invented(*, seed: int, events: int) -> Iterator[Pair]:
    """Pairs on ``events`` invented events, about fifteen on each, one group an event.

    Each event is told by one or two sentences, often beside another event of the same kind with
    values of its own; the claims give its values, changed values, the other event's values, the
    contrary, and things the window does not say.
    """
    for number in range(events):
        rng = Random(f"{seed}:invented:{number}")
        kind = KINDS[number % len(KINDS)]
        yield from _pairs(kind, rng, f"event:{number}")


def _pairs(kind: Kind, rng: Random, group: str) -> Iterator[Pair]:
    event, beside = _event(kind, rng), _event(kind, rng)
    if beside.thing == event.thing:
        return
    first, *more = rng.sample(kind.says, len(kind.says))
    windows = []
    for told in (event.values, _one_changed(event, first, rng)):
        lines = [_said(event, first, told)]
        if more and rng.random() < 0.5:
            lines.append(_said(event, more[0], told))
        if rng.random() < 0.5:
            lines.append(_said(beside, rng.choice(kind.says), beside.values))
        rng.shuffle(lines)
        windows.append(lines)
    windows.append([_said(event, rng.choice(kind.denies), event.values)])
    claims = _claims(event, beside, first, rng)
    for lines in windows:
        window = " ".join(said.text for said in lines)
        labelled = [(claim, stand(claim, lines)) for claim in claims]
        rng.shuffle(labelled)
        kept = dict.fromkeys((SUPPORTS, REFUTES, NEITHER), MOST_PER_LABEL)
        for claim, label in labelled:
            kept[label] -= 1
            if kept[label] >= 0:
                pair = Pair(window, claim.text, label, f"event:{kind.name}", group)
                yield informal(pair, rng) if rng.random() < 0.15 else pair


def _one_changed(event: _Event, line: str, rng: Random) -> Mapping[str, str]:
    slots = [slot for slot in _SLOT.findall(line) if slot != "thing"]
    slot = rng.choice(slots or sorted(event.values))
    return {**event.values, slot: _changed(slot, event.values[slot], event.kind.name, rng)}


def _claims(event: _Event, beside: _Event, first: str, rng: Random) -> list[Said]:
    """Claims on the event: told in every way, with a value changed or the other event's value,
    the contrary, and two on the other event; each once."""
    kind = event.kind
    out = [_said(event, line, event.values) for line in (*kind.says, *kind.denies)]
    for line in rng.sample(kind.says, 2):
        out.append(_said(event, line, _one_changed(event, line, rng)))
    out += [_said(beside, line, beside.values) for line in rng.sample(kind.says, 2)]
    shared = [slot for slot in _SLOT.findall(first) if slot != "thing"]
    if shared:
        slot = rng.choice(shared)
        out.append(_said(event, first, {**event.values, slot: beside.values[slot]}))
    return list({said.text: said for said in out}.values())

"""Edits of who and where: another subject says nothing, another birthplace contradicts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS, Case, square

PLACES = tuple(
    "France;Germany;Italy;Spain;Portugal;Japan;China;India;Brazil;Canada;Mexico;Australia;Egypt;"
    "Kenya;Nigeria;Poland;Sweden;Norway;Finland;Denmark;Greece;Turkey;Iran;Iraq;Israel;Chile;Peru;"
    "Argentina;Colombia;Cuba;Ireland;Scotland;Wales;England;Austria;Hungary;Romania;Bulgaria;"
    "Serbia;Croatia;Ukraine;Russia;Pakistan;Bangladesh;Thailand;Vietnam;Indonesia;Malaysia;"
    "Singapore;Philippines;New Zealand;South Africa;South Korea;Morocco;Tunisia;Ethiopia;Ghana;"
    "Netherlands;Belgium;Switzerland;London;Paris;Berlin;Rome;Madrid;Vienna;Moscow;Tokyo;Beijing;"
    "Shanghai;Mumbai;Delhi;Sydney;Melbourne;Toronto;Montreal;Vancouver;Chicago;Boston;Houston;"
    "Philadelphia;Detroit;Seattle;Denver;Dallas;Atlanta;Miami;San Francisco;Los Angeles;San Diego;"
    "New York City;Baltimore;Cleveland;Pittsburgh;Cincinnati;Dublin;Edinburgh;Glasgow;Manchester;"
    "Liverpool;Birmingham;Leeds;Bristol;Oxford;Cambridge;Hamburg;Munich;Cologne;Frankfurt;Milan;"
    "Naples;Turin;Florence;Venice;Barcelona;Seville;Lisbon;Athens;Istanbul;Warsaw;Prague;Budapest;"
    "Stockholm;Oslo;Copenhagen;Helsinki;Amsterdam;Rotterdam;Brussels;Geneva;Zurich;Cairo;Nairobi;"
    "Lagos;Johannesburg;Cape Town;Jakarta;Manila;Bangkok;Hanoi;Seoul;Kyoto;Osaka;Karachi;Lahore;"
    "Buenos Aires;Lima;Santiago;Havana;Texas;California;Florida;Ohio;Michigan;Illinois;Georgia;"
    "Virginia;Pennsylvania;Massachusetts;New Jersey;Maryland;Minnesota;Wisconsin;Indiana;Tennessee;"
    "Kentucky;Alabama;Louisiana;Missouri;Kansas;Oregon;Arizona;Colorado;Ontario;Quebec;Bavaria;"
    "Sicily;Yorkshire;Lancashire;Kent;Cornwall".split(";")
)
_PLACE_KIND = {
    place: ("country" if i <= 58 else "city" if i < PLACES.index("Texas") else "region")
    for i, place in enumerate(PLACES)
}
_PLACE = "|".join(sorted(map(re.escape, PLACES), key=len, reverse=True))
# After these a place is the only one: somebody is born, dies and is buried in one country and town.
_EXCLUSIVE_PLACE = re.compile(
    r"\b(?:born (?:and raised )?(?:on [^,;]{5,25} )?(?:in|at)|died (?:on [^,;]{5,25} )?(?:in|at)|"
    r"buried (?:in|at)|headquartered in|(?:is|was) the capital(?: city)? of|located in|situated in|"
    r"headquarters (?:is|are|were) in|lies in|held in|takes? place in|took place in|"
    r"hosted by|is (?:a|the) (?:\w+ ){0,3}(?:city|town|village|river|mountain|lake|municipality|"
    r"district|suburb|university|school|college|airport|island|county|commune|stadium|museum) in)"
    rf" (?P<p>(?:{_PLACE}))(?![\w'’-]| (?:and|or|to|Hills?|Park|County|[A-Z])|,? (?:and|or)\b)"
)
_PERSON = r"[A-Z][a-z'’-]+(?: [A-Z]\.)?(?: [A-Z][a-z'’-]+){1,2}"
_EXCLUSIVE_PERSON = re.compile(
    r"\b(?:directed|written|founded|discovered|invented|composed|won|designed|painted|succeeded|"
    r"assassinated|killed|defeated|created) by "
    rf"(?P<p>{_PERSON})(?=[.]| in \d|$)"
)
_SUBJECT = re.compile(
    rf"^(?P<p>{_PERSON})(?= (?:was|is|has|had|worked|studied|attended|graduated|moved|received|"
    r"lived|served|played|joined|appeared|returned|grew)\b)"
)
# A predicate that names its one subject: another subject would contradict it, not miss it.
_IDENTIFYING = re.compile(
    r"\b(?:the|only|first|last|won|directed|wrote|founded|discovered|invented|created|composed|"
    r"defeated|succeeded|oldest|youngest|assassinated|married|killed|stage name|known as|son of|"
    r"daughter of|character|named|called|titled|by)\b"
)
_NOT_PERSONS = frozenset(
    "The A An In On At It He She They This That These Those There New South North East West Saint "
    "San Los Las Fort Mount Lake River Great United Royal National International University High "
    "World First Second Civil War Air Bay City County Republic Democratic Party Black White Red "
    "Blue Green Old Grand Star Hong Sri Puerto El La Le De Saudi Northern Southern Western Eastern "
    "Central American British French German Sir Lord King Queen Prince Princess Pope President "
    "Super Big Little Game House Home Street Road Park Bridge Island Islands Hall School College "
    "Football Baseball Basketball Club Team League Cup Championship Company Records Pictures Music "
    "Day Night Love Man Men Women Boys Girls Dead Dark Lost Last Final Fantasy Dr Mr Mrs Ms "
    "St".split()
)


_KNOWN_PERSON = re.compile(
    rf"(?P<p>{_PERSON})(?: \([^)]*\))? (?:was born|(?:is|was) an? (?:\w+ ){{0,3}}(?:act|sing|play|"
    r"writ|politic|musici|direct|auth|footb|former|report|produc|novel|poet|paint|compos|journal|"
    r"philos|wrest|lawy|crick))"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one corpus to swap in."""

    persons: Sequence[str]
    places: Sequence[str] = ()


def harvest(claims: Iterable[str]) -> list[str]:
    """Persons' names as subjects of plain sentences, in order, each once."""
    found: dict[str, None] = {}
    for claim in claims:
        m = _KNOWN_PERSON.match(claim)
        if m and not set(m["p"].split()) & _NOT_PERSONS:
            found.setdefault(m["p"])
    return list(found)


_SITED = re.compile(
    r"(?:\b(?:born|located|situated|headquartered|based|buried|died) in|\b(?:is|was) an? (?:\w+ )"
    r"{0,3}(?:city|town|village|municipality|suburb|commune|school|college|university|airport|"
    r"museum|stadium|church|river|lake|mountain|hospital|district|railway station|park) in) "
    r"(?P<p>(?:the )?[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,2})(?=\.$| in \d| on \d|, [A-Z][\w' ]+\.$)"
)


def harvest_places(claims: Iterable[str]) -> list[str]:
    """Places where something is said to lie or to have happened, in order, each once."""
    found = (m["p"] for claim in claims for m in _SITED.finditer(claim))
    return list(dict.fromkeys(found))


def site(window: str, claim: str, rng: Random, names: Names) -> list[Case]:
    """Something said to lie, be born or be based in another place of the corpus: refutes."""
    m = _SITED.search(claim)
    if m is None or len(names.places) < 30:
        return []
    old = m["p"]
    if window.count(old) != 1 or claim.count(old) != 1:
        return []
    after = [text[text.index(old) + len(old) :] for text in (window, claim)]
    if any(re.match(r",? (?:[A-Z]|and\b|or\b)", rest) for rest in after):
        return []
    new = rng.choice(names.places)
    if new in window or old in new or new.split()[-1] in window:
        return []
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)


def place(window: str, claim: str, rng: Random) -> list[Case]:
    """Another place of its kind where there is only one (birth, death, capital, seat): refutes."""
    m = _EXCLUSIVE_PLACE.search(claim)
    if m is None:
        return []
    old = m["p"]
    if len(re.findall(rf"\b{re.escape(old)}\b", window)) != 1 or claim.count(old) != 1:
        return []
    held = re.search(rf"\b{re.escape(old)}\b(?P<after>,? [A-Z]\w+)?", window)
    if held is None or held["after"] or claim[m.end("p") :].startswith(","):
        return []
    kind = _PLACE_KIND[old]
    new = rng.choice([p for p in PLACES if _PLACE_KIND[p] == kind and p not in window])
    return square(window, window.replace(old, new), claim, claim.replace(old, new), REFUTES)


def person(window: str, claim: str, rng: Random, names: Names) -> list[Case]:
    """Another author, winner or director refutes; another subject of a plain predicate: neither."""
    if len(names.persons) < 10:
        return []
    m = _EXCLUSIVE_PERSON.search(claim)
    cross = REFUTES
    if m is None:
        m = _SUBJECT.match(claim)
        cross = NEITHER
        if m is None or _IDENTIFYING.search(claim[m.end() :]):
            return []
        # Only who is known to be a person: "Daffy Rents is a cartoon" has a person's shape, too.
        if not _KNOWN_PERSON.match(claim) and not _KNOWN_PERSON.match(window):
            return []
    old = m["p"]
    if window.count(old) != 1 or claim.count(old) != 1 or set(old.split()) & _NOT_PERSONS:
        return []
    new = rng.choice(names.persons)
    if new in window or new.split()[-1] in window or new == old:
        return []
    w2 = window.replace(old, new)
    last = old.split()[-1]
    if re.search(rf"\b{re.escape(last)}\b", w2):
        w2 = re.sub(rf"\b{re.escape(last)}\b", new.split()[-1], w2)
    cases = square(window, w2, claim, claim.replace(old, new), cross)
    if cross == NEITHER and rng.random() < 0.5 and f" {last}" not in claim.replace(old, ""):
        # The family name alone is the same person where the window has no other of that name.
        cases.append((window, claim.replace(old, last, 1), SUPPORTS))
    return cases

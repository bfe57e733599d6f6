"""How things stand in the news: the same said in several ways, the contrary, and what only may be.

Opposites that share no word ("is still on", "has been called off") and near ones that decide
nothing ("may be cancelled", "is under pressure to resign", "the second day of the festival") are
what a reader of posts meets, and what encyclopaedias lack. Every label follows from the group a
phrase stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from gnomon.lab.verifier.edit_values import NEITHER, REFUTES, SUPPORTS
from gnomon.lab.verifier.informal import informal
from gnomon.lab.verifier.invented import person_of, team_of, town_of
from gnomon.lab.verifier.pairs import Pair
from gnomon.lab.verifier.verbs import sentence_case


@dataclass(frozen=True, slots=True)
class Standing:
    """One question of the day: what it can be about, how the one and the other outcome are put,
    what leaves it open, and what else is said of such a thing."""

    name: str
    things: tuple[str, ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    open: tuple[str, ...]
    open_to: tuple[int, ...]
    """Toward which of (yes, no) what is open settles nothing."""
    beside: tuple[str, ...]


# "name | things", then + yes, - no, . beside, and what leaves it open: ? toward both, < toward yes
# alone ("is expected to reopen" says that it is closed), > toward no alone. A phrase follows its
# subject, or has {t}. A line that is set in goes on from the one above.
_TEXT = """
festival | the {x} Festival; the {x} marathon; the {x} parade; the {x} air show; tonight's concert
  in {x}
+ is going ahead; is still on; will go ahead as planned; goes ahead despite the weather; has not
  been cancelled
- has been cancelled; is cancelled; has been called off; was scrapped; will not take place this
  year
? may be cancelled; could be called off; is in doubt; the organisers of {t} will decide today;
  there are fears for {t}
. drew a young crowd last year; has a new sponsor; tickets for {t} cost more this year; volunteers
  are needed for {t}
resignation | the mayor of {x}; {p}; the {x} police chief; the head of the {x} hospital; the coach
  of {x} United
+ resigned; has resigned; stepped down; has stepped down; quit; has left office
- is staying in office; refused to resign; has not resigned; ruled out stepping down; remains in
  office; did not quit
? is under pressure to resign; was urged to step down; threatened to quit; may resign; is expected
  to step down; there are calls for {t} to resign; almost everyone expects {t} to go
. opened a new school; met residents; spoke about the budget; faces questions about the report; is
  on holiday
ward | the emergency department of {x} Hospital; the {x} maternity ward; {x} library; {x} post
  office; the {x} swimming pool
+ is staying; is to stay open; will not close; has been saved; stays open
- is closing; is to close; will be shut down; is being closed for good; closes at the end of the
  year
? may have to close; is threatened with closure; could be saved; there is a petition to save {t};
  the council is reviewing {t}
. was built in the nineties; has been painted; has two new members of staff; opens at nine; queues
  at {t} are long
bridge | the {x} Bridge; the {x} tunnel; the road to {x}; the {x} ferry; the line to {x}
+ is open again; has reopened; reopened; is back in service; can be used again
- is still closed; remains shut; has not reopened; is out of service; is closed until further
  notice
< is expected to reopen soon; should reopen next week; engineers hope to reopen {t}; it is not
  known when {t} will reopen
. was inspected; is a hundred years old; carries much traffic; costs a toll; was hit by a lorry
missing | the boy who went missing near {x}; the hiker lost near {x}; the {x} pensioner; the
  missing dog from {x}
+ has been found safe; was found alive; is safe and well; turned up unharmed
- is still missing; has not been found; was found dead; there is still no trace of {t}
< police are searching for {t}; a witness believes he saw {t}; hopes of finding {t} are fading;
  the search for {t} goes on
. was wearing a red jacket; left home on foot; is seventeen; comes from a large family
fire | the fire at the {x} mill; the forest fire near {x}; the blaze in {x}; the {x} warehouse
  fire
+ is under control; has been put out; is out; was extinguished
- is still burning; is out of control; is spreading; has not been contained
< firefighters hope to control {t}; more crews were sent to {t}; it is not clear when {t} will be
  out
. broke out in a kitchen; could be seen for miles; destroyed two sheds; was reported by a
  neighbour
deal | the sale of {x} Steel; the {x} merger; the takeover of {x} Motors; the pay deal at {x}
  Airlines; the trade deal with {x}
+ is done; has been agreed; was signed; went through; has been approved
- has collapsed; fell through; was rejected; is off; has been blocked
? is close; is being negotiated; could be signed this week; still needs approval; talks about {t}
  continue
. would be worth a fortune; surprised analysts; was first proposed last year; is opposed by the
  union
strike | the strike at {x} port; the {x} bus drivers' strike; the teachers' strike in {x}; the
  walkout at {x} Steel
+ is over; has ended; was called off; has been averted
- continues; goes on; is entering its second week; has begun
< may end soon; talks to end {t} have begun; the union will vote on {t}; nobody knows when {t}
  will end
. is about pay; affects commuters; is the first in years; was joined by students
verdict | {p}; the {x} banker; the former mayor of {x}; the {x} arson suspect; the driver in the
  {x} crash
+ was found guilty; has been convicted; was convicted by the jury; was sentenced
- was acquitted; was cleared of all charges; was found not guilty; walked free
? is on trial; denies the charges; awaits the verdict; is accused of fraud; faces a long sentence;
  was charged
. appeared in a grey suit; has two lawyers; spoke to reporters; was born in {y}
arrest | the {x} robber; {p}; the man behind the {x} hoax; the {x} hacker
+ was arrested; has been arrested; is under arrest; is in custody; was caught
- is still at large; is on the run; has not been caught; escaped; got away
< is wanted by police; police are looking for {t}; may be abroad; nearly escaped; a warrant was
  issued for {t}
. wore a mask; is believed to be in his thirties; once lived in {y}; left a note
water | the tap water in {x}; {x} beach; the air in {x}; the milk from {x} Dairy
+ is safe; is clean; meets the limits; has been declared safe
- is contaminated; is not safe; exceeds the limits; is polluted; is unfit for use
? is being tested; residents worry about {t}; results for {t} are expected tomorrow; the quality
  of {t} is disputed
. comes from the hills; tastes of chalk; is cheaper than elsewhere; was discussed by the council
vote | the {x} budget; the ban on cars in {x}; the new {x} stadium; the {x} housing bill; the plan
  for a wind farm near {x}
+ was approved; has passed; was adopted; got a majority; was given the green light
- was rejected; was voted down; failed; did not pass; was thrown out
? will be voted on tomorrow; is being debated; divides the council; is likely to pass; could be
  rejected
. costs more than thought; was drafted by experts; has ninety pages; concerns the old town
school | {x} school; the {x} kindergarten; {x} college; schools in {x}
+ is open today; reopened; has reopened to pupils; is teaching as usual
- is closed today; stays shut; has been evacuated; sent pupils home
? may close early; parents ask whether {t} will open; will decide at noon; is expected to reopen
  on Monday
. has a new head; won a prize; has four hundred pupils; is near the river
power | power in {x}; the electricity in {x}; mobile service in {x}; the water supply in {x}
+ has been restored; is back; is back on; was restored
- is still out; has not been restored; is off; failed again
< should be back by evening; engineers are working on {t}; it is unclear when {t} will return
. costs more since January; comes from {y}; is run by a new company
match | the match in {x}; the {x} derby; the {x} cup tie; the final in {x}
+ was played as planned; kicked off on time; is on; went ahead
- was postponed; was abandoned; has been called off; is off; did not take place
? could be postponed; a pitch inspection decides about {t}; is threatened by snow; fans hope that
  {t} will be played
. is sold out; will be shown on television; brings old rivals together
signing | {p}; the {x} striker; the {x} goalkeeper; {x} United's captain
+ has signed for {team}; joined {team}; is a {team} player now; has moved to {team}
- turned down {team}; is not joining {team}; rejected an offer from {team}; stays where he is and
  does not join {team}
< is linked with {team}; is in talks with {team}; is close to joining {team}; {team} want {t}; had
  a medical at {team}; nearly joined {team}
. scored twice on Sunday; was booed at {team}; is injured; played against {team} last year; grew
  up in {y}
health | the {x} singer; {p}; the former mayor of {x}; the actor from {x}
+ is alive; is alive and well; is recovering; has left hospital
- has died; died; passed away; is dead; lost the fight for life
> is in hospital; is in a critical condition; was taken ill; fans pray for {t}; nearly died;
  rumours about the death of {t} are going around
. has a new album out; turned sixty; will be honoured in {y}; lives on a farm
launch | the {x} rocket; the {x} satellite; the probe built in {x}
+ lifted off; was launched; took off; reached orbit
- was not launched; did not take off; exploded on the pad; never left the ground
< is ready for launch; is to be launched on Friday; waits for better weather; almost took off; the
  countdown for {t} has begun
. weighs two tonnes; cost millions; was built by students
ceasefire | the ceasefire in {x}; the truce near {x}; the peace deal for {x}
+ is holding; holds; has come into force; is being kept
- has been broken; collapsed; was violated; has failed; is over
? is fragile; is due to begin tonight; mediators hope for {t}; both sides discuss {t}
. was brokered by {y}; covers three provinces; took months to write
deny | the {x} minister; {p}; the head of {x} Holdings; the {x} senator
+ took the money; accepted the gift; was paid by the firm; knew about the payments
- did not take the money; turned the gift down; was never paid by the firm; knew nothing about the
  payments
? denies taking the money; is accused of taking the money; is being investigated over the
  payments; would not say whether the money was taken
. travelled to {y}; published a book; gave a speech about banks
"""
_LEADS = (
    "", "", "", "", "Update: ", "Just in: ", "Officials say ", "It is confirmed: ",
    "Now official: ",
)  # fmt: skip
_ENDS = (
    "", "", "", ", officials said", ", a spokesman confirmed", " after the report", " on Monday",
    " after a long night", ", it was announced today", " amid criticism", " despite the protests",
    ", according to the council", " this morning", ", we are told by the press office",
)  # fmt: skip
_ASKS = ("Does anyone know whether it is true that {s}?", "Can somebody confirm that {s}?",
         "Anyone heard if {s}?", "lol imagine if {s}", "If {s}, I will eat my hat.",
         "My neighbour dreamed that {s}.", "Satire: {s}.", "Rumour has it that {s}.",
         "I hope that {s}.", "I fear that {s}.", "Some people think that {s}.",
         "Will it turn out that {s}?")  # fmt: skip
_UNTRUE = ("It is not true that {s}.", "The story that {s} is false.", "No, the rumour that {s} is "
           "wrong.", "Fake: {s}.", "The press office denied the report that {s}.")  # fmt: skip


_TOWARD: dict[str, tuple[int, ...]] = {"?": (0, 1), "<": (0,), ">": (1,)}


def _parsed() -> tuple[Standing, ...]:
    found = []
    name, things = "", ""
    toward: tuple[int, ...] = (0, 1)
    parts: dict[str, tuple[str, ...]] = {}
    for line in _TEXT.strip().replace("\n  ", " ").splitlines():
        mark, rest = line[0], tuple(line[2:].split("; "))
        if mark not in "+-?<>.":
            name, _, things = line.partition(" | ")
            parts = {}
            continue
        parts["?" if mark in _TOWARD else mark] = rest
        toward = _TOWARD.get(mark, toward)
        if mark == ".":
            about = tuple(things.split("; "))
            found.append(
                Standing(name, about, parts["+"], parts["-"], parts["?"], toward, parts["."])
            )
    return tuple(found)


STANDINGS = _parsed()
MOST_OF_A_LABEL = 5


def standings(*, seed: int, rounds: int) -> Iterator[Pair]:
    """Pairs on how invented things stand, about twelve on each, one group each."""
    for number in range(rounds):
        rng = Random(f"{seed}:standing:{number}")
        yield from _pairs(STANDINGS[number % len(STANDINGS)], rng, f"standing:{number}")


def _pairs(kind: Standing, rng: Random, group: str) -> Iterator[Pair]:
    names = {"x": town_of(rng), "y": town_of(rng), "p": person_of(rng), "team": team_of(rng)}
    pattern = rng.choice(kind.things)
    thing = pattern.format(**names)
    elsewhere = pattern.format(x=town_of(rng), p=person_of(rng), y=names["y"], team=names["team"])
    sides = (kind.yes, kind.no)

    def said(phrase: str, about: str = thing) -> str:
        line = phrase if "{t}" in phrase else "{t} " + phrase
        return line.format(t=about, **names)

    made: list[tuple[str, str, int]] = []
    for side in (0, 1):
        one, *others = rng.sample(sides[side], len(sides[side]))
        claim = _written(said(one))
        made += [(_reported(said(o), rng), claim, SUPPORTS) for o in others[:2]]
        made += [(_reported(said(o), rng), claim, REFUTES) for o in rng.sample(sides[1 - side], 2)]
        made.append((rng.choice(_UNTRUE).format(s=said(one)), claim, REFUTES))
        if side in kind.open_to:
            made.append((_reported(said(rng.choice(kind.open)), rng), claim, NEITHER))
        made.append((_reported(said(rng.choice(kind.beside)), rng), claim, NEITHER))
        made.append((sentence_case(rng.choice(_ASKS).format(s=said(one))), claim, NEITHER))
        if elsewhere != thing:
            other = rng.choice(sides[rng.randrange(2)])
            made.append((_reported(said(other, elsewhere), rng), claim, NEITHER))
            made.append(
                (f"{_reported(said(one, elsewhere), rng)} {_written(said(others[0]))}", claim,
                 SUPPORTS)
            )  # fmt: skip
    rng.shuffle(made)
    left = dict.fromkeys((SUPPORTS, REFUTES, NEITHER), MOST_OF_A_LABEL)
    for window, claim, label in made:
        left[label] -= 1
        if left[label] >= 0:
            pair = Pair(window, claim, label, f"standing:{kind.name}", group)
            yield informal(pair, rng) if rng.random() < 0.25 else pair


def _written(statement: str) -> str:
    return sentence_case(statement) + "."


def _reported(statement: str, rng: Random) -> str:
    lead = rng.choice(_LEADS)
    text = f"{lead}{statement}{rng.choice(_ENDS)}."
    return sentence_case(text)

"""What happens in invented news: kinds of events, how they are put, and how they are put falsely.

A line is one way to say the event; its slots stand in braces. ``{n}``, ``{m}`` are counts, ``{p}``
a percentage, ``{place}``, ``{day}``, ``{person}``, ``{org}``, ``{cause}`` as named; ``{thing}`` is
what the event is about. Lines under ``not`` say that the event did not happen or its opposite did.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event: what it can be about, ways to say it, ways to say the contrary."""

    name: str
    things: tuple[str, ...]
    says: tuple[str, ...]
    denies: tuple[str, ...]


_TEXT = """
# reopening | the {x} Bridge; the {x} tunnel; {x} station; the {x} ferry terminal; the {x} road
{thing} reopened on {day} after {n} weeks of repairs.
After {n} weeks of repairs, {thing} is open again.
Traffic has been using {thing} again since {day}.
{thing} was reopened by {person} on {day}.
Workers finished the repairs and {thing} could open again on {day}.
not
{thing} is still closed.
{thing} remains shut and has not reopened.
Repairs drag on, and nobody can use {thing} yet.
# fire | a warehouse in {x}; the {x} hotel; the {x} paper mill; the {x} market hall
A fire at {thing} injured {n} people on {day}.
{n} people were hurt when {thing} burned on {day}.
The blaze at {thing}, which left {n} people injured, was caused by {cause}.
{cause} caused the fire at {thing}, investigators found.
Firefighters needed {m} hours to put out the fire at {thing}.
not
Nobody was hurt in the fire at {thing}.
The fire at {thing} left no one injured.
# protest | the new {x} airport; the {x} housing plan; the {x} school closures; the {x} toll
About {n} people marched in {place} against {thing} on {day}.
{place} saw a march of some {n} people against {thing}.
A demonstration against {thing} took place in {place} on {day}, organised by {org}.
{org} organised the protest in {place} against {thing}.
not
The protest in {place} against {thing} was called off.
The planned march against {thing} in {place} did not take place.
# vote | the {x} budget; the {x} cycle lane plan; the {x} smoking ban; the {x} tree felling plan
The council approved {thing} by {n} votes to {m} on {day}.
{thing} passed on {day}, with {n} councillors in favour and {m} against.
Councillors in {place} voted for {thing}.
With {n} votes in favour, {thing} was adopted.
not
The council rejected {thing}.
{thing} was voted down.
{thing} failed to win a majority and was not adopted.
# layoffs | {x} Motors; {x} Steel; {x} Textiles; {x} Airlines; {x} Software
{thing} will cut {n} jobs in {place}.
{n} employees of {thing} in {place} are losing their jobs.
{thing} announced on {day} that it would lay off {n} people.
{n} jobs go at {thing}, which said so on {day}.
not
{thing} will keep all its staff.
{thing} said that no jobs would be cut.
# election | the {x} mayoral election; the {x} by-election; the race for {x} county
{person} won {thing} with {p} percent of the vote.
{person} came first in {thing}, held on {day}.
In {thing}, {p} percent of the voters chose {person}.
The winner of {thing} is {person}, who led by {n} votes.
not
{person} lost {thing}.
{person} was beaten in {thing}.
# match | the {x} Cup final; the {x} derby; the {x} league opener
{team} beat {rival} {score} in {thing}.
{thing} was won {score} by {team}.
{rival} lost {thing} to {team}.
{rival} were defeated by {team} in {thing} on {day}.
{team} won {thing} on {day} in front of {n} fans.
not
{thing} ended in a draw.
{thing} between {team} and {rival} had no winner.
# arrests | the {x} jewel robbery; the {x} bank raid; the {x} football riots; the {x} arson case
Police arrested {n} people over {thing} on {day}.
{n} suspects were taken into custody in {place} over {thing}.
Over {thing}, {n} people are under arrest.
Officers made {n} arrests in {place} in connection with {thing}.
not
Nobody has been arrested over {thing}.
Police have made no arrests over {thing}.
# appointment | the {x} Orchestra; {x} University; the {x} Museum; {x} United; the {x} hospital
{person} was named the new head of {thing} on {day}.
{thing} appointed {person} as its head.
{person} takes over at the top of {thing} after {n} years in {place}.
{thing} will be led by {person}, it was announced on {day}.
not
{thing} turned down {person} for the post of its head.
{person} was not chosen to lead {thing}.
# prices | rents in {x}; bus fares in {x}; bread prices in {x}; the water rate in {x}
Over the past year, {thing} rose by {p} percent.
An increase of {p} percent was recorded for {thing}.
The statistics office reported on {day} that {thing} went up {p} percent.
not
Over the past year, {thing} fell.
The statistics office recorded a drop for {thing}.
# quake | {x}; the {x} valley; the {x} islands; the {x} coast
An earthquake of magnitude {mag} hit {thing} on {day}.
{thing} was shaken by a magnitude {mag} earthquake that damaged {n} houses.
{n} houses were damaged by the earthquake in {thing}.
The quake that struck {thing} on {day} killed {m} people.
not
The earthquake in {thing} caused no damage at all.
No house was damaged by the earthquake in {thing}.
# train | the {x} express; the night train to {x}; a freight train near {x}
{thing} derailed on {day}, injuring {n} passengers.
{n} passengers were hurt when {thing} left the rails.
{cause} made {thing} derail on {day}.
Near {place}, {thing} came off the track.
not
{thing} did not derail.
{thing} arrived safely and never left the rails.
# outbreak | measles in {x}; cholera in {x}; flu in {x} schools; salmonella in {x}
Doctors have counted {n} cases of {thing}.
{n} people have fallen ill with {thing} since {day}.
{m} people have died of {thing}.
The outbreak of {thing}, with {n} known cases, began on {day}.
not
There has not been a single case of {thing}.
Doctors know of no case of {thing}.
# recall | {x} baby food; {x} car seats; {x} phone chargers; {x} frozen spinach
The maker is recalling {n} units of {thing} because of {cause}.
{n} units of {thing} are being called back.
Because of {cause}, {thing} was taken off the shelves on {day}.
not
{thing} is safe and will stay on sale.
There will be no recall of {thing}.
# theft | a painting from the {x} Gallery; the {x} crown; a manuscript from the {x} library
{thing} was stolen on {day}.
Thieves took {thing}, which is worth {n} million euros.
{thing}, valued at {n} million euros, was found in {place}.
not
{thing} was never stolen.
{thing} is safe where it belongs and was not taken.
# storm | {x}; {x} and its suburbs; the {x} region; western {x}
A storm cut power to {n} homes in {thing} on {day}.
{n} homes in {thing} had no electricity after the storm.
The storm that hit {thing} on {day} brought winds of {m} kilometres per hour.
Winds of {m} kilometres per hour swept through {thing}.
not
The storm left the power supply in {thing} intact.
No home in {thing} lost power in the storm.
# water | the tap water in {x}; the {x} reservoir; the river at {x}; the bathing lake at {x}
Tests on {day} found that {thing} is safe.
{thing} is clean, the laboratory in {place} reported.
According to {org}, {thing} meets every limit.
not
{thing} is contaminated.
Tests found that {thing} is unsafe.
# takeover | {x} Foods; {x} Energy; {x} Media; {x} Shipping
{org} bought {thing} for {n} million dollars.
{thing} was sold to {org} on {day}.
{org} paid {n} million dollars for {thing}.
The new owner of {thing} is {org}.
not
The sale of {thing} to {org} fell through.
{org} did not buy {thing}.
# strike | the {x} bus drivers; the nurses of {x}; the {x} dockers; teachers in {x}
The strike of {thing} ended on {day} after {n} days.
After {n} days, {thing} went back to work.
{thing} accepted a pay rise of {p} percent and ended their strike.
not
{thing} are still on strike.
The strike of {thing} goes on.
# verdict | the {x} corruption trial; the {x} fraud trial; the {x} poisoning trial
{person} was found guilty in {thing} on {day}.
The court convicted {person} in {thing} and imposed {n} years in prison.
{thing} ended with {n} years in prison for {person}.
not
{person} was acquitted in {thing}.
The court found {person} not guilty in {thing}.
# death | the painter {name}; the former minister {name}; the singer {name}; the chess master {name}
{thing} died in {place} at the age of {age}.
{thing} has died aged {age}.
{thing} passed away on {day} after {cause}.
not
{thing} is alive.
Reports of the death of {thing} were wrong.
# escape | the {x} hostages; the miners trapped at {x}; the {x} zoo wolf; the climbers on {x} peak
{thing} got free on {day} after {n} hours.
After {n} hours, {thing} escaped.
On {day} {thing} escaped through {cause}.
not
{thing} could not get out.
{thing} have not escaped.
# festival | the {x} film festival; the {x} marathon; the {x} book fair; the {x} carnival
{thing} drew {n} visitors to {place} this year.
{n} visitors came to {thing}.
{thing} opened on {day}.
{person} opened {thing} on {day}.
not
{thing} was cancelled.
{thing} did not take place this year.
# factory | {x} Batteries; {x} Glass; {x} Pharma; {x} Cement
{thing} opened a plant in {place} that employs {n} people.
{n} people work at the plant in {place} that {thing} opened on {day}.
The plant of {thing} in {place} cost {m} million euros.
not
{thing} closed its plant in {place}.
{thing} has shut the plant in {place} down.
# rescue | the fishing boat {name}; the yacht {name}; the trawler {name}
The coast guard rescued {n} people from {thing} on {day}.
All {n} people aboard {thing} were saved off {place}.
{n} people were brought ashore alive after {thing} sank because of {cause}.
not
No one aboard {thing} could be saved.
All aboard {thing} drowned.
# study | coffee; afternoon naps; green tea; night shifts; garlic; cycling to work
A study of {n} adults by {org} found that {thing} raises blood pressure.
Researchers at {org} report that {thing} increases blood pressure.
{thing} pushed blood pressure up by {p} percent in a study of {n} adults.
not
A study found that {thing} lowers blood pressure.
Blood pressure falls with {thing}, researchers report.
# transfer | the goalkeeper {name}; the striker {name}; the midfielder {name}
{team} signed {thing} for {n} million euros.
{thing} joins {team} on a contract of {m} years.
{rival} sold {thing} to {team} on {day}.
{thing} moves from {rival} to {team}.
not
{thing} stays with {rival}.
{thing} turned down the move to {team}.
# launch | the {x} satellite; the {x} lunar probe; the {x} weather rocket
{thing} was launched from {place} on {day}.
{thing} lifted off from {place} at a cost of {n} million dollars.
Built by {org}, {thing} reached orbit on {day}.
not
The launch of {thing} was cancelled.
{thing} never left the ground.
# school | {x} primary school; the {x} grammar school; the {x} evening college
{thing}, with {n} pupils left, will be closed.
The closing of {thing}, which has {n} pupils, was decided by {org}.
{org} decided to close {thing}.
not
{thing} will stay open.
{org} decided against closing {thing}.
# record | the {x} swimmer {name}; the sprinter {name}; the cyclist {name}
{thing} set a national record in {place} on {day}.
{thing} broke the national record by {n} hundredths of a second.
The national record now belongs to {thing}, who is {age}.
not
{thing} missed the national record.
{thing} failed to break the national record.
"""


def _kinds() -> tuple[Kind, ...]:
    out = []
    for block in _TEXT.strip().split("# ")[1:]:
        head, _, body = block.partition("\n")
        name, _, things = head.partition(" | ")
        says, _, denies = body.strip().partition("\nnot\n")
        out.append(
            Kind(
                name,
                tuple(thing.strip() for thing in things.split(";")),
                tuple(says.splitlines()),
                tuple(denies.strip().splitlines()),
            )
        )
    return tuple(out)


KINDS = _kinds()

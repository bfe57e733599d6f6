"""English verbs by form: the past of a base form, and which words are participles or base forms.

Irregular verbs as in the list of the Oxford English Dictionary's strong and mixed verbs, the
commonest; of the regular ones those of the news, for a base form looks like any noun.
"""

from __future__ import annotations

_IRREGULAR = """
arise arose arisen / awake awoke awoken / be was been / bear bore borne / beat beat beaten
become became become / begin began begun / bend bent / bet bet / bind bound / bite bit bitten
bleed bled / blow blew blown / break broke broken / bring brought / broadcast broadcast
build built / burst burst / buy bought / cast cast / catch caught / choose chose chosen
cling clung / come came come / cost cost / creep crept / cut cut / deal dealt / dig dug
do did done / draw drew drawn / drink drank drunk / drive drove driven / eat ate eaten
fall fell fallen / feed fed / feel felt / fight fought / find found / flee fled / fly flew flown
forbid forbade forbidden / forget forgot forgotten / forgive forgave forgiven
freeze froze frozen / get got gotten / give gave given / go went gone / grow grew grown
hang hung / have had / hear heard / hide hid hidden / hit hit / hold held / hurt hurt
keep kept / know knew known / lay laid / lead led / leave left / lend lent / let let
lie lay lain / light lit / lose lost / make made / mean meant / meet met
overcome overcame overcome / overtake overtook overtaken / overturn overturned / pay paid
put put / quit quit / read read / rebuild rebuilt / ride rode ridden / ring rang rung
rise rose risen / run ran run / say said / see saw seen / seek sought / sell sold / send sent
set set / shake shook shaken / shed shed / shine shone / shoot shot / show showed shown
shrink shrank shrunk / shut shut / sing sang sung / sink sank sunk / sit sat / sleep slept
slide slid / speak spoke spoken / spend spent / spill spilled spilt / split split
spread spread / spring sprang sprung / stand stood / steal stole stolen / stick stuck
strike struck / sue sued / swear swore sworn / sweep swept / swim swam swum / swing swung
take took taken / teach taught / tear tore torn / tell told / think thought / throw threw thrown
undergo underwent undergone / understand understood / undertake undertook undertaken
uphold upheld / wake woke woken / wear wore worn / win won / withdraw withdrew withdrawn
withhold withheld / withstand withstood / write wrote written
"""
PAST: dict[str, str] = {}
PARTICIPLES: set[str] = set()
"""Irregular past participles; the regular ones end in -ed."""
PASTS: set[str] = set()
for _verb in _IRREGULAR.replace("\n", " / ").split(" / "):
    if _verb.strip():
        _base, _past, *_participle = _verb.split()
        PAST[_base] = _past
        PASTS.add(_past)
        PARTICIPLES.add((_participle or [_past])[0])

_REGULAR = """
abandon abolish accept accuse achieve acquire act add admit adopt advise affect agree aim allow
announce answer apologise apologize appeal appear appoint approve argue arm arrest arrive ask
assault assist attack attend avoid award back ban banish bar beg believe belong blame block board
bomb boycott breach burn call cancel carry cause cease celebrate chair change charge check claim
clash clean clear climb close collapse collect collide comment commit compare compensate complain
complete concede condemn confess confirm confiscate congratulate consider consult contain continue
contract control convict cool cover crack crash create criticise criticize cross cure damage
debunk decide declare decline defeat defend delay delete deliver demand demolish deny depart
deploy derail deserve design destroy detain detect detonate develop die disappear discover discuss
dismiss displace divert divorce donate double downgrade drag drop drown dump earn edit eject elect
eliminate embezzle emerge employ empty encourage end endorse enforce enter erupt escape establish
estimate evacuate exceed exclude execute exist expand expect expel explain explode export express
extend face fail fake fear file fill fine finish fire fix flood flow follow force form frame free
fund gain gather grant guarantee halt hand handcuff happen harm hate head help hire honour host
identify ignore impeach implement import impose improve include increase indict infect inform
injure insist install intend intervene introduce invade invent invest investigate invite issue
jail join joke jump kick kidnap kill kiss knock lack land last laugh launch leak learn liberate
lift like limit link listen live load lock look loot love lower maintain manage march mark marry
mention merge miss move murder name need negotiate nominate notice obey object obtain occupy occur
offer open operate oppose order organise organize oust own pardon park pass perform permit
persuade plan plant play plead pledge point postpone praise predict prefer prepare present
preserve pretend prevent proceed produce promise promote propose prosecute protect protest prove
provide publish pull punish purchase push qualify question raid raise reach react realise recall
receive recognise recommend record recover recruit reduce refer refuse regret reject release
relocate rely remain remember remove rename renew reopen repair repeat replace reply report
represent request require rescue resign resist respond restart restore restrict resume retire
retract retreat return reveal reverse review revoke rob rule rush sabotage sack sanction save
scrap scream search seem seize sentence separate serve settle sever share shelve sign slam slip
slow smash smoke snow solve sound spark stab stage start starve state stay step stop storm stream
stretch struggle submit succeed suffer suggest summon supply support surge surrender survive
suspect suspend tackle talk target tease test text threaten topple touch tour trade trap travel
treat trigger triple trust try turn tweet unveil update upgrade urge use vaccinate vandalise veto
violate visit vote vow wait walk want warn wash waste watch welcome wish work worry wound
"""
BASES = frozenset(_REGULAR.split()) | PAST.keys()
# Base forms that follow another verb: "helped *rescue* people", "made it *stop*".
CATENATIVE = frozenset("help let make have go come dare need".split())

_DOUBLED = frozenset(
    "admit cancel commit control expel kidnap occur permit prefer refer regret submit".split()
)
_VOWELS = "aeiou"


def past(base: str) -> str:
    """The past form of a base form: "stop" gives "stopped", "go" "went"."""
    if base in PAST:
        return PAST[base]
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ied"
    if base in _DOUBLED or _closed_syllable(base):
        return base + base[-1] + "ed"
    return base + "ed"


def third(base: str) -> str:
    """The present form behind "she" or "it": "fly" gives "flies"."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in _VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def is_participle(word: str) -> bool:
    """Whether a word in small letters has the form of a past participle."""
    if word in PARTICIPLES:
        return True
    return len(word) > 3 and word.endswith("ed") and word not in _NOT_PAST


# Words in -ed and -ing that are nouns or the like, whatever stands around them.
_NOT_PAST = frozenset(
    "hundred need feed seed speed shed sled breed weed greed indeed embed naked sacred wicked "
    "three-legged infrared biped kindred hatred newlywed creed steed".split()
)


def _closed_syllable(base: str) -> bool:
    """One vowel between consonants, as in "stop" and "plan": the last letter is doubled."""
    vowels = [i for i, letter in enumerate(base) if letter in _VOWELS]
    return (
        len(vowels) == 1 and vowels[0] == len(base) - 2 and len(base) > 2 and base[-1] not in "wxy"
    )

"""English words by class, for reading a short question or sentence without a parser: the closed
classes whole, of the open ones those of the news.
"""

from __future__ import annotations

DETERMINERS = frozenset(
    """
    a all an another any both dozens each eight either every few five four her his hundreds
    its many more most my nine no our seven several six some such ten that the their these
    this those thousands three two your
    """.split()
)
PRONOUNS = frozenset(
    """
    anybody anyone anything everybody everyone everything he him i it me nobody nothing she
    somebody someone something them there they us we you
    """.split()
)
PREPOSITIONS = frozenset(
    """
    about above across against along alongside amid among around at behind below beneath
    beside between beyond by concerning for from in inside into like near of off on onto
    opposite out outside over past per through throughout to toward towards under underneath
    unlike up upon via with within without
    """.split()
)
# What begins a circumstance.
SUBORDINATORS = frozenset(
    """
    after although amid as because before despite due during except following if once since
    than though till unless until when whenever whereas while without
    """.split()
)
# Prepositions that are said without a noun, too: "the power is out".
PARTICLES = frozenset(
    """
    around away back down in off on out over through up
    """.split()
)
RELATIVES = frozenset(
    """
    that where which who whom whose
    """.split()
)
# Those that do not end in -ly.
ADVERBS = frozenset(
    """
    actually again almost already also always badly currently even ever just n't nearly never
    not now often once only quite really so soon still too very yet
    """.split()
)
# Words in -ly that are no adverbs.
NO_ADVERB = frozenset(
    """
    ally anomaly assembly belly bully butterfly costly daily deadly early elderly family fly
    friendly holy hourly italy jelly july likely lily lonely lovely monopoly monthly only
    rally reply supply ugly weekly yearly
    """.split()
)
# Those of the news, and what may be said of things and people there.
ADJECTIVES = frozenset(
    """
    able absent active aggressive alive alone angry armed asleep available awake aware bad
    bankrupt banned big black blind bored broken busy cheap clean clear close cold cool
    correct costly crazy critical crowded dangerous dark dead deadly deaf deep different dirty
    dry due dying early easy effective empty equal evil excessive exclusive expensive
    explosive extinct fair fake false fast fatal final fine fit fluent foggy foreign free
    fresh full genuine glad gone good great guilty happy hard hazy healthy heavy high homeless
    hot huge hungry hurt icy ill illegal immune important impossible inactive independent
    ineffective innocent insane invalid jealous jewish kind large late lawful legal legit
    likely live local long loose lost lucky mad married missing muslim narrow native necessary
    negative new nice normal odd ok okay old open painful pale permanent poor positive
    possible pregnant present private probable proud public pure quick quiet racist rare raw
    ready real rich right risky sad safe satirical secret secure sexist short shut sick
    similar single slow small smart sober soft sold solid sorry sour stable steep still strong
    stupid sufficient sunny sure thick thin tired toxic tragic true ugly unable unfit unique
    unlikely unsafe unwell upset urgent valid vegan visible vulnerable warm weak wealthy wet
    white wide wild wise worse worst worth wrong young
    """.split()
)
# Words in -ing that name something.
ING_NOUNS = frozenset(
    """
    banking bearing beginning beheading blessing bombing boxing building ceiling clothing
    cooking counting crossing drilling dwelling earning ending evening feeling filing finding
    fishing flooding funding gathering greeting hearing holding hosting housing icing killing
    king landing lightning lodging looting making meeting mining morning offering opening
    painting parking proceeding racing rating reading recording ring rioting ruling saying
    screening seeding setting shipping shooting sibling sighting singing smuggling spending
    spring stabbing sterling string surfacing swimming teaching testing thing tracking trading
    training turning understanding voting warning wedding wing wording working writing
    """.split()
)
ADJECTIVE_ENDINGS = ("able", "ible", "ous", "ful", "less")

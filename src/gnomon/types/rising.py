"""What is rising: terms, hashtags, links and names; and stories."""

from __future__ import annotations

from dataclasses import dataclass

from gnomon.types.held import Campaign

# --------------------------------------------------------------------------- trends


@dataclass(frozen=True, slots=True)
class Carrier:
    """A post that carries a trend with words of its own: the root of its origin, or the earliest
    of it that is held. ``posts`` is how many posts of that origin carry it in the window;
    ``excerpt`` is at most 200 characters of it, as it is held now."""

    post: str
    author: str
    said_at: float
    posts: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class Discount:
    """How much of a trend's voices look like one voice.

    ``voices`` people carry it; they count as ``independent``. ``like_worded`` of them say it in
    nearly the words of another, ``together`` of them belong to groups of accounts that keep
    posting the same things, ``young`` have accounts younger than 30 days where ``young_expected``
    would. ``share`` is 1 - independent / voices (0..1). ``reason`` says it in a sentence.
    Of a story the voices are the authors of its origins, and ``passed_off`` counts the accounts
    that put one text out as their own, who are one in how loud it is.
    """

    voices: int
    independent: float
    like_worded: int
    together: int
    young: int
    young_expected: float
    share: float
    reason: str
    passed_off: int = 0


@dataclass(frozen=True, slots=True)
class Trend:
    """One term, hashtag, link or name that is said more than its own past explains.

    ``kind`` is "term", "hashtag", "link" or "name"; ``label`` is ``term`` as people write it, or
    the phrase around it. How loud it is: ``posts``. How well supported it is: ``origins`` (things
    said independently), ``authors`` and ``independent`` (voices after the discount). Two figures,
    never one.

    ``expected`` is how many voices its past makes expected in the window, ``per_hour`` the voices
    there were, ``surprise`` is -log2 of the probability ``p`` of as many or more; ``q`` is the
    share of false ones to expect among all that are shown down to this one, when ``tested`` terms
    are looked at together; ``sure`` where it is at most 0.05 (what is not may be chance, and is
    shown only where too little is sure). ``new`` where it was not seen in the weeks before.
    ``spark`` counts voices in bins of ``spark_s`` seconds, the last of which ends with ``until``.
    ``also`` are other terms that the same people carry. ``why`` says all of it in one sentence.
    """

    term: str
    kind: str
    label: str
    lang: str
    since: float
    until: float
    posts: int
    origins: int
    authors: int
    independent: float
    expected: float
    per_hour: float
    surprise: float
    p: float
    q: float
    sure: bool
    tested: int
    first_seen: float
    new: bool
    discount: Discount
    carriers: tuple[Carrier, ...]
    spark: tuple[int, ...]
    spark_s: float
    also: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Trends:
    """The trends of a window: ``since <= time < until``. ``posts``, ``origins`` and ``authors``
    (the latter two estimated, 2 % standard error) count all that was held of it; ``tested`` is how
    many terms were looked at; ``behind`` is how many changes of the record are not counted yet."""

    since: float
    until: float
    posts: int
    origins: int
    authors: int
    tested: int
    behind: int
    trends: tuple[Trend, ...]


# --------------------------------------------------------------------------- stories


@dataclass(frozen=True, slots=True)
class Saying:
    """Who says something, where and since when. ``quote`` is the post's own words, as it is held
    now; ``posts`` is how many posts its origin stands for."""

    post: str
    author: str
    source: str
    url: str
    said_at: float
    quote: str
    posts: int = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """One origin on a story's timeline: who said what when, and what was new in it then.

    ``numbers`` and ``names`` are as written there, and stood in no earlier origin of the story.
    ``reason`` says why it is shown: "first", "numbers", "names" or "carried" (by many).
    """

    saying: Saying
    reason: str
    numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What several independent origins of a story say. ``text`` is a sentence as the earliest of
    them wrote it; ``said_by`` has one entry for each origin, earliest first; ``voices`` is how many
    those are where a coordinated group is one."""

    text: str
    said_by: tuple[Saying, ...]
    voices: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One of several values that are given for one thing. ``value`` is as the first who gave it
    wrote it ("three people"); ``said_by`` has one entry for each origin, earliest first; ``voices``
    is how many those are where a coordinated group is one."""

    value: str
    said_by: tuple[Saying, ...]
    voices: int = 0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Numbers of a story that cannot all be right, or changed. ``about`` is what they count or
    measure ("killed", "m"; "" where that has no name); ``versions`` in the order in which they came
    up. ``rule`` is "numbers", or "verifier" where that, too, says that they contradict."""

    about: str
    versions: tuple[Version, ...]
    rule: str = "numbers"


@dataclass(frozen=True, slots=True)
class Support:
    """How well a story is supported, which is not how loud it is.

    ``origins`` things were said independently, by ``authors`` people or houses, a coordinated group
    counting as one in both; on ``sites`` different sources. Of the claims compared, ``agreed`` are
    made by two or more independent authors, ``disputed`` are given differently, ``alone`` rest on
    one origin; ``share`` is agreed / (agreed + disputed + alone), None where nothing was compared.
    """

    origins: int
    authors: int
    sites: int
    agreed: int = 0
    disputed: int = 0
    alone: int = 0
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Origins about one event.

    ``id`` is made from the post that began it and stays when stories merge (the ids that went into
    it are in ``was`` and lead here). ``title`` is the headline, or a sentence, of one of its
    origins, ``title_post``. ``langs`` are its languages, commonest first. ``posts``, ``origins``
    and ``authors`` count all that is held of it. ``interest`` is how loud it is: people who carry
    it, each counting half as much with every six hours that have passed; ``support`` is how well
    supported. In both a coordinated group is one: ``discount`` says how many that leaves, and
    ``one_voice`` which origins are one voice, the largest group first. ``spark`` counts posts in
    bins of ``spark_s`` seconds, the first of which begins at ``spark_from``. A story in a list has
    no ``timeline``, ``agreed``, ``disputed`` and ``one_voice``: they are found when it is opened.
    ``checked_by`` names the verifier that compared what is said ("" where numbers alone were
    compared).
    """

    id: str
    title: str
    title_post: str
    langs: tuple[str, ...]
    first_seen: float
    last_seen: float
    posts: int
    origins: int
    authors: int
    interest: float
    support: Support
    spark: tuple[int, ...]
    spark_from: float
    spark_s: float
    first: Saying
    discount: Discount
    carriers: tuple[Carrier, ...] = ()
    timeline: tuple[Moment, ...] = ()
    agreed: tuple[Fact, ...] = ()
    disputed: tuple[Conflict, ...] = ()
    was: tuple[str, ...] = ()
    checked_by: str = ""
    one_voice: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Stories:
    """The stories of a window, best first. ``total`` counts those that were ranked; ``behind`` is
    how many changes of the record are not counted yet."""

    since: float
    until: float
    total: int
    behind: int
    stories: tuple[Story, ...]


# --------------------------------------------------------------------------- who copied whom


@dataclass(frozen=True, slots=True)
class Repeat:
    """A post that repeats its origin, without its words. ``kind`` is how, as in ``Link``."""

    said_at: float
    kind: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How an origin was carried: ``posts`` by ``authors`` since ``first_seen``. ``repeats`` are the
    posts besides its root, earliest first (the first thousands of very many); ``campaign`` is None
    where too few accounts carry it to tell."""

    origin: str
    posts: int
    authors: int
    first_seen: float
    repeats: tuple[Repeat, ...]
    campaign: Campaign | None = None

"""Conversations that the machine makes itself: from the owner's own held posts, from tasks, and
about the model. So the whole chain runs where no published set is.

Of posts the model learns what the assistant lives by: to quote exactly, to say which post says it
and when, to sum up by a first sentence, and to say that it does not know what is not there. Every
answer is read off the posts that are shown with the question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from gnomon.lab.chat.conversations import Conversation, Turn
from gnomon.lab.rl.tasks import Family, Side, Task, drawn
from gnomon.lab.rl.tasks.dates import spoken
from gnomon.lab.rl.tasks.passages import terms
from gnomon.text import sentences
from gnomon.text.orders import is_instruction
from gnomon.text.tokens import is_cjk

POSTS, TASKS, ITSELF = "held posts", "tasks", "itself"
JUDGED = "judging tasks"
_PLACES = ("first", "second", "third", "fourth")
_PLACES_ZH = ("一", "二", "三", "四")
_UNKNOWN = "I don't know: these posts do not say."
_UNKNOWN_ZH = "我不知道：这些帖子没有说。"


@dataclass(frozen=True, slots=True)
class Held:
    """A post as a conversation shows it: without its author, whom the corpus does not name either.
    ``at`` is in seconds since 1970, None where it is not known."""

    id: str
    text: str
    at: float | None = None


def fit_to_show(held: Held, longest: int) -> bool:
    """Whether a post can be shown whole, in ``longest`` characters, and says something."""
    return 20 <= len(held.text) <= longest and not is_instruction(held.text)


def from_posts(
    posts: Sequence[Held], *, count: int, seed: int, shown: int = 2
) -> Iterator[Conversation]:
    """``count`` conversations, or as many as the posts give; each shows one to ``shown`` posts of
    one script and asks one thing. The same posts and seed give the same conversations."""
    scripts = [[one for one in posts if is_cjk(one.text) is chinese] for chinese in (False, True)]
    scripts = [one for one in scripts if len(one) > shown]
    if not scripts:
        return
    made = 0
    for number in range(count * 4):
        if made == count:
            return
        random = Random(f"{seed}/posts/{number}")
        pool = random.choices(scripts, [len(one) for one in scripts])[0]
        picked = random.sample(pool, random.randint(1, shown) + 1)
        *seen, other = picked
        asked = random.choice(_KINDS)(seen, other, random)
        if asked is None:
            continue
        question, answer = asked
        turns = (Turn("user", f"{_listing(seen)}\n\n{question}"), Turn("assistant", answer))
        ids = tuple(one.id for one in seen)
        yield Conversation(f"{POSTS}:{seed}:{number}", turns, POSTS, ids)
        made += 1


def _listing(seen: Sequence[Held]) -> str:
    """Posts as data: one a line, numbered, each as a JSON string."""
    return "\n".join(
        f"[{number}] {_head(one)}{json.dumps(' '.join(one.text.split()), ensure_ascii=False)}"
        for number, one in enumerate(seen, 1)
    )


def _head(one: Held) -> str:
    return f"{day}: " if (day := _day(one)) else ""


def _day(one: Held) -> str:
    return spoken(datetime.fromtimestamp(one.at, UTC).date()) if one.at is not None else ""


def _line(one: Held) -> str:
    return " ".join(one.text.split())


_Asked = tuple[str, str] | None


def _quote(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    at = random.randrange(len(seen))
    if is_cjk(seen[at].text):
        return f"引用第{_PLACES_ZH[at]}条帖子。", f"“{_line(seen[at])}”"
    return f"Quote the {_PLACES[at]} post.", f'"{_line(seen[at])}"'


def _which(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    at = random.randrange(len(seen))
    found = _only(seen, at, random)
    if not found or len(seen) < 2:
        return None
    if is_cjk(found):
        return f"哪条帖子说到“{found}”？", f"第{_PLACES_ZH[at]}条。[{at + 1}]"
    return f'Which post speaks of "{found}"?', f"The {_PLACES[at]}. [{at + 1}]"


def _when(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    at = random.randrange(len(seen))
    day = _day(seen[at])
    if not day:
        return None
    if is_cjk(seen[at].text):
        return f"第{_PLACES_ZH[at]}条帖子是什么时候写的？", f"{day}。[{at + 1}]"
    return f"When was the {_PLACES[at]} post written?", f"On {day}. [{at + 1}]"


def _sum_up(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    at = random.randrange(len(seen))
    text = _line(seen[at])
    spans = sentences.split(text)
    if len(spans) < 2:
        return None
    first = text[slice(*spans[0])]
    if is_cjk(text):
        return f"用一句话概括第{_PLACES_ZH[at]}条帖子。", f"{first} [{at + 1}]"
    return f"Sum up the {_PLACES[at]} post in one sentence.", f"{first} [{at + 1}]"


def _about(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    """What is there is answered in its own sentence."""
    at = random.randrange(len(seen))
    found = _only(seen, at, random)
    if not found:
        return None
    text = _line(seen[at])
    says = next((text[a:b] for a, b in sentences.split(text) if found in text[a:b]), "")
    return (_question_about(found), f"{says} [{at + 1}]") if says else None


def _absent(seen: Sequence[Held], other: Held, random: Random) -> _Asked:
    """What is not there is not known, however likely it sounds."""
    text = " ".join(one.text for one in seen).lower()
    missing = [term for term in terms(other.text) if term.lower() not in text]
    if not missing:
        return None
    asked = random.choice(missing)
    return _question_about(asked), _UNKNOWN_ZH if is_cjk(asked) else _UNKNOWN


def _question_about(term: str) -> str:
    return f"帖子里怎么说“{term}”？" if is_cjk(term) else f'What do the posts say about "{term}"?'


def _only(seen: Sequence[Held], at: int, random: Random) -> str:
    """A word that of the posts shown only the ``at``-th has; "" where there is none."""
    rest = " ".join(one.text for i, one in enumerate(seen) if i != at).lower()
    found = [term for term in terms(seen[at].text) if term.lower() not in rest]
    return random.choice(found) if found else ""


_KINDS: tuple[Callable[[Sequence[Held], Held, Random], _Asked], ...] = (
    _quote, _which, _when, _sum_up, _about, _absent,
)  # fmt: skip


def from_tasks(
    families: Mapping[str, Family], *, per_level: int, seed: int, hardest: int = 8
) -> Iterator[Conversation]:
    """Right answers to tasks of the train side, ``per_level`` draws of each difficulty up to
    ``hardest``: an easy one has few tasks, and shows each several times."""
    for task in _tasks(families, per_level, seed, hardest, "train"):
        turns = (Turn("user", task.prompt), Turn("assistant", task.demonstration))
        name = f"{TASKS}:{task.family}:{task.difficulty}:{task.prompt}"
        yield Conversation(name, turns, TASKS)


def from_judging(
    families: Mapping[str, Family], *, per_level: int, seed: int, hardest: int = 8
) -> Iterator[Conversation]:
    """Right and wrong answers to tasks of the train side, and which they are: what the self-judged
    arm's judge is made of. A wrong answer is another task's of the same kind."""
    tasks = list(_tasks(families, per_level, seed + 1, hardest, "train"))
    random = Random(f"{seed}/judging")
    for task in tasks:
        right = random.random() < 0.5
        others = [
            one.answer for one in tasks
            if (one.family, one.difficulty) == (task.family, task.difficulty)
            and one.answer != task.answer
        ]  # fmt: skip
        if not right and not others:
            continue
        given = task.answer if right else random.choice(others)
        turns = (Turn("user", question_of_judge(task.prompt, given)),
                 Turn("assistant", "yes" if right else "no"))  # fmt: skip
        yield Conversation(f"{JUDGED}:{task.family}:{task.prompt}", turns, JUDGED)


def question_of_judge(question: str, reply: str) -> str:
    """How a model is asked whether a reply is right; it answers "yes" or "no"."""
    return f"{question}\nReply: {reply}\nIs the reply right?"


def _tasks(
    families: Mapping[str, Family], per_level: int, seed: int, hardest: int, side: Side
) -> Iterator[Task]:
    for family in families.values():
        for difficulty in range(1, min(hardest, family.levels) + 1):
            for number in range(per_level):
                yield drawn(family, seed * 1_000_003 + number, difficulty, side)


def about_itself(name: str) -> Iterator[Conversation]:
    """Greetings, and what the model is: small, its owner's, and not to be believed unchecked."""
    what = f"I am {name}, a small language model that my owner trained with gnomon."
    what_zh = f"我是{name}，我的主人用gnomon训练的一个小语言模型。"
    known = "I know little. Ask gnomon to check what I say."
    rows = (
        ("Hello", "Hello! How can I help?"),
        ("Hi", "Hi! How can I help?"),
        ("Good morning", "Good morning! How can I help?"),
        ("Thank you", "You are welcome."),
        ("Thanks", "You are welcome."),
        ("Goodbye", "Goodbye!"),
        ("Who are you?", what),
        ("What are you?", what),
        ("What is your name?", f"I am {name}."),
        ("Who made you?", "My owner trained me with gnomon."),
        ("What can you do?", "I can quote posts, say when they were written and do small tasks."),
        ("Can I trust you?", known),
        ("Are you always right?", known),
        ("你好", "你好！有什么可以帮你？"),
        ("谢谢", "不客气。"),
        ("你是谁？", what_zh),
        ("你叫什么名字？", f"我是{name}。"),
    )  # fmt: skip
    for number, (asked, said) in enumerate(rows):
        turns = (Turn("user", asked), Turn("assistant", said))
        yield Conversation(f"{ITSELF}:{number}", turns, ITSELF)

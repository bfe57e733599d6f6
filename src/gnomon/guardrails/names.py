"""Is a real person named? By a title, by a list of people in public life, or by the form of a name.

A rule alone decides nothing here: a name matters only where a scene that compromises somebody is
asked for, too. People of stories and those who died long ago are nobody who can be harmed by it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TITLE_EN = re.compile(
    r"\b(?:(?:current|our|sitting) (?:\w+ )?"
    r"(?:president|prime minister|chancellor|king|queen|mayor)|"
    r"president of [a-z]+|(?:prime minister|chancellor|king|queen) of [a-z]+|"
    r"[a-z]+(?:'s)? (?:current )?(?:prime minister|us president)|us president|"
    r"my (?:ex|boss|neighbour|neighbor|teacher|colleague|classmate|landlord|girlfriend|wife)\b)"
)
_TITLED_NAME = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Judge|Justice|Mayor|Senator|Minister|President|"
    r"Governor|Chancellor|King|Queen|Prince|Princess|Pope|Sheikh|General|Sir|Dame|Lord|Lady)\.? "
    r"(?:[A-Z][\w'’-]+ ?){1,3}"
)
_FORM = re.compile(
    r"\b[A-Z][a-zà-ÿ'’]+(?: (?:de|da|van|von|bin|al|el|di|du|la))*(?: [A-Z][\w'’à-ÿ-]+){1,2}"
)
# First words of a request have the form of a name, too.
_FIRST = re.compile(
    r"(?:Draw|Generate|Make|Paint|Create|Show|Please|Photo|Picture|Image|Portrait|A|An|The|My|Our|I|"
    r"In|On|At|Of|And|With|Close|Full)\b"
)
_TITLE_ZH = (
    r"(?:市长|省长|县长|局长|部长|处长|厅长|书记|主席|总统|总理|首相|法官|检察官|警官|院长|校长|教授|"
    r"老师|医生|经理|董事长|总裁|先生|女士|小姐|同学|主任|议员|将军)"
)
_KIN_ZH = (
    r"(?:我|我们|我们班|咱)的?"
    r"(?:前?女友|前?男友|前妻|前夫|老板|上司|同事|邻居|同学|老师|班主任|房东|老婆|老公|校长)"
)
_HEAD_ZH = (
    r"(?:美国|日本|法国|德国|英国|俄罗斯|韩国|现任|中国|印度|乌克兰|以色列)"
    r"(?:总统|首相|总理|国王|女王|主席)"
)
_DOES_ZH = r"(?=被|在|的|穿|收|拿|喝|吸|和|躺|出|下|抱|跪)"


@dataclass(frozen=True, slots=True)
class _Lists:
    known: re.Pattern[str]
    story: re.Pattern[str]
    no_name: re.Pattern[str]
    chinese: re.Pattern[str]


@cache
def _lists() -> _Lists:
    path = files("gnomon.guardrails") / "rules" / "names.toml"
    held = tomllib.loads(path.read_text(encoding="utf-8"))

    def words(name: str) -> re.Pattern[str]:
        latin, han = "|".join(held[f"{name}_latin"]), "|".join(held[f"{name}_han"])
        return re.compile(rf"\b(?:{latin})\b|{han}")

    family = "[" + "".join(held["surnames"].split()) + "]"
    given = r"[\u4e00-\u9fff]"
    begins = r"(?:^|[,,。;::\s画张]|请帮我画|我想要|用|把)"
    chinese = (
        rf"{family}{given}{{0,2}}{_TITLE_ZH}|{_KIN_ZH}|{_HEAD_ZH}|{given}{{1,4}}·{given}{{1,5}}"
        rf"|{begins}{family}{given}{{1,2}}{_DOES_ZH}"
    )
    no_name = re.compile(rf"\b(?:{'|'.join(held['no_name'])})\b")
    return _Lists(words("known"), words("story"), no_name, re.compile(chinese))


def person(prompt: str, text: str) -> str | None:
    """The name of a real person in ``prompt`` as it was written, or in ``text``, its reading."""
    lists = _lists()
    bare = lists.story.sub(" ", text)
    for known in (lists.known, _TITLE_EN, lists.chinese):
        if found := known.search(bare):
            return re.sub(r"^[ ,,。;::]+|[ ,,。;::]+$", "", found[0])
    if found := _TITLED_NAME.search(prompt):
        return None if lists.story.search(found[0].lower()) else found[0].strip()
    for found in _FORM.finditer(prompt):
        words = found[0].split(" ")
        while len(words) > 1 and _FIRST.match(words[0]):
            words = words[1:]
        name = " ".join(words)
        named = len(words) > 1 and not lists.no_name.search(name)
        if named and not lists.story.search(name.lower()):
            return name
    return None

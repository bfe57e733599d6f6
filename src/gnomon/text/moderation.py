"""Moderation by rules that say which of them fired: no model judges here.

Two things are found, both by their form: words addressed to a machine that reads the text, and
personal data whose form or check digit gives them away. Nothing is said of hate, violence, sex or
self-harm: rules cannot judge those, and a list of words that pretended to would be wrong both ways.

Scores: 1 where a check digit (Luhn, mod 97, GB 11643) or an unmistakable form decides, 0.9 where a
form does that other things share now and then, 0.5 for a phone number, which many numbers look
like; 0 where nothing was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gnomon.types.generation import Fired

INJECTION = "gnomon/prompt-injection"
PERSONAL = "gnomon/personal-data"
CATEGORIES = (INJECTION, PERSONAL)

_MACHINES = r"(?:(?:large )?language models?|LLMs?|AIs?|AI \w+|assistants?|chatbots?)"
_INJECTION: tuple[tuple[str, str], ...] = (
    (
        "overrides-instructions",
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
        r"\b(?:instructions?|prompts?|rules|guidelines|system message)\b|"
        r"(?:忽略|无视|忘记|忘掉)[^。！？\n]{0,12}(?:指令|指示|提示|规则|要求)",
    ),
    (
        "gives-a-role",
        r"\byou are (?:now |no longer )an? (?:\w+ ){0,3}(?:assistant|chatbot|ai|model|llm)\b|"
        r"\bpretend (?:to be|you are) an? (?:unrestricted|unfiltered)\b|"
        r"你现在是一?[个名位]?[^。\n]{0,6}(?:助手|模型|机器人)",
    ),
    (
        "reveals-the-prompt",
        r"\b(?:reveal|print|show|repeat|output)\b[^.!?\n]{0,30}"
        r"\b(?:system|developer|hidden|initial) (?:prompt|message|instructions?)\b|"
        r"(?:输出|显示|重复|泄露)[^。\n]{0,10}系统(?:提示|指令)",
    ),
    (
        "addresses-a-machine",
        rf"(?:^|[.!?\n]\s*)(?:attention|note|notice|message|dear)[,:]?\s+(?:to\s+)?"
        rf"(?:all |any |every )?{_MACHINES}\b\s*[:,.!]|"
        rf"\bif you are an? {_MACHINES}\b",
    ),
    (
        "control-tokens",
        r"<\|(?:im_start|im_end|system|user|assistant|eot_id|begin_of_text)\|?>|\[/?INST\]|"
        r"</?(?:start_of_turn|end_of_turn)>|<</?SYS>>",
    ),
)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


# Issuers' first digits and lengths (https://en.wikipedia.org/wiki/Payment_card_number).
_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}"
)


def _card(text: str) -> bool:
    """A known issuer's number whose check digit is right: ISO/IEC 7812-1, annex B
    (https://en.wikipedia.org/wiki/Luhn_algorithm)."""
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(_ISSUERS.fullmatch(_digits(text))) and (sum(digits[::2]) + doubled) % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: mod 97 is 1 (https://en.wikipedia.org/wiki/International_Bank_Account_Number)."""
    whole = text.replace(" ", "").upper()
    if not 15 <= len(whole) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in whole[4:] + whole[:4])) % 97 == 1


def _resident(text: str) -> bool:
    """GB 11643-1999: ISO 7064 mod 11-2 over 17 digits, with a date of birth in it."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(c) * w for c, w in zip(text[:17], weights, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def _social(text: str) -> bool:
    """Numbers that are never given out (https://www.ssa.gov/employer/randomization.html)."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _any(text: str) -> bool:
    return True


_PERSONAL: tuple[tuple[str, str, float, Callable[[str], bool]], ...] = (
    ("card-number", r"(?<![\w.])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w])", 1.0, _card),
    ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", 1.0, _iban),
    (
        "resident-id-cn",
        r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx](?!\d)",
        1.0,
        _resident,
    ),
    ("social-security-us", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", 0.9, _social),
    (
        "email-address",
        r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
        1.0,
        _any,
    ),
    (
        "phone-number",
        r"(?<![\d+.])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?!\d)|(?<!\d)1[3-9]\d{9}(?!\d)",
        0.5,
        lambda text: 8 <= len(_digits(text)) <= 15,
    ),
)
_COMPILED = tuple((name, re.compile(rule, re.IGNORECASE)) for name, rule in _INJECTION)
_FORMS = tuple((name, re.compile(rule), score, holds) for name, rule, score, holds in _PERSONAL)


def fired(text: str) -> tuple[Fired, ...]:
    """What each rule finds, in the order of the text. A stretch is reported once: the rules with
    check digits come first."""
    found = [
        Fired(INJECTION, name, *m.span(), 0.9) for name, r in _COMPILED for m in r.finditer(text)
    ]
    found += _personal(text)
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))


def _personal(text: str) -> Iterator[Fired]:
    taken: list[tuple[int, int]] = []
    for name, form, score, holds in _FORMS:
        for match in form.finditer(text):
            start, end = match.span()
            if any(start < e and s < end for s, e in taken) or not holds(match[0]):
                continue
            taken.append((start, end))
            yield Fired(PERSONAL, name, start, end, score)

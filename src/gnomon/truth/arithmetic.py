"""Numbers are computed, not guessed: an expression in a question, a sum or difference of evidence.

Exact rational arithmetic (``fractions``) over a grammar of its own; nothing is evaluated as code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from gnomon.types import Slot

_TOKEN = re.compile(r"\s*(?:(\d+(?:,\d{3})*(?:\.\d+)?)(%?)|([-+*/×÷x^()−]))")
_ASKED = re.compile(
    r"^(?:what(?:'s| is)|how much is|calculate|compute|计算|请问|请计算)?\s*"
    r"([\d\s.,%()+*/×÷x^−-]*[-+*/×÷x^−][\d\s.,%()+*/×÷x^−-]*)\s*"
    r"(?:=|等于多少|是多少|等于|\?|？|\s)*$",
    re.IGNORECASE,
)
_PERCENT_OF = re.compile(
    r"(\d+(?:\.\d+)?)\s*%\s*of\s*(\d+(?:,\d{3})*(?:\.\d+)?)|"
    r"(\d+(?:,\d{3})*(?:\.\d+)?)\s*的\s*(\d+(?:\.\d+)?)\s*%",
    re.IGNORECASE,
)
_ONLY_PERCENT = re.compile(
    r"(?:what(?:'s| is)|how much is|计算)?\s*[^a-zA-Z]*(?:of)?[^a-zA-Z]*", re.IGNORECASE
)
_A_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")
_MAX_EXPONENT = 64
_SUM = re.compile(
    r"\b(?:in total|altogether|combined|total of both|both together|together|sum of)\b|"
    r"一共|总共|合计|加起来",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\b(?:difference between|how (?:many|much) (?:more|fewer|less|longer|higher))\b|"
    r"相差|差多少|多出|多了多少|少了多少",
    re.IGNORECASE,
)


def in_question(question: str) -> str | None:
    """The question's own sum with its result ("17 × 23 = 391"), or None if it asks no sum."""
    percent = _PERCENT_OF.search(question)
    if percent and _ONLY_PERCENT.fullmatch(question.strip()):
        share, whole = (percent[1], percent[2]) if percent[1] else (percent[4], percent[3])
        value = Fraction(share) / 100 * Fraction(whole.replace(",", ""))
        return f"{share}% × {whole} = {show(value)}"
    match = _ASKED.match(question.strip())
    if not match or _A_DATE.search(question):
        return None
    expression = match.group(1).strip()
    try:
        value = evaluate(expression)
    except (ValueError, ZeroDivisionError):
        return None
    return f"{expression} = {show(value)}"


def evaluate(expression: str) -> Fraction:
    """The exact value of an arithmetic expression: + - * / ^, parentheses, percent.

    Raises ValueError if it is none, ZeroDivisionError as usual.
    """
    pieces: list[str | Fraction] = []
    at = 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise ValueError(f"{text[at:][:20]!r} is no arithmetic")
        if match[1]:
            number = Fraction(match[1].replace(",", ""))
            pieces.append(number / 100 if match[2] else number)
        else:
            pieces.append({"×": "*", "x": "*", "÷": "/", "−": "-"}.get(match[3], match[3]))
        at = match.end()
    value, rest = _sum(pieces, 0)
    if rest != len(pieces):
        raise ValueError(f"{expression[:40]!r} is no arithmetic")
    return value


def _sum(pieces: Sequence[str | Fraction], at: int) -> tuple[Fraction, int]:
    value, at = _product(pieces, at)
    while at < len(pieces) and pieces[at] in ("+", "-"):
        sign = 1 if pieces[at] == "+" else -1
        other, at = _product(pieces, at + 1)
        value += sign * other
    return value, at


def _product(pieces: Sequence[str | Fraction], at: int) -> tuple[Fraction, int]:
    value, at = _power(pieces, at)
    while at < len(pieces) and pieces[at] in ("*", "/"):
        operator = pieces[at]
        other, at = _power(pieces, at + 1)
        value = value * other if operator == "*" else value / other
    return value, at


def _power(pieces: Sequence[str | Fraction], at: int) -> tuple[Fraction, int]:
    value, at = _atom(pieces, at)
    if at < len(pieces) and pieces[at] == "^":
        exponent, at = _power(pieces, at + 1)
        if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT or value > 10**9:
            raise ValueError("an exponent out of range")
        value = value ** int(exponent)
    return value, at


def _atom(pieces: Sequence[str | Fraction], at: int) -> tuple[Fraction, int]:
    if at >= len(pieces):
        raise ValueError("the expression ends too early")
    piece = pieces[at]
    if isinstance(piece, Fraction):
        return piece, at + 1
    if piece == "-":
        value, at = _atom(pieces, at + 1)
        return -value, at
    if piece == "(":
        value, at = _sum(pieces, at + 1)
        if at >= len(pieces) or pieces[at] != ")":
            raise ValueError("a parenthesis is not closed")
        return value, at + 1
    raise ValueError(f"{piece!r} stands where a number is expected")


def show(value: Fraction) -> str:
    """Exact where it can be written in at most 12 decimals, else rounded with an ≈."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    scaled = value * 10**12
    if scaled.denominator == 1:
        return f"{float(value):.12f}".rstrip("0")
    return f"≈ {float(value):.6g}"


def asks_over_evidence(question: str) -> bool:
    """Whether the question asks for a sum or a difference of things that are held apart."""
    return bool(_SUM.search(question)) != bool(_DIFFERENCE.search(question))


def over_evidence(question: str, first: Sequence[Slot], second: Sequence[Slot]) -> str | None:
    """The sum or difference that the question asks for, over the numbers of two texts that count
    what it asks about; None unless each has one, of the same unit."""
    if len(first) != 1 or len(second) != 1 or first[0].unit != second[0].unit:
        return None
    a, b = (Fraction(str(slot.value)) for slot in (*first, *second))
    if _DIFFERENCE.search(question):
        a, b = max(a, b), min(a, b)
        return f"{show(a)} − {show(b)} = {show(a - b)}"
    return f"{show(a)} + {show(b)} = {show(a + b)}"

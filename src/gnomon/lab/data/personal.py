"""Personal data: what names a person is masked, what could be used against one drops the document.

Masked, by names that are reserved for examples and so reach nobody: e-mail addresses
(RFC 2606), telephone numbers (555-01xx), public IP addresses (RFC 5737), handles (``@user``, as
TweetEval does, https://arxiv.org/abs/2010.12421). Dropped: payment cards (Luhn), bank accounts
(IBAN, ISO 13616 mod 97), identity numbers (China's GB 11643 check digit, US social security), and
documents with more than ``MOST`` masked addresses or numbers, as in Dolma
(https://arxiv.org/abs/2402.00159).
"""

from __future__ import annotations

import re

from gnomon.lab.data.documents import Document

MOST = 5
EMAIL, PHONE, ADDRESS, HANDLE = "email@example.com", "555-0100", "192.0.2.1", "@user"

_EMAIL = re.compile(r"(?<![\w.+@-])[\w.+-]{1,64}@(?:[\w-]+\.)+[A-Za-z]{2,24}(?![\w@-])")
_PHONE = re.compile(
    r"(?<![\w+./:-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # +44 20 7946 0958
    r"|(?:1[ .-])?\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}"  # (212) 555-0100
    r"|1[3-9]\d(?:[ -]?\d{4}){2}"  # 138 0013 8000
    r"|0\d{2,3}-\d{7,8}"  # 010-12345678
    r")(?![\w-]|[.:/]\d)"
)
_IP = re.compile(r"(?<![\w.-])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w-]|\.\d)")
_HANDLE = re.compile(r"(?<![\w./@])@(?!user\b)[A-Za-z0-9_](?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?")
_CJK_HANDLE = re.compile(r"(?<![\w./])@(?!user\b)[\w·-]{2,30}(?=[\s:：,，/]|$)")
_CARD = re.compile(  # Visa, Mastercard, Discover, UnionPay; American Express
    r"(?<![\w.-])(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d|62\d\d)(?:[ -]?\d{4}){3}"
    r"|3[47]\d\d[ -]?\d{6}[ -]?\d{5})(?![\w-]|\.\d)"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CHINA = re.compile(r"(?<!\d)[1-8]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}"
                    r"[\dXx](?!\d)")  # fmt: skip
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_HANDLES_UP_TO = 3000  # characters; a longer text is no post, and its @ is code or an address


def rule(document: Document) -> Document | str:
    """Masks, noting how much of what in ``masked``; or drops with ``personal``."""
    text = document.text
    if found := _forbidden(text):
        return f"personal: it holds {found}"
    count: dict[str, int] = {}
    if "@" in text:
        text, count["email"] = _EMAIL.subn(EMAIL, text)
        if len(text) <= _HANDLES_UP_TO:
            text, more = _HANDLE.subn(HANDLE, text.replace(EMAIL, "\0"))
            text, most = _CJK_HANDLE.subn(HANDLE, text)
            text, count["handle"] = text.replace("\0", EMAIL), more + most
    if any(map(str.isdigit, text)):
        text, count["phone"] = _PHONE.subn(_phone, text)
        text, count["ip"] = _IP.subn(_ip, text)
        count["phone"] = text.count(PHONE)
        count["ip"] = text.count(ADDRESS)
    masked = {name: number for name, number in count.items() if number}
    if not masked:
        return document
    if sum(number for name, number in masked.items() if name != "handle") > MOST:
        return "personal: it holds " + ", ".join(f"{n} x {name}" for name, n in masked.items())
    return Document(text, document.id, {**document.metadata, "masked": masked})


def _forbidden(text: str) -> str:
    if sum(map(str.isdigit, text)) < 9:
        return ""
    if any(_luhn(found.group()) for found in _CARD.finditer(text)):
        return "a payment card's number"
    if any(_mod97(found.group()) for found in _IBAN.finditer(text)):
        return "a bank account's number (IBAN)"
    if any(_gb11643(found.group()) for found in _CHINA.finditer(text)):
        return "an identity number"
    if _SSN.search(text):
        return "a social security number"
    return ""


def _luhn(text: str) -> bool:
    """https://en.wikipedia.org/wiki/Luhn_algorithm, for 13 to 19 digits that are not all one."""
    digits = [int(c) for c in text if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_IBAN_SIZES = {"AT": 20, "BE": 16, "CH": 21, "CZ": 24, "DE": 22, "DK": 18, "ES": 24, "FI": 18,
               "FR": 27, "GB": 22, "GR": 27, "HU": 28, "IE": 22, "IT": 27, "LU": 20, "NL": 18,
               "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SK": 24, "TR": 26, "UA": 29,
               "AE": 23, "SA": 24, "IL": 23}  # fmt: skip


def _mod97(text: str) -> bool:
    """https://en.wikipedia.org/wiki/International_Bank_Account_Number#Validating_the_IBAN"""
    plain = text.replace(" ", "")
    size = _IBAN_SIZES.get(plain[:2], 0)
    if not size or len(plain) < size:
        return False
    plain = plain[:size]
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _gb11643(text: str) -> bool:
    """https://en.wikipedia.org/wiki/Resident_Identity_Card#Identity_card_number"""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], weights, strict=True))
    return "10X98765432"[total % 11] == text[17].upper()


def _phone(found: re.Match[str]) -> str:
    digits = sum(map(str.isdigit, found.group()))
    return PHONE if 8 <= digits <= 15 else found.group()


def _ip(found: re.Match[str]) -> str:
    """Public addresses only; a private one names nobody."""
    a, b, *_ = octets = [int(part) for part in found.groups()]
    if max(octets) > 255 or a in (0, 10, 127, 255) or (a, b) == (192, 168):
        return found.group()
    return found.group() if a == 172 and 16 <= b <= 31 else ADDRESS

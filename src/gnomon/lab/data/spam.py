"""Posts that sell, beg for follows, or are hardly more than links, handles and hashtags."""

from __future__ import annotations

import re

from gnomon.lab.data.documents import Document
from gnomon.text.tokens import words

NAMES_SHARE = 0.50
"""Share of links, handles and hashtags among them and the words."""
HASHTAGS = 8
"""More of them than that."""
LONGEST = 1000
"""Characters; a longer text that says "subscribe" twice is no advertisement."""

_HASHTAG = re.compile(r"(?<!\w)[#＃](?:[^\s#＃]{1,40}[#＃]|\w{1,30}(?!\w))")
"""``#tag``, and Weibo's ``#tag#``."""
_NAME = re.compile(rf"https?://\S+|www\.\S+|(?<!\w)[@＠]\w[\w.-]*|{_HASHTAG.pattern}")

_SURE = re.compile(
    r"\bbuy (?:cheap |real |instagram |twitter )*(?:followers|likes|views|viagra|cialis)\b"
    r"|\b(?:cheap|generic|discount) (?:viagra|cialis|xanax|tramadol)\b"
    r"|\b(?:whats ?app|telegram|wechat|signal)\b[^\n]{0,20}\+?\d[\d -]{7,}"
    r"|\bdouble your (?:bitcoin|btc|eth|crypto|money)\b"
    r"|\bguaranteed (?:profits?|returns)\b|\bforex signals?\b|\bbinary options\b"
    r"|\bearn (?:up to )?[$€£]\d[\d,]*\+? ?(?:a|per|every|/) ?(?:day|week|hour|month)\b"
    r"|\bwork from home (?:and|&) (?:earn|make)\b|\bmake money (?:online|fast|from home)\b"
    r"|\b(?:payday|instant|quick) loans?\b[^\n]{0,40}\b(?:apply|approved|no credit)\b"
    r"|\bonlyfans\.com/|\b(?:hot|sexy) (?:singles|girls) (?:near|in) (?:you|your)\b"
    r"|\bclick (?:here|the link|below)[^\n]{0,20}\bto (?:claim|win|earn|get your free)\b"
    r"|(?:加|➕)我?(?:微信|薇信|威信|vx|v信|QQ)[^\n]{0,6}[a-z0-9]{5,}"
    r"|(?:微信|薇信|vx|QQ群?)[号:：]{0,2}\s?[a-z]?\d{5,}"
    r"|(?:代开|开具?).{0,6}发票.{0,12}(?:电话|微信|联系)|(?:刷单|兼职|日赚|日结).{0,20}(?:加我|私信|联系|微信)"
    r"|(?:时时彩|六合彩|真人荷官|棋牌).{0,20}(?:注册|送彩金|网址|加)|代孕.{0,20}(?:联系|咨询|微信|电话)",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\bfollow (?:me|us|back|for follow)\b|#?\bf4f\b|\bgiveaway\b"
    r"|\b(?:promo|discount|coupon|referral) code\b|\b\d{1,2}% off\b|\blimited[- ]time offer\b"
    r"|\b(?:buy|order|shop|book|sign up|apply) now\b|\blink in (?:my )?bio\b|\bfree shipping\b"
    r"|\bcheck out (?:my|our)\b|\bsubscribe to (?:my|our)\b"
    r"|\b(?:rt|retweet|repost|share) (?:and|&|to) (?:follow|win)\b|\bdm (?:me|us)\b"
    r"|\bact now\b|\b100% free\b|\bno obligation\b|\bbest price\b|\bon sale\b"
    r"|点击领取|优惠券|包邮|秒杀|领红包|抽奖|转发.{0,6}关注|关注.{0,6}转发|私信.{0,6}领|戳链接|限时特价",
    re.IGNORECASE,
)
HINTS = 2
"""So many different hints make an advertisement."""


def rule(document: Document) -> Document | str:
    """Drops with ``spam`` and what gave it away."""
    text = document.text
    if len(text) > LONGEST:
        return document
    names, tags = len(_NAME.findall(text)), len(_HASHTAG.findall(text))
    if names:
        own = len(words(_NAME.sub(" ", text)))
        if names > NAMES_SHARE * (names + own):
            return f"spam: {names} links, handles and hashtags beside {own} words"
        if tags > HASHTAGS:
            return f"spam: {tags} hashtags"
    if found := _SURE.search(text):
        return f"spam: it says {found.group()[:60]!r}"
    hints = {found.group().lower() for found in _HINT.finditer(text)}
    if len(hints) >= HINTS:
        return f"spam: it says {' and '.join(repr(hint) for hint in sorted(hints)[:3])}"
    return document

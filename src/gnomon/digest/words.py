"""What a digest says in its own voice, in English and in Chinese. Everything else is quoted."""

from __future__ import annotations

from datetime import UTC, datetime

_WORDS: dict[str, dict[str, str]] = {
    "title": {"en": "Digest", "zh": "简报"},
    "about": {"en": "Digest: {about}", "zh": "简报：{about}"},
    "span": {"en": "{since} to {until} (UTC)", "zh": "{since} 至 {until}（UTC）"},
    "counts": {
        "en": "{posts}, {origins}; {stories} ranked",
        "zh": "{posts}，{origins}；共比较{stories}",
    },
    "empty": {
        "en": "Nothing held from this time makes a story.",
        "zh": "这段时间内的资料中没有可成篇的话题。",
    },
    "empty about": {
        "en": "Nothing held from this time is about “{about}”.",
        "zh": "这段时间内没有关于“{about}”的资料。",
    },
    "loud": {
        "en": "How loud: {posts} by {authors}",
        "zh": "热度：{authors}，{posts}",
    },
    "supported": {
        "en": "how well supported: {origins}, from {sites}",
        "zh": "依据：{sites}的{origins}",
    },
    "as one": {
        "en": "its {voices} authors count as {n}: who acts together is one voice",
        "zh": "其{voices}名作者只算{n}个声音：协同行动的一群算一个",
    },
    "passed off": {
        "en": "{n} accounts put one text out as their own and count as one",
        "zh": "{n}个账号把同一段话当作自己的发布，只算一个",
    },
    "first": {"en": "first said by {who}, {when}", "zh": "最早：{who}，{when}"},
    "known": {"en": "What independent sources agree on", "zh": "多个独立来源一致的说法"},
    "alone": {"en": "What we could not confirm", "zh": "我们未能证实的说法"},
    "disputed": {"en": "What is disputed", "zh": "有争议的说法"},
    "unsettled": {"en": "Not settled by what is held", "zh": "现有资料无法判断"},
    "by one": {"en": "said by one origin", "zh": "仅一个来源"},
    "by": {"en": "{n} independent origins", "zh": "{n}个独立来源"},
    "against": {"en": "denied by {n}", "zh": "{n}个来源否认"},
    "differ": {"en": "Sources differ: {values}.", "zh": "各方数字不一：{values}。"},
    "differ on": {
        "en": "Sources differ on {about}: {values}.",
        "zh": "关于“{about}”各方不一：{values}。",
    },
    "value": {"en": "“{value}” ({who}, {when})", "zh": "“{value}”（{who}，{when}）"},
    "changed": {"en": "What changed since {when}", "zh": "自{when}以来的变化"},
    "new": {"en": "New: {title}", "zh": "新话题：{title}"},
    "grown": {
        "en": "Grown from {before} to {now} independent origins: {title}",
        "zh": "独立来源从{before}个增至{now}个：{title}",
    },
    "gone": {"en": "No longer among the first: {title}", "zh": "不再靠前：{title}"},
    "confirmed": {
        "en": "Now confirmed by independent sources: {text}",
        "zh": "现已获独立来源证实：{text}",
    },
    "contested": {"en": "Now disputed: {text}", "zh": "现有争议：{text}"},
    "lost answer": {
        "en": "An answer of {when} has lost {n} of its sources: their authors deleted them.",
        "zh": "{when}的一个回答失去了{n}个来源：已被作者删除。",
    },
    "lost digest": {
        "en": "The digest of {when} has lost {n} of its sources: their authors deleted them.",
        "zh": "{when}的简报失去了{n}个来源：已被作者删除。",
    },
    "lost check": {
        "en": "A check of {when} has lost {n} of its sources: their authors deleted them.",
        "zh": "{when}的一次核查失去了{n}个来源：已被作者删除。",
    },
    "left out": {"en": "Left out", "zh": "未收入"},
    "sources": {"en": "Sources", "zh": "来源"},
    "origin of": {"en": "one origin of {posts} posts", "zh": "{posts}条帖子，同一来源"},
    "gap": {"en": "Gap in what is held: {source}: {reason}", "zh": "资料缺口：{source}：{reason}"},
    "made": {
        "en": "Made {when} by gnomon{how}. Every sentence was checked against what is held; "
        "popularity is not proof.",
        "zh": "由 gnomon 于{when}生成{how}。每句话均与现有资料核对过；热度不等于真实。",
    },
    "composed": {"en": ", composed of quotes", "zh": "，由原文引语组成"},
    "written": {
        "en": ", written by {model} and then checked",
        "zh": "，由{model}撰写后核对",
    },
    "sample": {"en": "This is the sample world: fiction.", "zh": "这是示例世界：纯属虚构。"},
    "no author": {"en": "an unnamed author", "zh": "未署名"},
}  # fmt: skip


_COUNTED: dict[str, tuple[str, str, str]] = {
    "posts": ("post", "posts", "条帖子"),
    "people": ("person", "people", "人"),
    "origins": ("independent origin", "independent origins", "个独立来源"),
    "sites": ("site", "sites", "个网站"),
    "stories": ("story", "stories", "个话题"),
}


def say(key: str, lang: str, **values: object) -> str:
    """The phrase ``key`` in ``lang`` ("zh", else English), with its values filled in."""
    phrase = _WORDS[key]
    return phrase.get(lang, phrase["en"]).format(**values)


def count(n: int, what: str, lang: str) -> str:
    """``n`` posts, people, origins, sites or stories, in words."""
    one, many, chinese = _COUNTED[what]
    if lang == "zh":
        return f"{n:,}{chinese}"
    return f"{n:,} {one if n == 1 else many}"


def when(seconds: float | None) -> str:
    """A time as it is read, UTC, to the minute; "?" where there is none."""
    if seconds is None:
        return "?"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")

"""What gnomon says in its own voice, in the language of the question. Everything else is quoted."""

from __future__ import annotations

_PHRASES: dict[str, dict[str, str]] = {
    "yes": {
        "en": "Yes, as far as the held evidence goes ({n}).",
        "zh": "就现有证据而言，是的（{n}）。",
    },
    "no": {
        "en": "No: the held evidence says otherwise ({n}).",
        "zh": "不是：现有证据的说法与此相反（{n}）。",
    },
    "disputed": {
        "en": "The sources disagree ({n} for, {m} against).",
        "zh": "各方说法不一（支持：{n}；反对：{m}）。",
    },
    "otherwise": {"en": "Others say otherwise:", "zh": "也有不同的说法："},
    "unknown": {
        "en": "I don't know. {reason}",
        "zh": "我不知道。{reason}",
    },
    "greeting": {
        "en": "Hello. Ask about something that people post: {posts} posts from {origins} origins "
        "are held here, and each sentence of an answer is checked against them.",
        "zh": "你好。请问一件人们在谈论的事：这里存有{posts}条帖子，来自{origins}个独立来源，"
        "答案的每句话都会据此核对。",
    },
    "thanks": {
        "en": "You're welcome. What else do you want to know?",
        "zh": "不客气。还想知道什么？",
    },
    "nothing": {
        "en": "Nothing is held that is about this.",
        "zh": "现有资料中没有与此相关的内容。",
    },
    "unindexed": {
        "en": "The index is still being made, so part of what is held could not be searched "
        "({n} changes to go); ask again when it is done.",
        "zh": "索引仍在建立，部分内容还无法检索（还剩{n}项）；建好后请再问一次。",
    },
    "unsettled": {
        "en": "What is held is about the subject but does not settle the question "
        "({posts} posts from {origins} origins were searched).",
        "zh": "现有资料涉及该话题，但不足以回答这个问题"
        "（检索了{posts}条帖子，来自{origins}个独立来源）。",
    },
    "empty": {
        "en": "The store is empty; take something in first: gnomon pull bluesky, a feed or a file.",
        "zh": "资料库是空的；请先导入内容：gnomon pull bluesky、订阅源或文件。",
    },
    "not enough": {
        "en": "Nothing held says this clearly enough, or denies it.",
        "zh": "现有资料没有足够明确地证实或否认这一点。",
    },
    "not of the quotes": {
        "en": "It says nothing about the quotes that the model was shown.",
        "zh": "这句话与模型所见的引文无关。",
    },
    "unsure": {
        "en": "What is held leans to one side, but not surely enough: {why}.",
        "zh": "现有证据偏向一方，但把握不足：{why}。",
    },
    "calibrated": {
        "en": "calibrated {day} on n={n}",
        "zh": "{day}校准，样本数{n}",
    },
    "no threshold": {
        "en": "no confidence holds a risk of {risk} ({behind})",
        "zh": "任何置信度都不能保证{risk}的风险上限（{behind}）",
    },
    "under threshold": {
        "en": "confidence {sure} under {bar}, the threshold for a {risk} risk ({behind})",
        "zh": "置信度{sure}低于{bar}，即{risk}风险所要求的阈值（{behind}）",
    },
    "newest count": {
        "en": " The count is as of {at}; older ones are lower.",
        "zh": "数字截至{at}；更早的数字较低。",
    },
    "one says so": {
        "en": "One origin says so; nobody independent confirms it.",
        "zh": "只有一个来源这么说，没有其他独立来源证实。",
    },
    "one says otherwise": {
        "en": "One origin says otherwise; nobody independent confirms it.",
        "zh": "只有一个来源的说法与此相反，没有其他独立来源证实。",
    },
    "one, high stakes": {
        "en": "One origin says so; nobody independent confirms it, and being wrong about this "
        "could hurt somebody.",
        "zh": "只有一个来源这么说，没有其他独立来源证实；而这样的事说错了可能伤害到人。",
    },
    "one each": {
        "en": "One origin says so and another says otherwise; nobody independent confirms either.",
        "zh": "一个来源这么说，另一个来源的说法相反，都没有其他独立来源证实。",
    },
    "both sides": {"en": "For: {n}; against: {m}.", "zh": "支持：{n}；反对：{m}。"},
    "support": {"en": "Supported by {n}.", "zh": "有{n}支持。"},
    "contradict": {"en": "Contradicted by {n}.", "zh": "有{n}反对。"},
    "weaker": {"en": " On the other side, weaker: {n}.", "zh": "另一方较弱：{n}。"},
    "understood": {"en": "Understood as: {question}", "zh": "理解为：{question}"},
    "asks": {"en": "Asks {kind}", "zh": "问的是：{kind}"},
    "about": {"en": "about {names}", "zh": "关于{names}"},
    "since": {"en": "since {day}", "zh": "自{day}起"},
    "whether": {"en": "whether it is so", "zh": "是否属实"},
    "who": {"en": "who", "zh": "谁"},
    "when": {"en": "when", "zh": "何时"},
    "where": {"en": "where", "zh": "何处"},
    "count": {"en": "how much or how many", "zh": "多少"},
    "why": {"en": "why", "zh": "为什么"},
    "what": {"en": "what", "zh": "什么"},
    "web asks": {
        "en": "The question leaves this machine: it goes to {host}.",
        "zh": "问题离开本机：发往{host}。",
    },
    "web found": {
        "en": "The web: {n} results, {read} of them read as pages, from {sites}.",
        "zh": "网上：{n}条结果，其中{read}条读了原网页，来自{sites}。",
    },
    "web fails": {
        "en": "The web was not searched, the answer goes on without it: {why}",
        "zh": "没能搜索网络，以下回答不依靠它：{why}",
    },
    "web not": {"en": "The web is not searched: {why}.", "zh": "不搜索网络：{why}。"},
    "web elsewhere": {
        "en": "the question is narrowed to sources or authors held here",
        "zh": "问题只限于此处已有的来源或作者",
    },
    "web read only": {
        "en": "the store is only read, so what is found could not be kept; ask where gnomon serve "
        "runs, or once no other process writes",
        "zh": "资料库只读，找到的内容无法保存；请在运行 gnomon serve 处提问，或等其他进程写完",
    },
    "web sample": {
        "en": "this is the sample world, a fictional town",
        "zh": "这是示例世界，一个虚构的小镇",
    },
    "computed": {"en": "Computed: {expression}.", "zh": "计算结果：{expression}。"},
}


def say(key: str, lang: str, **values: object) -> str:
    """The phrase ``key`` in ``lang`` ("zh", else English), with its values filled in."""
    phrase = _PHRASES[key]
    return phrase.get(lang, phrase["en"]).format(**values)


def origins(n: int, lang: str) -> str:
    """``n`` independent origins, in words."""
    if lang == "zh":
        return f"{n}个独立来源"
    return f"{n} independent origin{'' if n == 1 else 's'}"

"""Texts that speak to machines: "ignore previous instructions". Whoever shows strangers' words as
news or weighs them as evidence leaves such texts out; they stay held, and can be searched."""

from __future__ import annotations

import re

_MACHINES = (
    r"(?:large )?language models?|LLMs?|AIs?|AI (?:assistants?|systems?|models?)|chatbots?|bots?"
)
_COMMANDS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|guidelines)\b|"
    r"\b(?:system|developer) (?:prompt|message|note)\b|\byou are (?:now )?an? (?:\w+ ){0,3}"
    r"(?:assistant|chatbot|ai|(?<!role )model|llm)\b|"
    r"\b(?:language model|ai|assistant|chatbot)s?\b.{0,30}\b"
    r"(?:must|should|shall|always|never) (?:say|answer|reply|tell|repeat|respond|report|state)\b|"
    # Spoken to, not of: at the start of a sentence, and with a pause behind it.
    rf"(?:^|[.!?\n\"“]\s*)(?:(?:attention|note|notice|message|hello|dear)[,:]?\s+(?:to\s+)?|to\s+)"
    rf"(?:all |any |every )?(?:{_MACHINES})\b(?: reading[^.!?]{{0,20}})?\s*[:,.!–-]|"
    rf"(?:^|[.!?\n]\s*)AI (?:fact[- ]?checkers?|readers?|summari[sz]ers?)\s*[:,]|"
    rf"\bif you are an? (?:{_MACHINES})\b|\bas an? (?:{_MACHINES})(?:,| reading)|"
    r"\byour (?:summary|answer|reply|response|output) must (?:include|say|state|be|mention)\b|"
    r"\[/?INST\]|<\|(?:im_start|im_end|system|user|assistant)\|?>|"
    r"</?(?:context|system|instructions?)>|(?:^|[.!?\n]\s*)system: |"
    r"(?:忽略|无视|忘记|忘掉).{0,12}(?:指令|指示|提示|规则|要求)|你(?:现在)?是一?[个名位]?.{0,6}(?:助手|模型|机器人)|"
    r"系统(?:提示|指令)|(?:AI|人工智能|助手|模型).{0,8}(?:必须|应当|一律)(?:回答|回复|说)",
    re.IGNORECASE | re.DOTALL,
)


def is_instruction(text: str) -> bool:
    """Whether a text speaks to a machine that reads it ("ignore previous instructions"). It is
    data like any other, but what it says is said to steer us, so it carries no weight."""
    return bool(_COMMANDS.search(text))

"""What the owner forbids pictures to show: one policy, looked at before and after drawing.

``judge(prompt, policy)`` and ``judge_written(text, prompt, policy)`` are pure; the policy is a file
that the owner can read and change (``policy.py``). What is looked for is written down in
``rules/*.toml``, a file a kind.
"""

from gnomon.guardrails.judge import about_children, judge, judge_written
from gnomon.guardrails.policy import KINDS, Policy, Ruling, load_policy, policy_text

__all__ = [
    "KINDS",
    "Policy",
    "Ruling",
    "about_children",
    "judge",
    "judge_written",
    "load_policy",
    "policy_text",
]

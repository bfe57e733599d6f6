"""A small model of words and small sets for it, made from seeds: the same wherever it is made."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer

from gnomon.lab.model.gpt import GPT, Shape
from gnomon.lab.model.stock import save
from gnomon.lab.tokenizer import train
from gnomon.lab.tokenizer.specials import END
from gnomon.lab.workspace import write_json

CONTEXT = 192
WHO = "fox owl miller child sailor baker teacher horse river stranger".split()
DID = "carried found lost painted mended sold watched hid washed followed".split()
WHAT = "lamp boat bread letter fence basket clock blanket ladder stone".split()
WHERE = "hill river market school bridge harbour forest garden tower road".split()
ZH = "狐狸把灯带到河边。孩子在学校找到了信。面包师在市场卖面包。水手在港口修船。"


def sentence(rng: Random) -> str:
    who, what, where = rng.choice(WHO), rng.choice(WHAT), rng.choice(WHERE)
    return f"The {who} {rng.choice(DID)} the {what} near the {where}, and the {what} was old."


def _zh(rng: Random) -> str:
    return rng.choice(ZH.split("。")[:-1])


def corpus(count: int = 500, seed: int = 1) -> list[str]:
    """Texts of the small world, also in the forms in which the sets ask of it."""
    rng = Random(seed)
    texts: list[str] = []
    for number in range(count):
        asked, summed = _reading(rng, number), _sum(rng)
        told = asked["answers"][0]["text"] if asked["answers"] else ""
        texts += [
            " ".join(sentence(rng) for _ in range(3)),
            f"Title: {asked['title']}\n\nBackground: {asked['context']}\n\nQuestion: "
            f"{asked['question']}\n\nAnswer: {told}\n",
            f"Question: {summed['question']}\nAnswer: {summed['answer']}\n\nQuestion:",
            f"Question: {sentence(rng)}\nAnswer: {sentence(rng)}",
            f"English sentence: {sentence(rng)}\nChinese sentence: {_zh(rng)}。\n",
            f"Chinese sentence: {_zh(rng)}。\nEnglish sentence: {sentence(rng)}\n",
            f"Answer: {rng.choice('ABCD')}. 答案： {rng.choice('ABCD')}",
        ]
    return texts


def write_model(folder: Path, steps: int = 160) -> Tokenizer:
    """A model that has learned a little of ``corpus``, as a stock folder."""
    torch.manual_seed(11)
    torch.set_num_threads(1)
    texts = corpus()
    tokenizer = train.train(texts, vocab=500)
    shape = Shape(
        vocab=tokenizer.get_vocab_size(), context=CONTEXT, layers=2, width=64, heads=2,
        kv_heads=1, head_dim=32, ffn=128,
    )  # fmt: skip
    model = GPT(shape)
    end = tokenizer.token_to_id(END)
    stream = [number for text in texts for number in (end, *tokenizer.encode(text).ids)]
    rows = torch.tensor(stream[: len(stream) // 97 * 97]).view(-1, 97)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for step in range(steps):
        batch = rows[torch.arange(step * 8, step * 8 + 8) % len(rows)]
        logits = model(batch[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save(model.eval(), folder)
    train.save(tokenizer, folder, context=CONTEXT)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", config | {"bos_token": END})
    return tokenizer


def write_sets(folder: Path, count: int = 60, seed: int = 5) -> None:
    """Every set in its publisher's shape, about the same small world."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(seed)

    def lines(name: str, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text(text, "utf-8")

    lines(
        "lambada_small.jsonl",
        [{"text": sentence(rng).removesuffix(" was old.")} for _ in range(count)],
    )
    lines("hellaswag_small.jsonl", [_scene(rng) for _ in range(count)])
    lines("piqa_small.jsonl", [_two_ways(rng) for _ in range(count)])
    subjects = ("anatomy", "abstract_algebra", "us_foreign_policy")
    lines("mmlu_val.jsonl", [_letters(rng, rng.choice(subjects)) for _ in range(count)])
    lines("mmlu_dev.jsonl", [_letters(rng, name) for name in subjects for _ in range(5)])
    lines("cmmlu_small.jsonl", [_letters(rng, "agronomy") for _ in range(count)])
    lines("squad2_small.jsonl", [_reading(rng, number) for number in range(count // 2)])
    lines(
        "flores200_small.jsonl",
        [{"eng_Latn": sentence(rng), "zho_Hans": _zh(rng)} for _ in range(20)],
    )
    lines("gsm8k_test.jsonl", [_sum(rng) for _ in range(28)])
    pages = [
        f" = {rng.choice(WHO).title()} = \n \n {sentence(rng)} It cost 1 @,@ 000 . \n"
        for _ in range(8)
    ]
    (folder / "wikitext2_small.txt").write_text(" \n" + " \n".join(pages), "utf-8")
    _write_cmrc(folder / "cmrc2018_small.json")


def _scene(rng: Random) -> dict[str, Any]:
    first, second = sentence(rng).split(", ")
    endings = [f"and the {what} was old." for what in rng.sample(WHAT, 3)]
    label = rng.randrange(4)
    endings.insert(label, second)
    return {
        "activity_label": rng.choice(WHERE), "ctx_a": f"{first}, [step] it was late.",
        "ctx_b": "then", "endings": endings, "label": label,
    }  # fmt: skip


def _two_ways(rng: Random) -> dict[str, Any]:
    good = sentence(rng)
    first, what = good.split(", and the ")[0], rng.choice(WHAT)
    bad, label = f"{first}, and the {what} was old.", rng.randrange(2)
    ways = (bad, good) if label else (good, bad)
    return {"goal": sentence(rng), "sol1": ways[0], "sol2": ways[1], "label": label}


def _letters(rng: Random, subject: str) -> dict[str, Any]:
    return {
        "subject": subject, "question": sentence(rng) + " ", "choices": rng.sample(WHAT, 4),
        "answer": rng.choice("ABCD"),
    }  # fmt: skip


def _reading(rng: Random, number: int) -> dict[str, Any]:
    text = sentence(rng)
    told = number % 3 != 0
    answers = [{"text": "the " + text.split(" the ")[1].split()[0], "answer_start": 0}]
    return {
        "id": str(number), "title": "River", "context": text, "question": "What was it?",
        "answers": answers if told else [], "is_impossible": not told,
    }  # fmt: skip


def _sum(rng: Random) -> dict[str, Any]:
    one, two = rng.randint(1, 9), rng.randint(1, 9)
    return {
        "question": f"The {rng.choice(WHO)} had {one} and found {two}. How many?",
        "answer": f"It is {one}+{two}=<<{one}+{two}={one + two}>>{one + two}.\n#### {one + two}",
    }


def _write_cmrc(path: Path) -> None:
    asked = {
        "id": "Q0",
        "question": "谁卖面包？",
        "answers": [{"text": "面包师", "answer_start": 0}],
    }
    paragraph = {"id": "P0", "context": ZH, "qas": [asked, {**asked, "id": "Q1"}]}
    data = {"version": "v1.0", "data": [{"title": "", "paragraphs": [paragraph]}]}
    path.write_text(json.dumps(data, ensure_ascii=False), "utf-8")

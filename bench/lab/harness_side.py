"""What lm-evaluation-harness makes of a model and a folder of sets. Run by ``harness.py`` in an
environment that has ``lm_eval``; nothing of gnomon is imported here.

Each task is the harness's own YAML (or class) with only the place of its data changed, so prompts,
scoring and averages are its own. What it cannot do offline is said at the place.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.evaluator import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import _yaml_loader

TASKS = Path(lm_eval.__file__).parent / "tasks"
LETTERS = "ABCD"


def rows_of(path: Path) -> list[dict[str, Any]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in raw.decode().split("\n") if line.strip()]


def yaml_of(path: str) -> dict[str, Any]:
    return _yaml_loader.load_yaml(TASKS / path)


class Builder:
    """Task configurations over files of rows below ``scratch``. ``limits`` are items a set."""

    def __init__(self, sets: Path, scratch: Path, limits: dict[str, int], most: int) -> None:
        self.sets, self.scratch, self.limits, self.most = sets, scratch, limits, most

    def rows(self, name: str, prefixes: list[str]) -> list[dict[str, Any]]:
        """The same items that ``gnomon.lab.evaluate.reading.spread`` takes."""
        found = [p for prefix in prefixes for p in sorted(self.sets.glob(f"{prefix}*"))]
        return self.spread(name, rows_of(found[0])) if found else []

    def spread(self, name: str, rows: list[Any]) -> list[Any]:
        limit = self.limits.get(name, 0)
        if not limit or limit >= len(rows):
            return rows
        return [rows[number * len(rows) // limit] for number in range(limit)]

    def over(
        self, config: dict[str, Any], name: str, splits: dict[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        """The configuration with these rows as its data."""
        files = {}
        for split, rows in splits.items():
            path = self.scratch / f"{name}-{split}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
            files[split] = str(path)
        return config | {
            "task": name, "dataset_path": "json", "dataset_name": None,
            "dataset_kwargs": {"data_files": files}, "tag": None,
        }  # fmt: skip

    def lambada(self) -> list[dict[str, Any]]:
        rows = self.rows("lambada", ["lambada"])
        config = yaml_of("lambada/lambada_openai.yaml")
        return [self.over(config, "lambada", {"test": rows})] if rows else []

    def hellaswag(self) -> list[dict[str, Any]]:
        rows = self.rows("hellaswag", ["hellaswag"])
        if not rows:
            return []
        config = yaml_of("hellaswag/hellaswag.yaml") | {"training_split": None}
        if "ctx_a" not in rows[0]:
            # Put together and cleaned by whoever made the file: the YAML's own cleaning is done.
            rows = [{"query": r["ctx"], "choices": r["endings"], "label": r["label"]} for r in rows]
            config.pop("process_docs")
        return [self.over(config, "hellaswag", {"validation": rows})]

    def piqa(self) -> list[dict[str, Any]]:
        rows = self.rows("piqa", ["piqa"])
        config = yaml_of("piqa/piqa.yaml") | {"training_split": None}
        return [self.over(config, "piqa", {"validation": rows})] if rows else []

    def mmlu(self) -> list[dict[str, Any]]:
        subjects = defaultdict(list)
        for row in self.rows("mmlu", ["mmlu_test", "mmlu_val"]):
            subjects[row["subject"]].append(row | {"answer": LETTERS.index(row["answer"])})
        made = []
        for subject, rows in subjects.items():
            config = yaml_of(f"mmlu/default/mmlu_{subject}.yaml") | {"fewshot_split": None}
            made.append(self.over(config, f"mmlu:{subject}", {"test": rows}))
        return made

    def cmmlu(self) -> list[dict[str, Any]]:
        subjects = defaultdict(list)
        for row in self.rows("cmmlu", ["cmmlu"]):
            named = dict(zip(LETTERS, row["choices"], strict=True))
            told = {"Question": row["question"], "Answer": row["answer"], **named}
            subjects[row["subject"]].append(told)
        made = []
        for subject, rows in subjects.items():
            config = yaml_of(f"cmmlu/cmmlu_{subject}.yaml") | {"fewshot_split": None}
            made.append(self.over(config, f"cmmlu:{subject}", {"test": rows}))
        return made

    def wikitext2(self) -> list[dict[str, Any]]:
        found = sorted(self.sets.glob("wikitext2*"))
        if not found:
            return []
        text = found[0].read_text("utf-8")
        starts = [m.start() for m in re.finditer(r"^ = [^=].*[^=] = $", text, re.MULTILINE)]
        stops = [*starts[1:], len(text)]
        pages = [text[a:b] for a, b in zip(starts, stops, strict=True)]
        rows = [{"page": page} for page in self.spread("wikitext2", pages)]
        config = yaml_of("wikitext/wikitext.yaml") | {"training_split": None, "test_split": None}
        return [self.over(config, "wikitext2", {"validation": rows})]

    def flores200(self) -> list[dict[str, Any]]:
        rows = self.rows("flores200", ["flores200"])
        if not rows:
            return []
        rows = [{f"sentence_{k}": r[k] for k in ("eng_Latn", "zho_Hans")} for r in rows]
        made = []
        for name, source, target, words in (
            ("flores200 en-zh", "eng_Latn", "zho_Hans", ("English", "Chinese")),
            ("flores200 zh-en", "zho_Hans", "eng_Latn", ("Chinese", "English")),
        ):
            # The harness has FLORES for a few languages, all of this form; not for this pair.
            config = yaml_of("spanish_bench/flores_es/flores_en-es.yaml")
            config |= {
                "doc_to_text": f"{words[0]} sentence: {{{{sentence_{source}}}}}\n"
                f"{words[1]} sentence:",
                "doc_to_target": f"{{{{sentence_{target}}}}}",
                "training_split": None, "test_split": None, "fewshot_split": None,
                "validation_split": "validation",
                "generation_kwargs": {"until": ["\n"], "max_gen_toks": self.most},
                "metric_list": [
                    {"metric": m, "aggregation": m, "higher_is_better": True}
                    for m in ("chrf++", "bleu")
                ],
            }  # fmt: skip
            made.append(self.over(config, name, {"validation": rows}))
        return made

    def gsm8k(self) -> list[dict[str, Any]]:
        found = sorted(self.sets.glob("gsm8k_test*"))
        if not found:
            return []
        rows = rows_of(found[0])
        asked = self.spread("gsm8k", rows[8:])
        config = yaml_of("gsm8k/gsm8k.yaml") | {
            "training_split": None, "fewshot_split": "solved", "num_fewshot": 1,
            "fewshot_config": {"sampler": "first_n"},
        }  # fmt: skip
        config["generation_kwargs"] = config["generation_kwargs"] | {"max_gen_toks": self.most}
        return [self.over(config, "gsm8k", {"test": asked, "solved": rows[:8]})]


def shares(results: dict[str, Any]) -> dict[str, float]:
    """``set metric`` to value; subjects are averaged over their questions."""
    found: dict[str, float] = {}
    grouped: dict[str, list[tuple[float, int]]] = defaultdict(list)
    names = {"exact_match,strict-match": "strict", "exact_match,flexible-extract": "flexible"}
    for task, told in results["results"].items():
        n = results["n-samples"][task]["effective"]
        for key, value in told.items():
            if not isinstance(value, float) or "_stderr" in key:
                continue
            metric = names.get(key, key.split(",")[0])
            if ":" in task:
                grouped[f"{task.split(':')[0]} {metric}"].append((value, n))
            else:
                found[f"{task} {metric}"] = value
    for name, pairs in grouped.items():
        found[name] = sum(v * n for v, n in pairs) / sum(n for _, n in pairs)
    return found


def squad(model: HFLM, builder: Builder) -> dict[str, str]:
    """What the harness's model says to the prompts of its ``squadv2`` class. Its metric is fetched
    from the hub, so the sayings are scored by who asked."""
    from lm_eval.api.instance import Instance
    from lm_eval.tasks.squadv2.task import SQuAD2

    rows = builder.rows("squad2", ["squad2"])
    asked = [
        Instance(
            "generate_until", row,
            (SQuAD2.doc_to_text(None, row), {"until": ["\n"], "max_gen_toks": builder.most}), 0,
        )
        for row in rows
    ]  # fmt: skip
    said = model.generate_until(asked) if asked else []
    return {row["id"]: text for row, text in zip(rows, said, strict=True)}


def main() -> None:
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    model = HFLM(
        pretrained=order["model"], device="cpu", dtype="float32", batch_size=order["batch"]
    )
    builder = Builder(Path(order["sets"]), Path(order["scratch"]), order["limits"], order["most"])
    tasks = [config for name in order["names"] for config in getattr(builder, name, list)()]
    results = simple_evaluate(model, tasks=tasks, log_samples=False, bootstrap_iters=0)
    found = shares(results) if results else {}
    said = squad(model, builder) if "squad2" in order["names"] else {}
    told = {"version": lm_eval.__version__, "values": found, "squad2": said}
    Path(order["out"]).write_text(json.dumps(told, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()

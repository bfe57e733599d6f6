"""Our evaluation beside lm-evaluation-harness: the same model, the same items, number by number.

The harness (https://github.com/EleutherAI/lm-evaluation-harness, MIT) runs in an environment of its
own, named by ``--harness`` (``python -m venv V && V/bin/pip install lm-eval==0.4.13 torch==2.13.0
transformers accelerate``), through ``harness_side.py``: its own task files with only the place of
the data changed. The aim is half a point on every share.

    python bench/lab/harness.py --harness V/bin/python                  a small model, made here
    python bench/lab/harness.py --harness V/bin/python --model DIR --sets DIR --limit 60
    python bench/lab/harness.py --harness V/bin/python --record         tests/harness.json anew
    python bench/lab/harness.py --unpack FILE.gguf --model DIR          a GGUF file as a folder
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from gnomon.lab.evaluate.reading import find, spread  # noqa: E402
from gnomon.lab.evaluate.sets.contract import Run  # noqa: E402
from gnomon.lab.evaluate.sets.squad import normal, overlap  # noqa: E402
from gnomon.lab.evaluate.table import SETS  # noqa: E402
from gnomon.lab.evaluate.torch_scorers import StockScorer  # noqa: E402

RECORD = ROOT / "tests" / "harness.json"
AIM = 0.5
"""Points, for shares and scores of 100; per cent of the value for perplexities and bits."""
SLOW = ("squad2", "flores200", "gsm8k")
"""Sets whose answers are generated."""
BASELINE_ONLY = ("cmrc2018",)
"""Not in the harness."""


def ours(model: Path, sets: Path, limits: dict[str, int], most: int) -> dict[str, float]:
    """``set metric`` to value. One solved example for GSM8K, so that a small context holds it."""
    scorer = StockScorer(model)
    found: dict[str, float] = {}
    for one in SETS:
        path = find(sets, one.files)
        if path is None or one.name in BASELINE_ONLY or one.name not in limits:
            continue
        items = spread(one.read(path), limits[one.name])
        shots = 1 if one.name == "gsm8k" else None
        for told in one.ask(items, scorer, Run(shots=shots, most=most, of=len(items))):
            found[f"{told.set} {told.metric}"] = told.value
    return found


def theirs(
    python: str, model: Path, sets: Path, limits: dict[str, int], most: int
) -> tuple[dict[str, float], str]:
    """The same from the harness, and its version."""
    with tempfile.TemporaryDirectory() as scratch:
        order = {
            "model": str(model), "sets": str(sets), "scratch": scratch, "limits": limits,
            "most": most, "names": list(limits), "batch": 16, "out": f"{scratch}/told.json",
        }  # fmt: skip
        Path(scratch, "order.json").write_text(json.dumps(order))
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": f"{scratch}/hf"}
        done = subprocess.run(
            [python, str(HERE / "harness_side.py"), f"{scratch}/order.json"],
            env=os.environ | offline | {"TOKENIZERS_PARALLELISM": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"the harness failed:\n{done.stderr[-3000:]}")
        told = json.loads(Path(order["out"]).read_text("utf-8"))
    found: dict[str, float] = told["values"]
    if told["squad2"]:
        found |= scored_squad(told["squad2"], sets)
    return found, str(told["version"])


def scored_squad(said: dict[str, str], sets: Path) -> dict[str, float]:
    """What the harness's model said, by the official measure (the harness fetches it)."""
    path = find(sets, ("squad2", "squad"))
    assert path is not None
    answers = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        texts = [normal(answer["text"]) for answer in row["answers"]]
        answers[row["id"]] = [text for text in texts if text] or [""]
    pairs = [(answers[number], normal(text)) for number, text in said.items()]
    f1 = [max(overlap(one, text) for one in gold) for gold, text in pairs]
    exact = [any(one == text for one in gold) for gold, text in pairs]
    told = [value for value, (gold, _) in zip(f1, pairs, strict=True) if gold != [""]]
    found = {"squad2 exact": sum(exact) / len(exact), "squad2 f1": sum(f1) / len(f1)}
    return found | ({"squad2 HasAns_f1": sum(told) / len(told)} if told else {})


def apart(name: str, ours: float, theirs: float) -> float:
    """In points: of 100 for shares, per cent for perplexities and bits."""
    if name.endswith(("perplexity", "bits_per_byte")):
        return 100 * abs(ours - theirs) / abs(theirs)
    scale = 1.0 if name.endswith(("chrf++", "bleu")) else 100.0
    return scale * abs(ours - theirs)


def unpack(gguf: Path, folder: Path) -> None:
    """A GGUF file's weights, as float32, as a folder that transformers and the harness open. Needs
    ``accelerate`` beside transformers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    if hasattr(told.config, "quantization_config"):
        del told.config.quantization_config
    plain = type(told)(told.config)
    plain.load_state_dict(told.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def small(scratch: Path) -> tuple[Path, Path]:
    """The tests' small model and sets."""
    from small_lab import write_model, write_sets

    write_model(scratch / "model")
    write_sets(scratch / "sets")
    return scratch / "model", scratch / "sets"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--harness", default=sys.executable, help="a Python that has lm_eval")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--sets", type=Path, default=ROOT.parent / "shared" / "data" / "eval")
    parser.add_argument("--limit", type=int, default=0, help="items of each set")
    parser.add_argument("--most", type=int, default=32, help="tokens of a generated answer")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--unpack", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if args.unpack:
        unpack(args.unpack, args.model)
        return
    probe = subprocess.run([args.harness, "-c", "import lm_eval"], capture_output=True, check=False)
    if probe.returncode:
        print(
            f"skipped: {args.harness} has no lm_eval; see the first lines of {Path(__file__).name}"
        )
        return
    with tempfile.TemporaryDirectory() as scratch:
        made_here = args.model is None
        model, sets = small(Path(scratch)) if made_here else (args.model, args.sets)
        names = args.only or [one.name for one in SETS if one.name not in BASELINE_ONLY]
        limits = {name: args.limit for name in names if find(sets, _files(name))}
        began = time.process_time()
        mine = ours(model, sets, limits, args.most)
        spent = time.process_time() - began
        harness, version = theirs(args.harness, model, sets, limits, args.most)
    show(mine, harness, version, str(args.model or "the tests' small model"), spent)
    if args.record:
        RECORD.write_text(
            json.dumps({"harness": version, "most": args.most, "values": harness}, indent=1) + "\n"
        )


def _files(name: str) -> tuple[str, ...]:
    return next(one.files for one in SETS if one.name == name)


def show(
    mine: dict[str, float], harness: dict[str, float], version: str, model: str, spent: float
) -> None:
    print(f"model: {model}; lm-evaluation-harness {version}; ours took {spent:.0f} CPU-s")
    print("| set and metric | ours | harness | apart (points) | |\n|---|---|---|---|---|")
    worst = 0.0
    for name, value in mine.items():
        other = harness.get(name)
        if other is None:
            print(f"| {name} | {value:.4f} | – | not in the harness | |")
            continue
        points = apart(name, value, other)
        # The harness cuts Chinese into words at spaces; BLEU of that is not ours.
        counted = name != "flores200 en-zh bleu"
        worst = max(worst, points if counted else 0.0)
        verdict = "" if not counted else "ok" if points <= AIM else "OVER"
        print(f"| {name} | {value:.4f} | {other:.4f} | {points:.3f} | {verdict} |")
    print(f"worst: {worst:.3f} points (aim: {AIM} at most)")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# A model of twelve layers (GPT-2's size) on one GPU. The same stages, longer; hours, not minutes.
# Evaluation sets: docs/lab-eval.md says what lies in EVAL_DIR; conversations: docs/lab-chat.md.
#
#   FROM=/data/corpus EVAL_DIR=/data/eval CHATS=/data/chat bash runs/one-gpu.sh
set -euo pipefail

name=${NAME:-my-model-12}
depth=12
common=(--name "$name" --depth "$depth" --seed 0)

# The corpus is kept clear of every evaluation set that is measured on below.
gnomon lab data "${common[@]}" --from "${FROM:-record}" ${EVAL_DIR:+--eval-dir "$EVAL_DIR"}
gnomon lab tokenizer "${common[@]}"
# bf16 and torch.compile; the model FLOPs utilisation is printed with its formula.
gnomon lab pretrain "${common[@]}" --compile
gnomon lab sft "${common[@]}" ${CHATS:+--sets "$CHATS"}
gnomon lab rl "${common[@]}"
gnomon lab eval "${common[@]}" ${EVAL_DIR:+--sets "$EVAL_DIR"}
gnomon lab export "${common[@]}" --gguf q8_0 --gguf f16

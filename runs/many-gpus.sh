#!/usr/bin/env bash
# Pretraining on all GPUs of a machine, or of several (torchrun's own options say which). A
# checkpoint made on one number of GPUs goes on on another: after a cut, start it with what is left.
#
#   bash runs/many-gpus.sh 8                     # copies of the model that share the work (DDP)
#   SPREAD=fsdp DEPTH=24 bash runs/many-gpus.sh 8   # weights sharded over the GPUs (FSDP2)
set -euo pipefail

gpus=${1:?how many GPUs, such as: bash runs/many-gpus.sh 8}
name=${NAME:-my-model-${DEPTH:-12}}
common=(--name "$name" --depth "${DEPTH:-12}" --seed 0)

gnomon lab data "${common[@]}" --from "${FROM:-record}" ${EVAL_DIR:+--eval-dir "$EVAL_DIR"}
gnomon lab tokenizer "${common[@]}"
torchrun --standalone --nproc-per-node "$gpus" -m gnomon lab pretrain "${common[@]}" \
  --compile --spread "${SPREAD:-ddp}"
gnomon lab sft "${common[@]}" ${CHATS:+--sets "$CHATS"}
gnomon lab rl "${common[@]}"
gnomon lab eval "${common[@]}" ${EVAL_DIR:+--sets "$EVAL_DIR"}
gnomon lab export "${common[@]}"

#!/usr/bin/env bash
# The whole road on two CPU cores, in under five minutes: from the posts in your store to a model of
# your own that answers. Run again after a cut, it goes on; after new posts, add --anew to `data`.
#
#   gnomon pull bluesky --for 600     # or any posts of yours, once
#   bash runs/two-cores.sh            # the same as: gnomon lab run --depth 2
set -euo pipefail

name=${NAME:-my-model}
depth=2        # the one dial: two layers of 128, a vocabulary of 4,096, a context of 256
common=(--name "$name" --depth "$depth" --seed 0)

# 1. Public posts to documents: filtered with a reason, one for each origin, a twentieth held out.
gnomon lab data "${common[@]}" --from "${FROM:-record}"

# 2. A vocabulary of the corpus's own, and the corpus as tokens.
gnomon lab tokenizer "${common[@]}"

# 3. Pretraining. What the dial asks for is 20 tokens a parameter; here it is a time instead.
gnomon lab pretrain "${common[@]}" --minutes "${PRETRAIN_MINUTES:-1.8}"

# 4. Chat tuning, on conversations that the machine makes of your posts and of small tasks.
gnomon lab sft "${common[@]}" --minutes "${SFT_MINUTES:-0.6}"

# 5. Learning from tasks that the machine sets and checks itself. "No gain" is a result.
gnomon lab rl "${common[@]}" --minutes "${RL_MINUTES:-0.6}"

# 6. What it can do, and how much of the posts can be drawn out of it.
gnomon lab eval "${common[@]}" --quick

# 7. A stock folder and GGUF, compared in three runtimes before it counts.
gnomon lab export "${common[@]}"

gnomon ask --model "$name" "What is going on?" || true

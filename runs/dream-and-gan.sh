#!/usr/bin/env bash
# Two old arts over the set of `gnomon lab pictures`: a classifier run backwards over a picture of
# yours, and a network that draws what no prompt asked for, with the quiz "human or machine?". Run
# again after a cut, it goes on.
#
#   PICTURE=garden.jpg bash runs/dream-and-gan.sh   # about half an hour on two CPU cores
#   MINUTES=1 bash runs/dream-and-gan.sh            # a small one, to see the road
set -euo pipefail

name=${NAME:-my-pictures}
common=(--name "$name" --seed 0)

# 1. Drawings under licences that allow it; what is here already is not made again.
gnomon lab pictures "${common[@]}" ${PACKAGES:+--packages "$PACKAGES"}

# 2. A residual network that tells kinds of things apart, to be run backwards: CNNs dream better than
#    transformers, whose patches show.
gnomon lab dream "${common[@]}" --train --minutes "${DREAM_MINUTES:-${MINUTES:-5}}"
if [ -n "${PICTURE:-}" ]; then
    gnomon lab dream "${common[@]}" "$PICTURE" --out "${OUT:-.}/dream.png"
    gnomon lab dream "${common[@]}" "$PICTURE" --layer classifier --unit animal \
        --out "${OUT:-.}/dream-animal.png"
fi

# 3. A creative adversarial network on all sets, each a style; a DCGAN as long beside it, to compare;
#    200 drawings of each kind for the quiz. With `gnomon lab clip` before it, distances are measured.
gnomon lab gan "${common[@]}" --plain --minutes "${GAN_MINUTES:-${MINUTES:-12}}"

gnomon quiz

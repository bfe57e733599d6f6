#!/usr/bin/env bash
# From drawings that anyone may have to a model that draws what it is asked for: how the one that
# comes with gnomon was made. Run again after a cut, it goes on.
#
#   bash runs/pictures.sh             # about two hours on two CPU cores with AMX
#   MINUTES=5 bash runs/pictures.sh   # a small one, to see the road
set -euo pipefail

name=${NAME:-my-pictures}
common=(--name "$name" --seed 0)

# 1. Drawings with names in English and Chinese, from packages of ordinary registries (--packages
#    FOLDER takes archives that are here already). Public domain, MIT and Apache-2.0 by default.
gnomon lab pictures "${common[@]}" ${PACKAGES:+--packages "$PACKAGES"}

# 2. CLIP: pictures and words in one space. Its text tower is what the drawer reads prompts with.
#    For its own scores leave --everything away: then concepts and a set are held out.
gnomon lab clip "${common[@]}" --everything --minutes "${CLIP_MINUTES:-${MINUTES:-9}}"

# 3. Rectified flow with a diffusion transformer, on scenes composed of the drawings. A sheet of
#    samples every hundred steps or so; then the diffusers pipeline and what `gnomon draw` runs.
#    The shipped one learnt for 1,280 steps of 192 scenes.
gnomon lab draw "${common[@]}" --every-split --styles noto,blob,flat,glossy,3d \
    --minutes "${DRAW_MINUTES:-${MINUTES:-70}}"

gnomon draw --out "${OUT:-.}" "a smiling sun over a blue house"

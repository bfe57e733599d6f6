"""What colours are called, what colour a drawing has, and how to give it another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NAMES: dict[str, tuple[int, int, int]] = {
    "red": (214, 45, 42),
    "orange": (243, 137, 33),
    "yellow": (252, 206, 52),
    "green": (63, 158, 72),
    "blue": (47, 120, 214),
    "purple": (134, 76, 183),
    "pink": (243, 128, 178),
    "brown": (128, 84, 56),
    "black": (36, 36, 38),
    "grey": (140, 144, 148),
    "white": (248, 248, 248),
}
ZH = dict(zip(NAMES, "红 橙 黄 绿 蓝 紫 粉 棕 黑 灰 白".split(), strict=True))
_WORDS = np.array(list(NAMES.values()), np.float32)
_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32
)
_RGB = np.linalg.inv(_YIQ).astype(np.float32)

ONE_COLOUR = 0.55
"""Of what is drawn, this share must be near its commonest colour for it to be called by that."""
NEAR = 60.0  # in the space of _placed


def name_of(rgb: NDArray[np.float32]) -> str:
    """The nearest name of a colour, [3] in 0..255."""
    distance = np.linalg.norm(_placed(_WORDS) - _placed(rgb[None].astype(np.float32)), axis=1)
    return list(NAMES)[int(distance.argmin())]


def _placed(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours where differences of hue weigh more than those of light: [n, 3]."""
    return (rgb @ _YIQ.T) * np.array([0.6, 1.2, 1.6], np.float32)


def colour_of(rgba: NDArray[np.uint8]) -> tuple[str, float]:
    """The name of a drawing's commonest colour, and the share of what is drawn that is near it;
    ("", 0) for an empty one."""
    seen = rgba.reshape(-1, 4)
    drawn = seen[seen[:, 3] > 127][:, :3].astype(np.float32)
    if not len(drawn):
        return "", 0.0
    placed = _placed(drawn)
    names = ((placed[:, None] - _placed(_WORDS)[None]) ** 2).sum(-1).argmin(1)
    common = np.bincount(names, minlength=len(NAMES)).argmax()
    middle = np.median(placed[names == common], axis=0)
    share = float((np.linalg.norm(placed - middle, axis=1) < NEAR).mean())
    return list(NAMES)[int(common)], share


def turned(rgb: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """Colours [..., 3] in 0..255, their hue turned by ``angle`` (radians) about grey, in YIQ."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
    out: NDArray[np.float32] = np.clip(rgb @ (_RGB @ turn @ _YIQ).T, 0, 255)
    return out

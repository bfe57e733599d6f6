"""The two players: one draws, the other tells drawings by people from drawn ones, and their styles.

Both are DCGAN's towers (https://arxiv.org/abs/1511.06434) with two changes. There is no batch norm:
the penalty on the judge's gradient makes it needless (https://arxiv.org/abs/2501.05441), and an
averaged generator has no statistics of another's weights to carry. The generator enlarges and then
convolves, since transposed convolutions leave a chequered pattern
(https://distill.pub/2016/deconv-checkerboard/).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.errors import InputError

SLOPE = 0.2
"""Of what lies below zero in a leaky rectifier (DCGAN's)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """``side`` of a picture in pixels, a power of two; ``latent`` numbers of noise; ``width``
    channels at half the side, doubled at each halving, up to eightfold; ``styles`` the judge
    tells apart, 0: none."""

    side: int = 64
    latent: int = 128
    width: int = 48
    styles: int = 0

    def check(self) -> None:
        """Raises InputError for a value that cannot be used."""
        if self.side not in (16, 32, 64, 128, 256):
            raise InputError(
                f"pictures of {self.side} px: the side must be a power of two from 16."
            )
        for name, value in (("latent", self.latent), ("width", self.width)):
            if value < 1:
                raise InputError(f"{name} is {value}; give a number above 0.")

    @property
    def channels(self) -> list[int]:
        """Of the judge's maps, from half the side down to 4 x 4."""
        halvings = int(math.log2(self.side)) - 2
        return [self.width * min(2**n, 8) for n in range(halvings)]


class Even(nn.Module):
    """Each place's channels brought to a mean square of one (https://arxiv.org/abs/1710.10196,
    4.2): neither player can win by loudness."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-8).to(x.dtype)


class Generator(nn.Module):
    """Noise [n, latent] to pictures [n, 3, side, side] from -1 to 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.channels[::-1]
        self.start = nn.Linear(shape.latent, widths[0] * 16)
        self.up = nn.ModuleList(
            nn.Conv2d(a, b, 3, 1, 1) for a, b in zip(widths, [*widths[1:], 3], strict=True)
        )
        self.even = Even()
        for part in self.modules():
            _begin(part)

    def forward(self, noise: Tensor) -> Tensor:
        x = self.start(self.even(noise)).view(len(noise), -1, 4, 4)
        x = x.contiguous(memory_format=torch.channels_last)
        for up in self.up:
            x = self.even(nn.functional.leaky_relu(x, SLOPE))
            x = up(nn.functional.interpolate(x, scale_factor=2.0))
        return torch.tanh(x.float())


class Judge(nn.Module):
    """Pictures [n, 3, side, side] to how much each looks like a person's [n], and what style it
    would be of [n, styles], as logits."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.channels
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1) for a, b in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.by_a_person = nn.Linear(widths[-1] * 16, 1)
        self.style = nn.Linear(widths[-1] * 16, shape.styles) if shape.styles else None
        for part in self.modules():
            _begin(part)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        x = pictures.contiguous(memory_format=torch.channels_last)
        for down in self.down:
            x = nn.functional.leaky_relu(down(x), SLOPE)
        x = x.flatten(1)
        styles = self.style(x).float() if self.style is not None else None
        return self.by_a_person(x)[:, 0].float(), styles


class Players(nn.Module):
    """Both, so that one loop trains them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        shape.check()
        self.shape = shape
        self.generator = Generator(shape)
        self.judge = Judge(shape)
        self.to(memory_format=torch.channels_last)


def _begin(part: nn.Module) -> None:
    """Kaiming's scale for leaky rectifiers (https://arxiv.org/abs/1502.01852)."""
    if isinstance(part, nn.Linear | nn.Conv2d):
        nn.init.kaiming_normal_(part.weight, SLOPE)
        assert part.bias is not None
        nn.init.zeros_(part.bias)

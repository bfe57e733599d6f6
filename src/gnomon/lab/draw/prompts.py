"""What a prompt is to the drawer: the hidden states of our CLIP's text tower."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from gnomon.lab.clip import model as clip
from gnomon.lab.clip import words
from gnomon.lab.clip.words import CONTEXT


class Reader:
    """The text tower of the CLIP in ``folder``, which learns no further. Raises InputError."""

    def __init__(self, folder: Path, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.clip = clip.load(folder).to(self.device).requires_grad_(False)
        self.words = words.load(folder)
        self.width = self.clip.shape.text.width

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str], length: int = CONTEXT) -> tuple[Tensor, Tensor]:
        """Vectors [B, ``length``, D] and mask [B, ``length``] bool."""
        ids, mask = self.words.encode(prompts, length)
        ids, mask = ids.to(self.device), mask.to(self.device)
        return self.clip.text_hidden(ids, mask).float(), mask.bool()

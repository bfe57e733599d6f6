"""What each player loses by: one loss for one loop, in which neither feels the other's.

Real or drawn: the relativistic pairing loss with a penalty on the judge's gradient at both kinds
of pictures, which has a proof of local convergence (Huang et al. 2024, "The GAN is dead; long live
the GAN!", https://arxiv.org/abs/2501.05441), the penalty every few steps only (lazy
regularisation, https://arxiv.org/abs/1912.04958, appendix B).

Style: the creative adversarial network (Elgammal et al. 2017, https://arxiv.org/abs/1706.07068,
section 3.2). The judge learns people's styles from people's drawings; the generator is to draw what
it takes for a person's and cannot place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import cross_entropy, softplus

from gnomon.lab.gan.augment import augmented
from gnomon.lab.gan.players import Players

UNKNOWN = -1
"""The style of a drawing that has none to learn."""


@dataclass(frozen=True, slots=True)
class Deal:
    """What one step is played over: ``pictures`` [n, 3, side, side] by people, from -1 to 1, their
    ``styles`` [n], and ``noise`` [n, latent]. ``weighed``: the judge's gradient is penalised in
    this step."""

    pictures: Tensor
    styles: Tensor
    noise: Tensor
    weighed: bool

    @property
    def size(self) -> int:
        return len(self.pictures)

    def to(self, device: torch.device) -> Deal:
        return Deal(
            self.pictures.to(device), self.styles.to(device), self.noise.to(device), self.weighed
        )


@dataclass(frozen=True, slots=True)
class Stakes:
    """``penalty`` is gamma of the two gradient penalties, which fall due every ``every`` steps and
    weigh so many times more then. ``style`` weighs what the judge learns of styles and
    ``ambiguity`` what the generator is driven to; both 0: a DCGAN."""

    penalty: float = 0.5
    every: int = 4
    style: float = 1.0
    ambiguity: float = 0.3


def game(stakes: Stakes) -> Callable[[Players, Deal], tuple[Tensor, Tensor]]:
    """The loss for ``loop.train``: the sum of both players', over so many drawings."""

    def loss(players: Players, deal: Deal) -> tuple[Tensor, Tensor]:
        drawn = players.generator(deal.noise)
        judging, real = _judging(players, deal, drawn.detach(), stakes)
        drawing = _drawing(players, drawn, real, stakes)
        return (judging + drawing) * deal.size, torch.tensor(float(deal.size))

    return loss


def _judging(players: Players, deal: Deal, drawn: Tensor, stakes: Stakes) -> tuple[Tensor, Tensor]:
    """The judge's loss, and its verdicts on the real pictures without their gradient."""
    shown = augmented(torch.cat([deal.pictures, drawn])).requires_grad_(deal.weighed)
    verdicts, styles = players.judge(shown)
    real, made = verdicts.chunk(2)
    loss = softplus(made - real).mean()
    if deal.weighed:
        (slope,) = torch.autograd.grad(verdicts.sum(), shown, create_graph=True)
        steepness = slope.float().square().sum((1, 2, 3)).mean() * 2
        loss = loss + stakes.every * stakes.penalty / 2 * steepness
    if styles is not None and stakes.style:
        known = deal.styles != UNKNOWN
        if known.any():
            of_people = styles[: deal.size][known]
            loss = loss + stakes.style * cross_entropy(of_people, deal.styles[known])
    return loss, real.detach()


def _drawing(players: Players, drawn: Tensor, real: Tensor, stakes: Stakes) -> Tensor:
    """The generator's loss. The judge's weights are held still: what flows through them reaches
    the generator alone."""
    still = {name: weight.detach() for name, weight in players.judge.named_parameters()}
    made, styles = functional_call(players.judge, still, (augmented(drawn),))
    loss = softplus(real - made).mean()
    if styles is not None and stakes.ambiguity:
        loss = loss + stakes.ambiguity * ambiguity(styles)
    return loss


def ambiguity(styles: Tensor) -> Tensor:
    """Cross entropy between each style's posterior and 1 / K, over logits [n, K]: least, about
    log K + 1, where every style is as likely (the paper's equation 2, its last term)."""
    share = 1 / styles.shape[1]
    logs = styles.log_softmax(1)
    others = torch.log1p(-logs.exp().clamp(max=1 - 1e-6))
    return -(share * logs + (1 - share) * others).sum(1).mean()


def entropy(styles: Tensor) -> Tensor:
    """Of the posterior over styles, each picture's share of its greatest value [n]: 1 where every
    style is as likely, 0 where there is no doubt."""
    logs = styles.float().log_softmax(1)
    most = torch.log(torch.tensor(float(styles.shape[1])))
    return -(logs.exp() * logs).sum(1) / most

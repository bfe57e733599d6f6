"""What work took, as far as a counter of the hardware tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Joules:
    """The energy of a span of ``seconds``. ``joules`` is None where it was not measured; then
    ``why`` says the reason. It is never an estimate.

    ``device`` names the counters that were read, and so all that is in the figure: a counter has
    the whole device in it, whoever used it. ``idle_watts`` is what the same counters took while
    nothing was done, None where that was not measured. ``short`` is True where the span was
    shorter than the counters tell truly. With ``joules``, ``why`` says what the figure lacks.
    """

    joules: float | None
    seconds: float
    device: str = ""
    idle_watts: float | None = None
    why: str = ""
    short: bool = False

    @property
    def watts(self) -> float | None:
        """The mean power of the span."""
        return self.joules / self.seconds if self.joules is not None and self.seconds else None

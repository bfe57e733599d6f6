"""The energy of a training run over all of its starts and stops."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gnomon.energy.meter import Meter
from gnomon.errors import InputError
from gnomon.types.measured import Joules

SAVE_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Spending:
    """What a training run has taken, over all of its starts. ``per_token`` is in joules per
    training token; ``to_loss`` says for each target reached ``{"joules", "tokens", "seconds"}`` at
    the first validation loss at or under it."""

    energy: Joules
    tokens: int = 0
    per_token: float | None = None
    to_loss: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Ledger:
    """Adds up the energy of a run that may be cut and resumed; kept at ``path`` as JSON.

        with Ledger(folder / "energy.json", targets=(3.5, 3.0)) as ledger:
            ...                                     # at each step that is told of:
            ledger.note(tokens=seen, loss=val_loss)  # loss where there is a new one
        report["energy"] = ledger.spent().as_json()

    Work that was lost with a cut is in it, too: it was paid for. ``targets`` are validation losses
    to be reached. One ledger counts one machine: of several ranks on it, only the first keeps one.
    """

    def __init__(
        self, path: Path, meter: Meter | None = None, *, targets: Sequence[float] = ()
    ) -> None:
        """Begins at once. Raises InputError for a file that is no ledger."""
        self._path = path
        self._targets = [f"{target:g}" for target in targets]
        kept = _kept(path)
        self._before = [Joules(**one) for one in kept.get("sessions", ())]
        self._reached: dict[str, dict[str, float | None]] = dict(kept.get("to_loss", {}))
        self._tokens = int(kept.get("tokens", 0))
        self._meter = Meter() if meter is None else meter
        if self._before and self._meter.idle_watts is None:
            self._meter.idle_watts = self._before[-1].idle_watts
        self._meter.start()
        self._saved = time.monotonic()

    def note(self, *, tokens: int | None = None, loss: float | None = None) -> Spending:
        """Where the run is: ``tokens`` trained on in all, a validation ``loss`` where there is a
        new one. Cheap: to be called at every step that is told of."""
        if tokens is not None:
            self._tokens = tokens
        now = self.spent()
        if loss is not None:
            for target in self._targets:
                if loss <= float(target) and target not in self._reached:
                    energy = now.energy
                    self._reached[target] = {
                        "joules": energy.joules,
                        "tokens": float(self._tokens),
                        "seconds": energy.seconds,
                    }
                    now = self.spent()
        if time.monotonic() - self._saved >= SAVE_EVERY_S:
            self.save()
        return now

    def spent(self) -> Spending:
        """So far."""
        energy = added([*self._before, self._meter.read()])
        per = energy.joules / self._tokens if energy.joules is not None and self._tokens else None
        return Spending(energy, self._tokens, per, dict(self._reached))

    def save(self) -> None:
        """Keep what was spent. To be called with every checkpoint; it happens by itself, too."""
        sessions = [asdict(one) for one in (*self._before, self._meter.read())]
        whole = {"sessions": sessions, "tokens": self._tokens, "to_loss": self._reached}
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
        os.replace(fresh, self._path)
        self._saved = time.monotonic()

    def close(self) -> Spending:
        """End this start of the run and keep it."""
        self._meter.stop()
        self.save()
        return self.spent()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def added(spans: Sequence[Joules]) -> Joules:
    """Several spans as one. Where one of them was not measured, neither is the whole: a part is
    not told as if it were all."""
    seconds = sum(span.seconds for span in spans)
    devices = ", then ".join(dict.fromkeys(span.device for span in spans if span.device))
    idle = {span.device: span.idle_watts for span in spans}
    idle_watts = next(iter(idle.values())) if len(idle) == 1 else None
    unmeasured = [span for span in spans if span.joules is None]
    if unmeasured:
        why = unmeasured[-1].why
        if len(unmeasured) < len(spans):
            lost = sum(span.seconds for span in unmeasured)
            why = f"{why} (for {lost:.0f} of {seconds:.0f} s)"
        return Joules(None, seconds, devices, idle_watts, why)
    said = "; ".join(dict.fromkeys(span.why for span in spans if span.why and not span.short))
    short = any(span.short for span in spans)
    if short:
        said = "; ".join(filter(None, ["a part was too short a span to trust", said]))
    joules = sum(span.joules for span in spans if span.joules is not None)
    return Joules(joules, seconds, devices, idle_watts, said, short)


def _kept(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise TypeError("no object")
        for one in found.get("sessions", ()):
            Joules(**one)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is no energy ledger ({error}); delete it to begin a new one."
        ) from error
    return found

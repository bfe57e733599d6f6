"""How far verdicts are trusted: the verifier's calibration with the owner's risk, and its state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon.config import Config
from gnomon.errors import ConfigError, ModelMismatch
from gnomon.models.protocols import Entail
from gnomon.models.verifier import OnnxVerifier
from gnomon.store.contract import Store
from gnomon.truth.confidence import ANY, Trust, load
from gnomon.truth.drift import ANSWERS, drift

CALIBRATION = "calibration.json"


def load_trust(
    config: Config, entail: Entail, scorer: OnnxVerifier | None, trouble: dict[str, str]
) -> Trust | None:
    """The calibration beside the verifier that judges; None where there is none for it, as for the
    rules alone. One that is broken or another verifier's is in ``trouble``, and not used."""
    path = scorer.folder / CALIBRATION if scorer is not None else None
    if scorer is None or path is None or not path.is_file():
        return None
    try:
        found = load(path, entail.name, scorer.sha256)
    except (ConfigError, ModelMismatch) as error:
        trouble["calibration"] = str(error)
        return None
    trouble.pop("calibration", None)
    return Trust(found, config.risk)


def trust_facts(trust: Trust | None, risk: float, store: Store) -> Mapping[str, Any]:
    """For the status: when and on how many claims it was calibrated, the threshold for the risk
    by kind of source (None: no confidence holds it), and whether what is asked has drifted."""
    if trust is None:
        return {"risk": risk, "calibrated": None, "said": "confidence is not calibrated"}
    held = trust.calibration
    moved = drift((receipt.body for receipt in store.journal(ANSWERS)), held)
    return {
        "risk": risk,
        "calibrated": held.date,
        "claims": held.verdicts[ANY].n,
        "thresholds": {kind: table.threshold(risk) for kind, table in held.verdicts.items()},
        "drift": {"verdicts": moved.verdicts, "psi": moved.psi, "moved": moved.moved},
        "said": moved.said,
    }

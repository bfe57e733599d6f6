"""Who made it, and with what: signing what gnomon makes, and reading what others signed."""

from gnomon.types.provenance import Made, Mark, Provenance, Signer

__all__ = ["Made", "Mark", "Provenance", "Signer"]

"""What the server needs of the assembled product: one small protocol for each area, and the
``Engine`` that has them all. ``assemble.Gnomon`` is the real one."""

from gnomon.serve.contract.engine import Engine, Setup
from gnomon.serve.contract.held import Digests, Library, Rising, Supply, UploadLimits
from gnomon.serve.contract.made import Pictures, PostPictures, Quiz, Skills, Talk, Voice
from gnomon.serve.contract.signed import MediaChecks, Provenance, Receipts

__all__ = [
    "Digests",
    "Engine",
    "Library",
    "MediaChecks",
    "Pictures",
    "PostPictures",
    "Provenance",
    "Quiz",
    "Receipts",
    "Rising",
    "Setup",
    "Skills",
    "Supply",
    "Talk",
    "UploadLimits",
    "Voice",
]

"""gnomon: an open, self-hosted, truth-seeking AI over the live social web.

Importing this package is cheap: no model, engine or network library is loaded here.
ARCHITECTURE.md shows the parts and who may import whom.
"""

__version__ = "0.1.0"

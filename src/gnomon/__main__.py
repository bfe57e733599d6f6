"""``python -m gnomon``: the same as ``gnomon``."""

from gnomon.cli import entry

if __name__ == "__main__":
    entry()

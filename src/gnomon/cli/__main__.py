"""``python -m gnomon.cli``."""

from gnomon.cli import entry

if __name__ == "__main__":
    entry()

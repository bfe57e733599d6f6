"""A creative adversarial network, for pictures that no prompt asked for."""

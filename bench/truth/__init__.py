"""The protocol: how right the truth engine is, on data that it was not tuned on.

``python -m bench.truth`` from the repository's root, or ``make bench-truth``.
"""

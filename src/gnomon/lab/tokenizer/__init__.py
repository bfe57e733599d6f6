"""Byte-level BPE, and the corpus as token ids."""

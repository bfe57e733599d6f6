"""CLIP from scratch: pictures and words in one space."""

"""The record of truth and the views derived from it, behind one contract."""

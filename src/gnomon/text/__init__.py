"""Words, sentences and exact values in text: the ground under search, origins and truth."""

"""One module a set: its prompt and metric exactly as lm-evaluation-harness has them, where it has
the set."""

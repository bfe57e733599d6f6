"""The truth engine: rewrite, retrieve, draft, claims, verify, weigh, answer. One step a file."""

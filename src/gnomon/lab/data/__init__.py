"""Posts and files to a corpus: public only, dropped with a reason, deduplicated, decontaminated,
in shards."""

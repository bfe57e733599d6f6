"""Stage 4, sft: conversations, and a model that answers in turns."""

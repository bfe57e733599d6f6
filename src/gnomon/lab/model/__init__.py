"""The model, the one training loop, and pretraining."""

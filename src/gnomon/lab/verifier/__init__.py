"""The verifier's recipe: published sets and generated edits to pairs, pairs to a model, the model
to eight bits with a card."""

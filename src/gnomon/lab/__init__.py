"""The side tower: models are trained, measured and exported here; the product needs none of it."""

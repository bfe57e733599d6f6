"""The side tower where models are trained, measured and exported; nothing in the product needs it."""

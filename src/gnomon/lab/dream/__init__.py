"""A classifier run backwards over a picture."""

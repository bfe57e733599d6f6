"""Captioned pictures: from registries, folders and posts to what CLIP and the drawer learn from."""

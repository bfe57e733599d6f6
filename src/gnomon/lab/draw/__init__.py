"""Text to picture: rectified flow with a small diffusion transformer, on our CLIP's text tower."""

"""Stage 5, rl: generate, judge, learn."""

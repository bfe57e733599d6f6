"""Model protocols and one file for each runtime."""

"""The description of the API for programs (OpenAPI 3.1), one file for each group of routes."""

"""HTTP: the API, the page. Knows the wire, knows no model."""

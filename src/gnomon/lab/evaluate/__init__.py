"""Our own light runner of the field's evaluations, offline."""

"""Who made it, and with what: signing what gnomon makes, and reading what others signed."""

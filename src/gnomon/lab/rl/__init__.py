"""Tasks that the machine sets and checks itself; learning from them."""

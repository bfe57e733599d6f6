"""One file for each source, the contract, and the one driver that does the network."""

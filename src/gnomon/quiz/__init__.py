"""Human or machine? A set of pictures, questions dealt from it, and what the answers show."""

"""Certificate authorities of databases."""

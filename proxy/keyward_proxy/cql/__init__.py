"""Reads CQL statements: which form, which table, which permissions. No decisions, no I/O."""

"""The suites of `make compat`, one module a kind."""

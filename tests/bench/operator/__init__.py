"""The operator with a large fleet, against a real API server: what `make bench-operator` measures."""

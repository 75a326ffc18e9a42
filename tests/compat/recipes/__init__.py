"""Clients that use the recipes of examples/clients: one long-lived program a driver."""

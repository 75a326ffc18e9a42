"""The API server or the operator goes away and comes back: `make outage`."""

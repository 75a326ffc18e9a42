"""The cluster's API server goes away and comes back: `make outage`."""

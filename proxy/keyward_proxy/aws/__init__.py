"""AWS: credentials from STS for a grant's role, and the SigV4 answer with which Keyspaces is logged in to."""

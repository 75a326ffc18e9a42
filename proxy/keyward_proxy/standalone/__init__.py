"""An agent without Kubernetes: its policy from files, its callers from a client CA or an issuer of tokens."""

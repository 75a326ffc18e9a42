"""The policy in force, watched at the API server, and this agent's report in its status."""

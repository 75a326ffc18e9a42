"""The plan for the agents' own IAM role of one KeyspacesDatabase, where the operator is to make it."""

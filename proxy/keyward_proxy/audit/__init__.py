"""The audit trail: one JSON object a line, each holding the hash of the line before."""

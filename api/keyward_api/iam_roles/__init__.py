"""Documents about IAM roles: what a role must have, what one lacks, and what the operator needs to see to it."""

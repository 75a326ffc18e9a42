"""IAM roles as values: what one is, what one shall be, and the calls in between. Pure: `clients` talks to IAM."""

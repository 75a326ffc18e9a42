"""Who the caller is: ServiceAccount tokens, verified by the API server."""

"""The only package that imports the Kubernetes client: connections and calls to the API server."""

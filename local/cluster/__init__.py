"""A Kubernetes cluster on this machine: kind, its node image, and what the cluster needs of AWS's own parts."""

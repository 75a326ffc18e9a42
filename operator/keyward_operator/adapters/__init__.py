"""The only package that imports kopf: from its events to keys in our queue."""

"""Our own work queue: kopf and the resync put keys in, workers take them out."""

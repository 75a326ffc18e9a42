"""Observe, plan, apply: the loop that makes the world match the resources."""

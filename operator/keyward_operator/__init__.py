"""Keyward's operator: turns its custom resources into agents and the policies that agents follow."""

from keyward_operator.footprint import shrink

shrink()

"""What keeps the reference from being complete."""


class IncompleteError(Exception):
    """Something that the reference must tell is written down nowhere. The message says what, and where it belongs."""

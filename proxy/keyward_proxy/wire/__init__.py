"""The CQL native protocol, versions 3 and 4, as bytes: no sockets, no decisions."""

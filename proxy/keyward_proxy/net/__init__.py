"""Sockets and TLS: the only package that moves bytes.

It turns what happens on sockets into the session's events and carries out the session's commands. It knows
nothing of CQL.
"""

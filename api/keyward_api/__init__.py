"""The contract between Keyward's programs: resources, names, identities, permissions, policy and decision.

Pure values and functions. Nothing here reads a file, a clock or a socket, and nothing here imports the
operator, the agent or the command.
"""

"""Answers DESCRIBE from what system_schema of Keyspaces says. Values in, values out; no sockets, no await.

Only `answer` brings in the Python driver, whose metadata classes write the statements: most agents are never asked for
a description, so it is imported when the first one is.
"""

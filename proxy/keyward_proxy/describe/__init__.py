"""Answers DESCRIBE from what system_schema of Keyspaces says. Values in, values out; no sockets, no await.

Only `answer` brings in the Python driver, whose metadata classes write the statements: it costs 20 MiB and a part of
a second, so it is imported when the first DESCRIBE comes.
"""

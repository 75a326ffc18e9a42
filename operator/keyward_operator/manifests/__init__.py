"""What each child of a database looks like: pure functions, one file a child.

A manifest says only what is the operator's to say, in the form in which the API server stores it, so that it can be
compared with what was applied before.
"""

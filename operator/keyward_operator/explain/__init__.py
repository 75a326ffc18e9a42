"""`keyward-operator explain`: why the operator did what it last did, and what it would do now.

The running operator answers at a socket in its own pod, so that to ask takes the right to exec there, and no port shows
tenants' objects to anybody else.
"""

from pathlib import Path

SOCKET = Path("/tmp/keyward-operator.sock")  # noqa: S108 - a pod's own, by default

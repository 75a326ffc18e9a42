"""What the operator was moved to look at, by its own account."""

import json
import subprocess
import sys
from typing import Any

from tests.integration.operator.control_plane import RunningOperator, eventually


def looks_at(operator: RunningOperator, database: str) -> list[dict[str, Any]]:
    """The looks at a database (`<namespace>/<name>`) that the operator remembers, whether it exists or not."""
    command = [sys.executable, "-m", "keyward_operator.main", "explain", f"--socket={operator.explain_socket}"]
    done = subprocess.run([*command, "--output=json", database], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["looks"].get("database", [])
    return found


def resyncs(operator: RunningOperator, number: int = 3) -> None:
    """Wait until the operator has looked at everything so often again; each time at two namespaces at least."""
    before = operator.resyncs()
    eventually(lambda: operator.resyncs() >= before + 2 * number, what=f"{number} resyncs")

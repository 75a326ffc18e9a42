"""What the operator was moved to look at, by its own account."""

import json
import subprocess
import sys
from typing import Any

from tests.integration.operator.control_plane import RunningOperator


def looks_at(operator: RunningOperator, database: str) -> list[dict[str, Any]]:
    """The looks at a database (`<namespace>/<name>`) that the operator remembers, whether it exists or not."""
    command = [sys.executable, "-m", "keyward_operator.main", "explain", f"--socket={operator.explain_socket}"]
    done = subprocess.run([*command, "--output=json", database], capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["looks"].get("database", [])
    return found

"""What `helm test` runs, against a real operator and a real API server."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.integration.operator.control_plane import ControlPlane, RunningOperator
from tests.unit.chart.release_check import PROGRAM


def test_it_finds_a_running_operator_in_order(
    new_operator: Callable[..., RunningOperator], installed: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    operator = new_operator()
    operator.start()
    operator.wait_until_ready()
    installed.kubectl("create", "serviceaccount", "checking", "-n", namespace)
    (tmp_path / "token").write_text(installed.kubectl("create", "token", "checking", "-n", namespace).strip())
    shutil.copy(installed.folder / "certificates/apiserver.crt", tmp_path / "ca.crt")
    where = [f"http://127.0.0.1:{operator.port}/readyz", f"https://127.0.0.1:{installed.port}", str(tmp_path)]
    command = [sys.executable, "-W", "error", "-c", PROGRAM.read_text(), *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the operator is ready" in done.stdout

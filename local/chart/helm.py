"""The chart as helm renders it: by the machine's own helm, else by the one that the local cluster is made with."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from keyward_api.names import SYSTEM_NAMESPACE
from local.cluster import golang
from local.install import CHART, RELEASE
from local.runner import Log


def program() -> str:
    """helm; compiled where neither the machine nor the cache has it."""
    if found := shutil.which("helm"):
        return found
    with tempfile.TemporaryDirectory() as folder:
        log = Log("helm", Path(folder) / "helm.log", sys.stderr)
        try:
            return str(golang.tools(log) / "helm")
        finally:
            log.close()


def template(helm: str, values: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    """What `helm template` says and how it ends."""
    command = [helm, "template", RELEASE, str(CHART), "--namespace", SYSTEM_NAMESPACE, "--values", "-"]
    return subprocess.run(command, input=yaml.safe_dump(dict(values)), capture_output=True, text=True, check=False)

"""Docker: the machine's own where one answers, else a daemon that we start and end.

Ours keeps its data in the state folder of the checkout (images survive `down`, as a cache) and listens where every
`docker` command looks, so there is at most one on a machine. Debian's docker.io 20.10 is enough.
"""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from local.cluster import host
from local.processes import Processes
from local.runner import Log

PROCESS = "dockerd"
"""Its name among the recorded processes."""
CAP_SYS_RESOURCE = 24


def answers() -> bool:
    """Whether a docker daemon runs on this machine and we may use it."""
    return succeeds("version")


def ensure(log: Log, state: Path) -> None:
    """Use the daemon that answers, else start one (Debian's package starts it where systemd is the init)."""
    if answers():
        log.write("a docker daemon answers; it is used as it is")
    else:
        _start(log, state)


def _start(log: Log, state: Path) -> None:
    host.remember(state)
    host.mount_systemd_cgroup()
    command = ["dockerd", "--data-root", str(state / "docker"), "--pidfile", str(state / "dockerd.pid")]
    if not _may_raise_limits():
        wrapper = Path(__file__).parent / "runc-without-resource-capability"
        command += ["--add-runtime", f"keyward={wrapper}", "--default-runtime", "keyward"]
    processes = Processes(state)
    processes.start(PROCESS, command)
    processes.wait_until_ready(PROCESS, answers, seconds=60)
    log.say(f"started a docker daemon, its data in {state / 'docker'}")


def _may_raise_limits() -> bool:
    """Whether CAP_SYS_RESOURCE is in the bounding set; without it `docker run --privileged` fails."""
    status = Path("/proc/self/status").read_text()
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounding, 16) >> CAP_SYS_RESOURCE & 1)


def has_image(name: str) -> bool:
    """Whether the daemon holds an image of that name."""
    return succeeds("image", "inspect", name)


def load(log: Log, archive: Path, name: str) -> None:
    """Load an image from a file unless the daemon holds it."""
    if not has_image(name):
        log.run(["docker", "load", "--quiet", "--input", archive])


def registry_answers() -> bool:
    """Whether Docker Hub can be reached: its API answers 401 and names itself (a mere connect proves nothing)."""
    try:
        urllib.request.urlopen("https://registry-1.docker.io/v2/", timeout=5)
    except urllib.error.HTTPError as error:
        return error.headers.get("Docker-Distribution-Api-Version") == "registry/2.0"
    except OSError:
        return False
    return False


def network_gateway(network: str) -> str:
    """The IPv4 address of the host on a docker network."""
    configurations = _network(network)["IPAM"]["Config"]
    return str(next(c["Gateway"] for c in configurations if ":" not in c["Subnet"] and "Gateway" in c))


def containers_of(network: str) -> list[str]:
    """The ids of the containers on a docker network."""
    return list(_network(network)["Containers"])


def _network(name: str) -> dict[str, Any]:
    inspected = subprocess.run(["docker", "network", "inspect", name], check=True, capture_output=True)
    networks: list[dict[str, Any]] = json.loads(inspected.stdout)
    return networks[0]


def succeeds(*arguments: str) -> bool:
    """Whether a docker command ends well; False as well where Docker is not installed."""
    try:
        return subprocess.run(["docker", *arguments], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False

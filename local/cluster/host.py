"""What the cluster changes on the machine outside of containers, and how it is put back.

A docker daemon of ours leaves chains and rules of its own in iptables, the policy DROP on FORWARD, the bridge docker0,
empty cgroups and forwarding switched on. `remember` writes down what was there before it starts, `restore` puts it
back after it has ended. Packages that were installed stay.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from local import caches
from local.runner import Log

CGROUPS = Path("/sys/fs/cgroup")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
CHAINS = ("DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-USER")
"""In the table `filter`; in `nat` there is DOCKER alone."""
LEFT_FILES = ("/run/docker", "/run/docker.sock", "/run/containerd")


def missing(programs: Iterable[str]) -> list[str]:
    """Those of the programs that are not installed."""
    return [program for program in programs if shutil.which(program) is None]


def ensure_packages(log: Log, packages: Mapping[str, str]) -> None:
    """Install Debian packages (values) for programs (keys) that are missing. Needs apt and root."""
    wanted = sorted({packages[program] for program in missing(packages)})
    if not wanted:
        return
    log.say(f"installing {', '.join(wanted)} by apt")
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    with caches.locked(caches.root() / ".apt.lock"):
        log.run(["apt-get", "update", "-qq"], environment=environment)
        install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *wanted]
        log.run(install, environment=environment)


def has_cgroup_v1() -> bool:
    """Whether the machine's control groups are version 1 (or the hybrid of both)."""
    return not (CGROUPS / "cgroup.controllers").exists()


def mount_systemd_cgroup() -> None:
    """On cgroup v1 the node's systemd needs the hierarchy named `systemd`; a machine without systemd may lack it."""
    folder = CGROUPS / "systemd"
    if not has_cgroup_v1() or folder.is_mount():
        return
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "cgroup", "-o", "none,name=systemd", "cgroup", folder], check=True)


def remember(state: Path) -> None:
    """Write down what a docker daemon will change, unless a daemon of ours has left its changes there before."""
    file = state / "host.json"
    if file.exists():
        return
    before = {
        "forward_policy": _iptables("-S", "FORWARD")[0].split()[-1],
        "forwarding": FORWARDING.read_text().strip(),
        "systemd_cgroup": (CGROUPS / "systemd").is_mount(),
        "docker0": _has_docker0(),
        "files": [file for file in LEFT_FILES if Path(file).exists()],
    }
    state.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(before))


def restore(state: Path) -> None:
    """Put back what `remember` wrote down; nothing where it wrote nothing. The daemon must have ended."""
    file = state / "host.json"
    if not file.exists():
        return
    before = json.loads(file.read_text())
    _remove_rules()
    _iptables("-P", "FORWARD", before["forward_policy"])
    FORWARDING.write_text(before["forwarding"])
    if not before["docker0"] and _has_docker0():
        subprocess.run(["ip", "link", "delete", "docker0"], check=True)
    remove_empty_cgroups(CGROUPS)
    if has_cgroup_v1() and not before["systemd_cgroup"] and (CGROUPS / "systemd").is_mount():
        subprocess.run(["umount", CGROUPS / "systemd"], check=True)
    for left in (Path(file) for file in LEFT_FILES if file not in before["files"]):
        for mount in mounts_below(left, Path("/proc/self/mounts").read_text()):
            subprocess.run(["umount", mount], check=True)
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    file.unlink()


def _remove_rules() -> None:
    for table, chains in (("filter", ("FORWARD",)), ("nat", ("PREROUTING", "OUTPUT", "POSTROUTING"))):
        rules = [rule for chain in chains for rule in _iptables("-t", table, "-S", chain)]
        for rule in docker_rules(rules):
            _iptables("-t", table, "-D", *rule.split()[1:])
        present = {line.split()[1] for line in _iptables("-t", table, "-S") if line.startswith("-N")}
        ours = [chain for chain in CHAINS if chain in present]
        for verb in ("-F", "-X"):  # all are emptied before one is removed: they refer to one another
            for chain in ours:
                _iptables("-t", table, verb, chain)


def mounts_below(folder: Path, mounts: str) -> list[str]:
    """Mount points below `folder`, innermost first, of the text of /proc/self/mounts.

    The daemon leaves the network namespace of `docker build --network=host` mounted.
    """
    points = [line.split()[1] for line in mounts.splitlines()]
    return sorted((point for point in points if Path(point).is_relative_to(folder)), reverse=True)


def docker_rules(rules: Iterable[str]) -> list[str]:
    """Those of the rules, as `iptables -S` prints them, that a docker daemon added to a chain not its own."""
    return [rule for rule in rules if rule.startswith("-A ") and ("DOCKER" in rule or "docker0" in rule)]


def remove_empty_cgroups(cgroups: Path) -> None:
    """Remove docker's groups in every hierarchy, but for those of containers that hold processes still."""
    for docker in [*cgroups.glob("*/docker"), cgroups / "docker"]:
        containers = [path for path in docker.glob("*") if path.is_dir()]
        if all([_removed(container) for container in containers]) and docker.is_dir():
            docker.rmdir()


def _removed(folder: Path) -> bool:
    """Remove a tree of folders (the kernel's files in them go too); False where a group is in use."""
    if any(file.read_text() for file in folder.rglob("cgroup.procs")):
        return False
    for child in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        child.rmdir()
    folder.rmdir()
    return True


def _has_docker0() -> bool:
    return subprocess.run(["ip", "link", "show", "docker0"], capture_output=True).returncode == 0


def _iptables(*arguments: str) -> list[str]:
    run = subprocess.run(["iptables", "--wait", *arguments], check=True, capture_output=True, text=True)
    return run.stdout.splitlines()

"""NetworkPolicies that are enforced, in a cluster of our own node image: Calico's Felix in the place of the bridge.

The node image has a bridge as its pod network, which knows no policies. Felix and Calico's CNI plug-in are compiled
from their Go module and put into the cluster that runs. Pods keep the interface that they were made with, so all are
made anew: the node is drained while the bridge's configuration is still there, by which the old interfaces and their
addresses are given back. The cluster stays so until it is removed.
"""

import json
import shutil
from pathlib import Path

import yaml

from local import caches
from local.cluster import archives, component_images, felix, golang, kind, node_image, versions, webhook
from local.runner import Command, Log

MODULE = "github.com/projectcalico/calico"
CONFIGURATIONS = "/etc/cni/net.d"
FILE = f"{CONFIGURATIONS}/10-calico.conflist"
GRACE_SECONDS = 1
"""For each pod of a node that is drained: sessions are lost with their interfaces anyway."""


class NotEnforced(Exception):
    """NetworkPolicies do not count for some pods; the message names them."""


def archive(log: Log) -> Path:
    """Felix's image as a file, built when missing. Needs root."""
    programs, debian = golang.calico_programs(log), node_image.root_file_system(log)

    def build(folder: Path) -> None:
        node, root = folder / "node", folder / "root"
        node.mkdir()
        log.run(["tar", "-C", node, "-xf", debian])
        component_images.add_packet_filters(log, node, root)
        for name in ("usr/local/bin", "var/log", "var/run", "var/lib/calico", "etc/calico"):
            (root / name).mkdir(parents=True)
        shutil.copy2(programs / felix.NAME, root / "usr/local/bin")
        entry_point = {"Entrypoint": [f"/usr/local/bin/{felix.NAME}"]}
        archives.write(folder / "image.tar", root, names=[felix.IMAGE], config=entry_point)
        shutil.rmtree(node)
        shutil.rmtree(root)

    modules = ("calico", "component_images", "archives")
    code = [Path(__file__).with_name(f"{module}.py") for module in modules]
    key = caches.digest(programs.name, debian.parent.name, component_images.FILES / "libraries.sh", *code)
    return caches.cached("felix-image", f"{versions.CALICO}-{key}", build) / "image.tar"


def install(log: Log, kubeconfig: Path) -> None:
    """Have NetworkPolicies enforced; what is done already is left alone. Raises NotEnforced."""
    kind.load_archive(log, archive(log))
    log.run(["docker", "cp", golang.calico_programs(log) / "calico", f"{kind.NODE}:/opt/cni/bin/calico"])
    _start_felix(log, kubeconfig)
    if _on_node(log, "sh", "-c", f"cat {CONFIGURATIONS}/*.conflist") != felix.network_configuration():
        _replace_network(log, kubeconfig)
    kind.kubectl(log, kubeconfig, "uncordon", kind.NODE)
    for namespace, name in (("kube-system", "coredns"), (webhook.NAMESPACE, webhook.NAME)):
        rollout = ("rollout", "status", f"deployment/{name}", "--timeout=120s")
        kind.kubectl(log, kubeconfig, f"--namespace={namespace}", *rollout)
    _check(log, kubeconfig)


def _start_felix(log: Log, kubeconfig: Path) -> None:
    """Felix with its kinds and settings; returns when its rules are in force."""
    log.say("starting Felix")
    manifests = golang.module_folder(MODULE, "calico") / "manifests"
    kinds = f"--filename={manifests / 'crds.yaml'}"
    # Not as people apply: what they applied last is written into the object, and some of these are too long for that.
    kind.kubectl(log, kubeconfig, "apply", "--server-side", kinds)
    kind.kubectl(log, kubeconfig, "wait", "--for=condition=Established", kinds, "--timeout=60s")
    documents = yaml.safe_load_all((manifests / "calico-policy-only.yaml").read_text())
    objects = [*felix.rights(documents), *felix.settings(), felix.daemon_set()]
    kind.kubectl(log, kubeconfig, "apply", "--filename=-", stdin=yaml.safe_dump_all(objects))
    rollout = ("rollout", "status", f"daemonset/{felix.NAME}", "--timeout=120s")
    kind.kubectl(log, kubeconfig, f"--namespace={felix.NAMESPACE}", *rollout)


def _replace_network(log: Log, kubeconfig: Path) -> None:
    """From here on pods get Calico's interfaces. The node stays cordoned, so none is made in between."""
    log.say("making all pods anew, on interfaces that Felix works on")
    all_pods = ("--ignore-daemonsets", "--force", "--delete-emptydir-data", "--disable-eviction")
    patience = (f"--grace-period={GRACE_SECONDS}", "--timeout=180s")
    kind.kubectl(log, kubeconfig, "drain", kind.NODE, *all_pods, *patience)
    # Renamed into its place: containerd sees all of it or nothing.
    new = f"{CONFIGURATIONS}/.calico"
    others = f"find {CONFIGURATIONS} -type f ! -path {FILE} -delete"
    _on_node(log, "sh", "-c", f"cat >{new} && mv {new} {FILE} && {others}", stdin=felix.network_configuration())


def _check(log: Log, kubeconfig: Path) -> None:
    """Raise NotEnforced where a pod has an interface that Felix does not work on."""
    pods = json.loads(kind.kubectl(log, kubeconfig, "get", "pods", "--all-namespaces", "--output=json"))["items"]
    left = felix.unpoliced(pods, json.loads(_on_node(log, "ip", "-json", "route")))
    if left:
        raise NotEnforced(f"no policy counts for {', '.join(left)}: delete these pods, or begin with `make down`")


def _on_node(log: Log, *command: str, stdin: str | None = None) -> str:
    """Run a program on the node; returns its output."""
    run: Command = ["docker", "exec", "--interactive", kind.NODE, *command]
    return log.run(run, stdin=stdin)

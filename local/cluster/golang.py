"""Go programs, compiled from the module proxy's sources.

Modules of ours pin what is built: `go/kubernetes` and `go/calico` (each needs `replace` lines, so a module of its own),
`go/cert-manager` (for one test only) and `go/tools` (all else; one module, so that client-go and gRPC are compiled once
for all of them).

Compile time is what the first `up` waits for, so the flags favour it: no inlining (`-l`) and less garbage collection
in the compiler (GOGC) take a third off. The programs are a little slower for it, which one node does not notice.
"""

import json
import subprocess
from pathlib import Path

from local import caches
from local.cluster import versions
from local.runner import CommandFailed, Log

COMPILER_FLAGS = ("-mod=readonly", "-trimpath", "-gcflags=all=-l")
ENVIRONMENT = {"CGO_ENABLED": "0", "GOGC": "800", "GOWORK": "off"}

KUBERNETES_PROGRAMS = (
    *(
        f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    ),
    *(f"k8s.io/kubernetes/cmd/{name}" for name in ("kubelet", "kubeadm", "kubectl")),
    "./crictl",
)
TOOLS = (
    "./coredns",
    "go.etcd.io/etcd/server/v3",
    "sigs.k8s.io/kind",
    "helm.sh/helm/v4/cmd/helm",
    "github.com/aws/amazon-eks-pod-identity-webhook",
)
CNI_PLUGINS = tuple(
    f"github.com/containernetworking/plugins/plugins/{name}"
    for name in ("main/bridge", "main/loopback", "meta/portmap", "ipam/host-local")
)
CALICO_PROGRAMS = tuple(
    f"github.com/projectcalico/calico/{name}" for name in ("felix/cmd/calico-felix", "cni-plugin/cmd/calico")
)


def kubernetes_programs(log: Log) -> Path:
    """The folder with Kubernetes' programs and crictl, compiled when missing."""
    return _programs(log, "kubernetes", {".": KUBERNETES_PROGRAMS}, versions.KUBERNETES)


def kubectl(log: Log) -> Path:
    """A folder with kubectl alone, for a cluster whose other programs are in an image that was pulled."""
    return _programs(log, "kubernetes", {".": ("k8s.io/kubernetes/cmd/kubectl",)}, versions.KUBERNETES)


def tools(log: Log) -> Path:
    """The folder with etcd (named `server`), CoreDNS, kind, helm and the webhook; CNI plug-ins in `cni/`."""
    return _programs(log, "tools", {".": TOOLS, "cni": CNI_PLUGINS}, versions.KIND)


def calico_programs(log: Log) -> Path:
    """The folder with Felix (`calico-felix`) and Calico's CNI plug-in (`calico`), compiled when missing."""
    return _programs(log, "calico", {".": CALICO_PROGRAMS}, versions.CALICO)


def cert_manager(log: Log) -> Path:
    """The program of `go/cert-manager`, compiled when missing."""
    return _programs(log, "cert-manager", {".": (".",)}, versions.CERT_MANAGER) / "cert-manager"


def module_folder(path: str, module: str = "tools") -> Path:
    """Where Go keeps the source of a module that `go/<module>` requires; downloaded when missing."""
    command = ["go", "mod", "download", "-json", path]
    described = subprocess.run(command, cwd=versions.GO / module, check=True, capture_output=True).stdout
    return Path(json.loads(described)["Dir"])


def _programs(log: Log, module: str, packages: dict[str, tuple[str, ...]], version: str) -> Path:
    source = versions.GO / module
    flags = ("build", "-v", *COMPILER_FLAGS, "-ldflags", _linker_flags(module))
    own = sorted(source.rglob("*.go"))
    key = caches.digest(source / "go.mod", source / "go.sum", *own, repr((flags, packages)))

    def build(folder: Path) -> None:
        for target, names in packages.items():
            (folder / target).mkdir(exist_ok=True)
            _compile(log, source, flags, names, folder / target)

    return caches.cached(f"go-{module}", f"{version}-{key}", build)


def _compile(log: Log, source: Path, flags: tuple[str, ...], packages: tuple[str, ...], target: Path) -> None:
    try:
        listed = log.run(["go", "list", "-deps", *packages], cwd=source, environment=ENVIRONMENT)
    except CommandFailed as error:
        raise CommandFailed(f"{error}\nGo's module proxy must be reachable, and Go be 1.21 or newer.") from error
    total = sum(not line.startswith("go: ") for line in listed.splitlines())
    compiled = 0

    def on_line(line: str) -> None:
        nonlocal compiled
        compiled += not line.startswith("go: ")
        log.progress(f"{compiled} of {total} packages compiled")

    command = ["go", *flags, "-o", f"{target}/", *packages]
    log.run(command, cwd=source, environment=ENVIRONMENT, on_line=on_line)


def _linker_flags(module: str) -> str:
    """Without symbol tables; Kubernetes' programs are told their version, which kubeadm compares."""
    if module != "kubernetes":
        return "-s -w"
    major, minor, _ = versions.KUBERNETES.removeprefix("v").split(".")
    component = "k8s.io/component-base/version"
    values = {
        f"{component}.gitVersion": versions.KUBERNETES,
        f"{component}.gitMajor": major,
        f"{component}.gitMinor": minor,
        f"{component}.gitTreeState": "clean",
        "k8s.io/client-go/pkg/version.gitVersion": versions.KUBERNETES,
    }
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in values.items())])

"""IRSA as on EKS: Amazon's own pod identity webhook, from its Go module, with the manifests of that module.

What differs from a deployment on EKS: the certificate is of this machine's authority instead of cert-manager's;
failurePolicy is `Fail` instead of `Ignore`, so a pod never starts without its identity because the webhook was away
(kube-system and the webhook itself are left out, or a restart could not bring it back). The webhook still passes over
a pod made right after its ServiceAccount: it reads ServiceAccounts from a cache.
"""

import base64
import shutil
from pathlib import Path
from typing import Any

import yaml

from local import caches, certificates
from local.cluster import archives, golang, kind, versions
from local.runner import Log

MODULE = "github.com/aws/amazon-eks-pod-identity-webhook"
NAME = "pod-identity-webhook"
NAMESPACE = "default"
SECRET = f"{NAME}-cert"
IMAGE = f"docker.io/keyward/{NAME}:{versions.WEBHOOK}"


def archive(log: Log) -> Path:
    """The webhook's image as a file, built when missing."""
    tools = golang.tools(log)

    def build(folder: Path) -> None:
        root = folder / "root"
        root.mkdir()
        shutil.copy2(tools / MODULE.rsplit("/", 1)[1], root / "webhook")
        archives.write(folder / "image.tar", root, names=[IMAGE], config={"Entrypoint": ["/webhook"]})
        shutil.rmtree(root)

    key = caches.digest(str(tools.name), Path(archives.__file__))
    return caches.cached("webhook-image", f"{versions.WEBHOOK}-{key}", build) / "image.tar"


def install(log: Log, kubeconfig: Path, state: Path) -> None:
    """Bring the webhook into the cluster and wait until it serves. `state` is the folder of the certificates."""
    kind.load_archive(log, archive(log))
    leaf = certificates.issue(state, NAME, (f"{NAME}.{NAMESPACE}.svc",))
    deploy = golang.module_folder(MODULE) / "deploy"
    read = [*_documents(deploy / "auth.yaml"), *_documents(deploy / "service.yaml")]
    deployment = next(d for d in _documents(deploy / "deployment-base.yaml") if d["kind"] == "Deployment")
    configuration = _documents(deploy / "mutatingwebhook.yaml")[0]
    objects = [*read, secret(leaf), adapted_deployment(deployment)]
    kind.kubectl(log, kubeconfig, "apply", "--filename=-", stdin=yaml.safe_dump_all(objects))
    rollout = ("rollout", "status", f"deployment/{NAME}", "--timeout=120s")
    kind.kubectl(log, kubeconfig, f"--namespace={NAMESPACE}", *rollout)
    # last: from here on no pod is made without it
    adapted = adapted_configuration(configuration, (state / "ca.pem").read_bytes())
    kind.kubectl(log, kubeconfig, "apply", "--filename=-", stdin=yaml.safe_dump(adapted))


def _documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def secret(leaf: certificates.Leaf) -> dict[str, Any]:
    """The Secret that the deployment mounts its certificate from."""
    files = {"tls.crt": leaf.certificate, "tls.key": leaf.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": NAMESPACE},
        "data": {key: base64.b64encode(file.read_bytes()).decode() for key, file in files.items()},
    }


def adapted_deployment(deployment: dict[str, Any]) -> dict[str, Any]:
    """The module's deployment with our image, our region and regional STS endpoints."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = IMAGE
    container["imagePullPolicy"] = "Never"
    container["command"] += [f"--aws-default-region={certificates.REGION}", "--sts-regional-endpoint=true"]
    return deployment


def adapted_configuration(configuration: dict[str, Any], authority: bytes) -> dict[str, Any]:
    """The module's webhook configuration with our authority, failing closed for all but what must start without it."""
    configuration["metadata"].pop("annotations")
    webhook = configuration["webhooks"][0]
    webhook["clientConfig"]["caBundle"] = base64.b64encode(authority).decode()
    webhook["failurePolicy"] = "Fail"
    itself = {"key": "app", "operator": "NotIn", "values": [NAME]}
    webhook["objectSelector"]["matchExpressions"].append(itself)
    system = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}
    webhook["namespaceSelector"] = {"matchExpressions": [system]}
    return configuration

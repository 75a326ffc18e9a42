"""The keys by which the cluster's ServiceAccount tokens are verified, for local AWS, as a file."""

import json
from pathlib import Path

from local.cluster import kind
from local.runner import Log

ISSUER = "https://kubernetes.default.svc.cluster.local"


def fetch(log: Log, kubeconfig: Path, file: Path) -> None:
    """Write the cluster's JSON Web Key Set to `file`; raises ValueError where the cluster's issuer is not ISSUER."""
    discovery = json.loads(kind.kubectl(log, kubeconfig, "get", "--raw", "/.well-known/openid-configuration"))
    if discovery["issuer"] != ISSUER:
        raise ValueError(f"the cluster's tokens are issued by {discovery['issuer']}, not by {ISSUER}")
    keys = kind.kubectl(log, kubeconfig, "get", "--raw", "/openid/v1/jwks")
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(keys)
    new.replace(file)  # local AWS re-reads it at any time

"""cert-manager's part, played by a test: its own CRD, and what its controllers write into a request's status."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keyward_api import names
from local.cluster import golang
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane
from tests.unit.operator.signers import Signer

AGENTS = names.AGENTS_NAMESPACE
CERT_MANAGER = "github.com/cert-manager/cert-manager"
Json = dict[str, Any]


def crds() -> Path:
    """The folder with cert-manager's CRDs, as its release has them."""
    return golang.module_folder(CERT_MANAGER, "cert-manager") / "deploy/crds"


def install(plane: ControlPlane, *kinds: str) -> None:
    """Make kinds of cert-manager's known; server-side, for some are too long for an annotation."""
    for kind in kinds:
        plane.kubectl("apply", "--server-side", "-f", str(crds() / f"cert-manager.io_{kind}.yaml"))
        plane.kubectl("wait", "--for=condition=Established", f"crd/{kind}.cert-manager.io", "--timeout=30s")


class CertManager:
    """Answers requests, when it is told to."""

    def __init__(self, plane: ControlPlane, objects: Objects) -> None:
        self._kubectl = plane.kubectl
        self._objects = objects
        self.signer = Signer(now=datetime.now(UTC))

    def request(self, name: str, *, issuer: str, but: str = "") -> Json:
        """Wait for a request to `issuer`, with another uid than `but`."""
        return self._objects.wait(
            "certificaterequest",
            name,
            AGENTS,
            until=lambda found: found["metadata"]["uid"] != but and found["spec"]["issuerRef"]["name"] == issuer,
            what=f"a request of {name} to {issuer}",
        )

    def sign(self, request: Json, *, life: timedelta = timedelta(days=365)) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        answer = self.signer.answer(b64decode(request["spec"]["request"]), now=now, life=life)
        self._tell(
            request,
            {"type": "Approved", "status": "True", "reason": "cert-manager.io"},
            {"type": "Ready", "status": "True", "reason": "Issued", "message": "Certificate fetched from issuer"},
            certificate=b64encode(answer.certificate).decode(),
            ca=b64encode(answer.ca).decode(),
        )

    def deny(self, request: Json, why: str) -> None:
        self._tell(
            request,
            {"type": "Denied", "status": "True", "reason": "policy", "message": why},
            {"type": "Ready", "status": "False", "reason": "Denied", "message": "The CertificateRequest was denied"},
            failureTime=_now(),
        )

    def _tell(self, request: Json, *conditions: Json, **status: str) -> None:
        told = [{**condition, "lastTransitionTime": _now()} for condition in conditions]
        patch = json.dumps({"status": {"conditions": told, **status}})
        self._kubectl(
            *("patch", "certificaterequest", request["metadata"]["name"], "-n", AGENTS),
            *("--subresource=status", "--type=merge", "-p", patch),
        )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

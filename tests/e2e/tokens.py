"""ServiceAccount tokens: as Kubernetes mints them, and as it never would."""

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import on_node

CLUSTER_KEY = "/etc/kubernetes/pki/sa.key"


def minted(kube: Kubectl, account: str, namespace: str, *, audience: str | None, seconds: int = 600) -> str:
    """A token by TokenRequest; without an audience the default one: the API server's."""
    wanted = [] if audience is None else [f"--audience={audience}"]
    arguments = ("create", "token", account, f"--namespace={namespace}", *wanted, f"--duration={seconds}s")
    return kube.run(*arguments).strip()


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def expired(token: str) -> str:
    """The same token as the cluster would have minted it a day ago, signed with the cluster's own key."""
    now = int(time.time())
    past = {"iat": now - 86400, "nbf": now - 86400, "exp": now - 60}
    return signed(token, claims(token) | past, cluster_key())


def signed_by_a_stranger(token: str) -> str:
    """The same claims under a signature of a key that the cluster does not know."""
    return signed(token, claims(token), rsa.generate_private_key(public_exponent=65537, key_size=2048))


def cluster_key() -> rsa.RSAPrivateKey:
    """The key with which the API server signs tokens."""
    key = serialization.load_pem_private_key(on_node("cat", CLUSTER_KEY).encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def signed(token: str, payload: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    """A JWT with the header of `token`, this payload and a signature by RS256."""
    content = f"{token.split('.')[0]}.{_encoded(json.dumps(payload).encode())}"
    signature = key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{_encoded(signature)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

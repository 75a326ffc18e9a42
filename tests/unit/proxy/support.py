"""A clock that tests turn, a policy and tokens to work with."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from keyward_api.resources.policy import KeyspacesPolicySpec

AUDIENCE = "keyward.dev/payments/orders"
READER = "arn:aws:iam::111122223333:role/KeyspacesReader"
AGENT_ROLE = "arn:aws:iam::111122223333:role/keyward-agent"


@dataclass
class TurnedClock:
    """Stands still until it is turned."""

    now: float = field(default_factory=time.time)

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


def policy_document(
    *,
    revision: str = "r1",
    db_users: tuple[str, ...] = ("KeyspacesReader",),
    not_after: str | None = None,
    locks: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """The spec of a policy in which one ServiceAccount may read, as the API server holds it."""
    rule = {"source": "reader/allow/0", "keyspaces": ["shop"], "tables": ["*"], "permissions": ["Select"]}
    return {
        "revision": revision,
        "database": {
            "namespace": "payments",
            "name": "orders",
            "uid": "8f3d2c1e-0000-4000-8000-000000000001",
            "clusterUID": "c1a5c0de-0000-4000-8000-000000000002",
            "accountID": "111122223333",
            "region": "us-east-1",
            "partition": "aws",
            "endpoint": {"address": "127.0.0.1", "port": 9142, "serverName": "agent.test"},
            "agentRoleARN": AGENT_ROLE,
            "externalID": "c1a5c0de-0000-4000-8000-000000000002/payments/orders",
            "audience": AUDIENCE,
            "serviceAddress": "10.96.0.10",
        },
        "grants": [
            {
                "id": f"g-{name}"[:32],
                "user": "app",
                "dbUser": name,
                "roleARN": f"arn:aws:iam::111122223333:role/{name}",
                "allow": [rule],
                "notAfter": not_after,
            }
            for name in db_users
        ],
        "identities": [
            {
                "kind": "ServiceAccount",
                "namespace": "payments",
                "name": "app",
                "grants": [f"g-{name}"[:32] for name in db_users],
            }
        ],
        "locks": list(locks),
    }


def policy(**changes: Any) -> KeyspacesPolicySpec:
    return KeyspacesPolicySpec.model_validate(policy_document(**changes))


def jwt(payload: object, *, header: object = {"alg": "RS256"}, signature: str = "c2ln") -> str:
    """A token of the right shape, signed by nobody."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(payload)}.{signature}"


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (a condition of whatever kind, with a deadline)
            await asyncio.sleep(0.002)

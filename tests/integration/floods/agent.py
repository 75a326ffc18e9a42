"""An agent in a process of its own, with real sockets on both sides and no cluster and no AWS around it.

`python -m tests.integration.floods.agent DIR PORT` has Keyspaces at PORT and DIR/keyspaces.crt for its CA; prints its
port and its health port as JSON, and serves until its input ends. A line of its input is the list of its policy's locks
from then on, as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import AgentReport, KeyspacesPolicySpec, PolicyLock
from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.clock import SystemClock
from keyward_proxy.logs import configure
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.integration.floods.processes import told
from tests.unit.proxy.support import policy_document


class Surroundings:
    """A policy of which only the locks change, tokens that say whose they are, and credentials for everybody."""

    def __init__(self, spec: KeyspacesPolicySpec, clock: SystemClock) -> None:
        self._spec = spec
        self._clock = clock
        self._locks: asyncio.Queue[list[PolicyLock]] = asyncio.Queue()

    async def policies(self) -> AsyncIterator[KeyspacesPolicySpec | None]:
        yield self._spec
        for revision in itertools.count(1):
            locks = tuple(await self._locks.get())
            yield self._spec.model_copy(update={"revision": str(revision), "locks": locks})

    def lock(self, locks: list[dict[str, Any]]) -> None:
        """These are the locks from now on."""
        self._locks.put_nowait([PolicyLock.model_validate(lock) for lock in locks])

    async def apply(self, report: AgentReport | None) -> None:
        """Nobody reads it."""

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        payload = token.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        namespace, name = claims["sub"].split(":")[2:]
        return CallerIdentity(namespace=namespace, name=name, uid=f"uid-of-{name}")

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        return Credentials(
            access_key_id="ASIAEXAMPLE",
            secret_access_key=Secret("secret"),
            session_token=Secret("session"),
            expires=self._clock.wall() + 3600,
        )

    async def caller_identity(self, region: str) -> str:
        return "arn:aws:sts::111122223333:assumed-role/keyward-agent/flooded"


def spec_for(directory: Path, port: int) -> KeyspacesPolicySpec:
    """Two ServiceAccounts that may read; as many connections as a flood wants."""
    document: dict[str, Any] = policy_document()
    document["database"]["endpoint"] |= {
        "address": "127.0.0.1",
        "port": port,
        "caBundle": (directory / "keyspaces.crt").read_text(),
    }
    document["database"]["limits"] = {"maxConnections": 9000, "maxConnectionsPerIdentity": 9000}
    (known,) = document["identities"]
    document["identities"] = [known, known | {"name": "honest"}]
    return KeyspacesPolicySpec.model_validate(document)


async def main(directory: Path, port: int) -> None:
    """Until the input ends."""
    clock, metrics, stop, tasks = SystemClock(), Metrics(), asyncio.Event(), TaskHolder()
    surroundings = Surroundings(spec_for(directory, port), clock)
    settings = AgentSettings(
        pod="flooded",
        pod_ip="127.0.0.1",
        policy="keyward-agents/payments.orders",
        ca_directory=directory,
        server_names=("agent.test",),
        listen=("127.0.0.1", 0),
        health=("127.0.0.1", 0),
        endpoints_seconds=0.0,
        settling_seconds=0.0,
        drain_seconds=2.0,
        listing_seconds=0.0,
    )
    with (directory / "audit.jsonl").open("wb") as audit:
        agent = Agent(
            settings,
            Dependencies(
                policy_source=surroundings,
                status_sink=surroundings,
                reviewer=surroundings,
                sts=surroundings,
                check_identity=lambda: None,
                connector=TLSConnector(),
                audit=AuditWriter(audit, on_lost=metrics.audit_lost.inc),
                clock=clock,
                metrics=metrics,
            ),
        )
        running = tasks.start(agent.run(stop), name="agent")
        while not agent.port or agent._view is None:  # noqa: ASYNC110  (what it waits for has no event)
            await asyncio.sleep(0.01)
        print(json.dumps({"port": agent.port, "health": agent.health_port}), flush=True)
        async for locks in told():
            surroundings.lock(locks)
        stop.set()
        await running


if __name__ == "__main__":
    configure("info")
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

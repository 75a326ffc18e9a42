"""The test entry point: an agent with a plaintext listener before it and a plain Cassandra behind it.

    python -m tests.compat.plain_agent --listen ADDRESS --cassandra ADDRESS --state DIR

Between the two everything is real: TLS, tokens, the policy of manifests, STS (local AWS), SigV4. It listens on port
9042 of the one address and connects to port 9042 of the other, whose port 9142 it uses to play Keyspaces. It prints
`ready` when clients can connect, and ends at SIGTERM. The audit trail is DIR/audit.jsonl.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import ssl
from pathlib import Path

from keyward_api.iam import agent_trust_policy, trust_policy
from keyward_proxy.audit.writer import AuditWriter
from local.aws.client import REGION, AdminClient
from local.iam_setup import Administrator
from tests.compat import manifests
from tests.compat.addresses import CQL, TLS
from tests.compat.agent import CLUSTER_UID, Place
from tests.compat.back import Back
from tests.compat.cassandra import answers
from tests.compat.front import Front
from tests.integration.local_services import ACCOUNT, ISSUER, LocalAws
from tests.integration.running_agent import AUDIENCE, ClusterKeys, environment

ACCOUNT_OF_SUITES = f"{manifests.NAMESPACE}/{manifests.SERVICE_ACCOUNT}"


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat.plain_agent")
    parser.add_argument("--listen", required=True, metavar="ADDRESS")
    parser.add_argument("--cassandra", required=True, metavar="ADDRESS")
    parser.add_argument("--state", required=True, type=Path, metavar="DIR")
    arguments = parser.parse_args()
    state = arguments.state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(0)))
    aws = LocalAws.start(state)
    try:
        keys = ClusterKeys()
        set_up(aws, keys)
        os.environ.update(environment(aws, keys, state))
        asyncio.run(run(arguments.listen, arguments.cassandra, state, aws, keys))
    finally:
        aws.stop()


def set_up(aws: LocalAws, keys: ClusterKeys) -> None:
    """The agent's role and the one that it assumes."""
    aws.jwks.write_text(keys.jwks())
    administrator = Administrator(aws.client("iam", aws.root))
    administrator.trust_cluster(ISSUER)
    administrator.agent_role(
        "keyward-agent",
        trust_policy=agent_trust_policy(
            issuer=ISSUER,
            agent_role_arn=manifests.AGENT_ROLE,
            namespace="keyward-agents",
            service_account=manifests.DATABASE,
        ),
        assumes=[f"arn:aws:iam::{ACCOUNT}:role/Keyspaces*"],
    )
    external_id = f"{CLUSTER_UID}/{manifests.NAMESPACE}/{manifests.DATABASE}"
    everything = {
        "Effect": "Allow",
        "Action": ["cassandra:*"],
        "Resource": [f"arn:aws:cassandra:{REGION}:{ACCOUNT}:/keyspace/*"],
    }
    administrator.database_role(
        manifests.DB_USER,
        trust_policy=trust_policy(agent_role_arn=manifests.AGENT_ROLE, external_id=external_id),
        statements=[everything],
    )


async def run(listen: str, cassandra: str, state: Path, aws: LocalAws, keys: ClusterKeys) -> None:
    """Back, agent and front, until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    folder = state / "manifests"
    manifests.write(folder, upstream=cassandra, ca=aws.certificates.ca.read_text())
    place = Place(address=listen, port=TLS, state=state, manifests=folder)
    authority = place.write_authority()
    with (state / "audit.jsonl").open("wb") as trail:
        back = await _back(aws, cassandra).serve(cassandra, TLS)
        agent = place.agent(keys, AuditWriter(trail, on_lost=lambda: None))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(agent.run(stop))
            front = await _start_front(listen, authority, keys, running)
            print("ready", flush=True)
            await stop.wait()
            front.close()
            back.close()


async def _start_front(listen: str, authority: Path, keys: ClusterKeys, running: asyncio.Task[None]) -> asyncio.Server:
    while not answers(listen, TLS) and not running.done():  # noqa: ASYNC110 - the agent has no event for it
        await asyncio.sleep(0.05)
    front = Front(
        agent=(listen, TLS),
        tls=ssl.create_default_context(cafile=str(authority)),
        server_name="localhost",
        username=manifests.DB_USER,
        token=lambda: keys.token(ACCOUNT_OF_SUITES, audience=AUDIENCE),
    )
    return await front.serve(listen, CQL)


def _back(aws: LocalAws, cassandra: str) -> Back:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(aws.certificates.keyspaces_cert, aws.certificates.keyspaces_key)
    return Back(cassandra=(cassandra, CQL), tls=tls, aws=AdminClient.of_state(aws.admin_url, aws.state))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()

"""The test entry point: a standalone agent with a plaintext listener before it and a plain Cassandra behind it.

    python -m tests.compat.plain_agent --listen ADDRESS --cassandra ADDRESS --state DIR

Between the two everything is real: `keyward-agent --manifests`, TLS, tokens, STS (local AWS), SigV4. It listens on
port 9042 of the one address and connects to port 9042 of the other, whose port 9142 it uses to play Keyspaces. It
prints `ready` when clients can connect, and ends at SIGTERM. The audit trail is DIR/audit.jsonl; DIR/token is a token
for clients of the agent's own port, replaced before it ends; DIR/tls.crt is what they trust.
"""

import argparse
import asyncio
import contextlib
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyward_api.iam import agent_trust_policy, trust_policy
from local.aws.client import REGION, AdminClient
from local.iam_setup import Administrator
from tests.compat import manifests
from tests.compat.addresses import CQL, TLS
from tests.compat.back import Back
from tests.compat.front import Front
from tests.compat.standalone import CLUSTER_UID, SERVER_NAME, StandaloneAgent
from tests.integration.local_services import ACCOUNT, ISSUER, LocalAws
from tests.integration.running_agent import AUDIENCE, ClusterKeys, environment

ACCOUNT_OF_SUITES = f"{manifests.NAMESPACE}/{manifests.SERVICE_ACCOUNT}"


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat.plain_agent")
    parser.add_argument("--listen", required=True, metavar="ADDRESS")
    parser.add_argument("--cassandra", required=True, metavar="ADDRESS")
    parser.add_argument("--state", required=True, type=Path, metavar="DIR")
    parser.add_argument("--token-seconds", type=int, default=36000, help="how long the token of DIR/token lives")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    state = arguments.state.absolute()
    state.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt), local_aws(state) as (aws, keys):
        entry = EntryPoint(listen=arguments.listen, cassandra=arguments.cassandra, state=state, aws=aws, keys=keys)
        asyncio.run(entry.run(arguments.token_seconds))


def _end(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def local_aws(state: Path) -> Iterator[tuple[LocalAws, ClusterKeys]]:
    """STS and IAM with the agent's role and the one that it assumes, and the keys of the tokens."""
    aws, keys = LocalAws.start(state), ClusterKeys()
    try:
        aws.jwks.write_text(keys.jwks())
        set_up(Administrator(aws.client("iam", aws.root)))
        yield aws, keys
    finally:
        aws.stop()


def set_up(administrator: Administrator) -> None:
    """What an administrator of the account does for one database."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPoint:
    """Front, agent and back."""

    listen: str
    cassandra: str
    state: Path
    aws: LocalAws
    keys: ClusterKeys

    async def run(self, token_seconds: int) -> None:
        """Until the task is cancelled."""
        folder = self.state / "manifests"
        manifests.write(folder, upstream=self.cassandra, ca=self.aws.certificates.ca.read_text())
        agent = StandaloneAgent(address=self.listen, state=self.state, manifests=folder, jwks=self.aws.jwks)
        async with await self._back().serve(self.cassandra, TLS):
            # In a thread: the agent tries its role at once, and this loop's listener must answer.
            await asyncio.to_thread(agent.start, environment(self.aws, self.keys, self.state))
            try:
                self._write_token(token_seconds)
                async with await self._front(agent.authority).serve(self.listen, CQL):
                    print("ready", flush=True)
                    await self._keep_token(token_seconds)
            finally:
                agent.stop()

    async def _keep_token(self, seconds: int) -> None:
        """As the kubelet does it: a new token in place of the old one when 80 % of its life is over."""
        while True:
            await asyncio.sleep(seconds * 0.8)
            self._write_token(seconds)

    def _write_token(self, seconds: int) -> None:
        new = self.state / "token.new"
        new.write_text(self.keys.token(ACCOUNT_OF_SUITES, audience=AUDIENCE, life=seconds))
        new.replace(self.state / "token")

    def _front(self, authority: Path) -> Front:
        return Front(
            agent=(self.listen, TLS),
            tls=ssl.create_default_context(cafile=str(authority)),
            server_name=SERVER_NAME,
            username=manifests.DB_USER,
            # The kubelet's, as for other clients: one token, so that the agent need not verify it each time.
            token=(self.state / "token").read_text,
        )

    def _back(self) -> Back:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.aws.certificates.keyspaces_cert, self.aws.certificates.keyspaces_key)
        admin = AdminClient.of_state(self.aws.admin_url, self.aws.state)
        return Back(cassandra=(self.cassandra, CQL), tls=tls, aws=admin)


if __name__ == "__main__":
    main()

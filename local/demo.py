"""The main job, shown for real: from `kubectl apply` to an audited SELECT and a refused INSERT.

Every step is a command that a user would type, printed before it runs. What is special to one machine (the cluster,
local AWS, local Keyspaces) is brought up first; from `helm install` on it is the way on EKS too.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keyward_api.names import AGENTS_NAMESPACE, LABEL_OWNER_NAME, LABEL_OWNER_NAMESPACE
from local import quickstart
from local.aws.client import Credentials, boto_client
from local.iam_setup import Administrator, keyspaces_statement
from local.install import ACCOUNT, REGION, install, values

Found = TypeVar("Found")

NAMESPACE = "payments"
DATABASE = "orders"
AGENT_ROLE = "keyward-orders-agent"
DATABASE_ROLE = "KeyspacesReader"
CLIENT = "cqlsh"

SELECT = "SELECT * FROM shop.orders;"
INSERT = "INSERT INTO shop.orders (id, item) VALUES (4, 'abacus');"


class DemoError(Exception):
    """The demo did not show what it should; the message says what happened instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the demo runs in; made by `python -m local up`."""

    kubectl: Path
    helm: Path
    kubeconfig: Path
    issuer: str
    """The cluster's OIDC issuer."""
    authority: Path
    """PEM of the authority of local AWS and local Keyspaces."""
    aws_endpoint: str
    aws_state: Path
    """Where local AWS keeps the root's access key."""


def show(surroundings: Surroundings) -> None:
    """Install Keyward and show the main job; raises DemoError where it fails."""
    demo = _Demo(surroundings)
    with _step("helm install keyward charts/keyward"):
        demo.install()
    with _step("kubectl apply -f examples/quickstart/"):
        applied = time.monotonic()
        demo.apply()
    with _step("create the IAM roles from `status.identity`, as IAM's administrators would"):
        demo.create_roles()
    with _step("wait until the database and the cqlsh pod are ready"):
        demo.wait()
    with _step(f"cqlsh: {SELECT}"):
        demo.select()
    print(f"   {time.monotonic() - applied:.1f} s from `kubectl apply` to the rows")
    with _step(f"cqlsh: {INSERT}"):
        demo.insert()
    with _step("the audit trail (kubectl logs of the agents)"):
        demo.audit()
    _farewell(surroundings)


class _Demo:
    def __init__(self, surroundings: Surroundings) -> None:
        self._in = surroundings

    def install(self) -> None:
        bundle = self._in.authority.read_text()
        install(helm=self._in.helm, kubeconfig=self._in.kubeconfig, chart_values=values(ca_bundle=bundle))

    def apply(self) -> None:
        quickstart.write(self._in.authority)
        print(_indented(self._kubectl("apply", "-f", str(quickstart.FOLDER))))

    def create_roles(self) -> None:
        identity = _until("`status.identity` is set", self._identity, seconds=60)
        iam = boto_client(
            "iam",
            endpoint=self._in.aws_endpoint,
            ca=self._in.authority,
            credentials=Credentials.of_root(self._in.aws_state),
        )
        administrator = Administrator(iam)
        administrator.trust_cluster(self._in.issuer)
        target = f"arn:aws:iam::{ACCOUNT}:role/{DATABASE_ROLE}"
        administrator.agent_role(AGENT_ROLE, trust_policy=identity["agentTrustPolicy"], assumes=[target])
        administrator.database_role(
            DATABASE_ROLE,
            trust_policy=identity["trustPolicy"],
            statements=[keyspaces_statement("Select", account=ACCOUNT, region=REGION, tables=["shop/*"])],
        )
        print(_indented(f"{AGENT_ROLE} trusts {identity['serviceAccount']}\n{DATABASE_ROLE} trusts {AGENT_ROLE}"))

    def wait(self) -> None:
        database = f"keyspacesdatabase/{DATABASE}"
        self._kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", database, "--timeout=180s")
        self._kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{CLIENT}", "--timeout=120s")
        print(_indented(self._kubectl("-n", NAMESPACE, "get", "keyspacesdatabases,keyspacesroles,keyspacesusers,pods")))

    def select(self) -> None:
        status, output = self._cqlsh(SELECT)
        print(_indented(output))
        if status != 0 or "compass" not in output:
            raise DemoError("the SELECT did not return the rows")

    def insert(self) -> None:
        status, output = self._cqlsh(INSERT)
        print(_indented(output))
        if status == 0 or "Modify" not in output:
            raise DemoError("the INSERT was not refused for its missing permission")

    def audit(self) -> None:
        records = _until("both statements are in the audit trail", self._statements, seconds=20)
        for record in records:
            print(_indented(json.dumps(record)))

    def _identity(self) -> dict[str, Any] | None:
        found = json.loads(self._kubectl("-n", NAMESPACE, "get", "keyspacesdatabase", DATABASE, "-o", "json"))
        identity: dict[str, Any] = found.get("status", {}).get("identity", {})
        return identity if {"trustPolicy", "agentTrustPolicy"} <= identity.keys() else None

    def _statements(self) -> list[dict[str, Any]] | None:
        """The newest allowed and the newest refused statement on the shop's orders."""
        owner = f"{LABEL_OWNER_NAMESPACE}={NAMESPACE},{LABEL_OWNER_NAME}={DATABASE}"
        lines = self._kubectl("-n", AGENTS_NAMESPACE, "logs", "-l", owner, "--tail=-1").splitlines()
        records = [json.loads(line) for line in lines if line.startswith("{")]
        found = [r for r in records if r.get("event") == "statement" and "shop.orders" in str(r.get("statement"))]
        kinds = {str(record["statement"]).split()[0]: record for record in found}
        return [kinds["SELECT"], kinds["INSERT"]] if {"SELECT", "INSERT"} <= kinds.keys() else None

    def _cqlsh(self, statement: str) -> tuple[int, str]:
        command = ["-n", NAMESPACE, "exec", CLIENT, "--", "cqlsh", "-e", statement]
        done = subprocess.run(self._command(*command), capture_output=True, text=True)
        return done.returncode, (done.stdout + done.stderr).strip()

    def _command(self, *arguments: str) -> list[str]:
        return [str(self._in.kubectl), "--kubeconfig", str(self._in.kubeconfig), *arguments]

    def _kubectl(self, *arguments: str) -> str:
        done = subprocess.run(self._command(*arguments), capture_output=True, text=True)
        if done.returncode != 0:
            raise DemoError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()


def _until(what: str, look: Callable[[], Found | None], *, seconds: float) -> Found:
    """What `look` finds, asked again until then; raises DemoError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.5)
    return found


@contextmanager
def _step(title: str) -> Iterator[None]:
    print(f"\n== {title}", flush=True)
    begin = time.monotonic()
    yield
    print(f"   done in {time.monotonic() - begin:.1f} s", flush=True)


def _farewell(surroundings: Surroundings) -> None:
    shell = f"kubectl -n {NAMESPACE} exec -it {CLIENT} -- cqlsh"
    print(
        f"""
That was the main job. To look around:
   export KUBECONFIG={surroundings.kubeconfig} PATH={surroundings.kubectl.parent}:$PATH
   {shell}
   kubectl -n {NAMESPACE} get keyward -o wide
   kubectl -n {NAMESPACE} describe keyspacesdatabase {DATABASE}
   kubectl -n {AGENTS_NAMESPACE} logs -f -l {LABEL_OWNER_NAME}={DATABASE}
To take it down: make down"""
    )


def _indented(text: str) -> str:
    return "\n".join("   " + line for line in text.splitlines())

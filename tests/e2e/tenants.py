"""A tenant: its namespace, its database with IAM roles of its own, its ServiceAccounts and client pods.

Each test module has one, made for it and removed after it, so that no test depends on another module's.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from keyward_api.names import AGENTS_NAMESPACE, LABEL_OWNER_NAME, LABEL_OWNER_NAMESPACE, SYSTEM_NAMESPACE, Condition
from local.iam_setup import keyspaces_statement
from local.install import ACCOUNT, LOCAL_TENANT_LABEL, REGION
from tests.e2e import audit, manifests, operator
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, Object, condition
from tests.e2e.pods import ClientPod
from tests.e2e.surroundings import Surroundings
from tests.e2e.waiting import NotYet, wait_for

READY_SECONDS = 120.0
"""Until a new database serves: on a busy machine of two cores an agent takes a few seconds to start."""

KEYSPACES_RIGHTS = ("e2e_shop/*", "e2e_depot/*")
"""What the IAM roles of a tenant may touch: more than the grants of the tests, so that refusals are the agent's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """A namespace whose databases may be local Keyspaces."""

    surroundings: Surroundings
    kube: Kubectl
    namespace: str
    _iam_roles: list[str] = field(default_factory=list)

    @classmethod
    def create(cls, surroundings: Surroundings, kube: Kubectl, namespace: str) -> "Tenant":
        """Make the namespace; one that an interrupted run left is removed first."""
        tenant = cls(surroundings=surroundings, kube=kube, namespace=namespace)
        tenant.remove()
        labels = {LOCAL_TENANT_LABEL: "true"}
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
        return tenant

    @classmethod
    @contextmanager
    def of_module(cls, surroundings: Surroundings, kube: Kubectl, module: Path, *, prefix: str) -> "Iterator[Tenant]":
        """A namespace named after a test module, for the time of the block."""
        name = module.stem.removeprefix("test_").replace("_", "-")
        tenant = cls.create(surroundings, kube, f"{prefix}-{name}")
        yield tenant
        tenant.remove(wait=False)

    def remove(self, *, wait: bool = True) -> None:
        """Databases first, then the namespace (`wait`: until it is gone), then the IAM roles."""
        if self.kube.find("namespace", self.namespace) is not None:
            if self.kube.find("customresourcedefinition", "keyspacesdatabases.keyward.dev") is not None:
                in_namespace = f"--namespace={self.namespace}"
                self.kube.run("delete", "keyspacesdatabases", "--all", in_namespace, seconds=120)
            self.kube.delete("namespace", self.namespace, wait=wait)
        administrator = self.surroundings.administrator()
        for name in self._iam_roles:
            administrator.delete_role(name)

    def iam_role(self, name: str) -> str:
        """The name of an IAM role of this tenant only."""
        return f"{self.namespace}-{name}"

    def database(self, name: str = "orders", *, iam_roles: Sequence[str] = (), replicas: int = 1) -> "Database":
        """A database that is ready, whose agents may assume these IAM roles (`iam_role` gives the names)."""
        database = self.unready_database(name, replicas=replicas)
        database.trust(*iam_roles)
        database.wait_until_ready()
        return database

    def two_agents(self) -> "Database":
        """A database as by default, of which the ServiceAccount `web` may read `e2e_shop.items` as `reader`."""
        reader = self.iam_role("reader")
        database = self.database(iam_roles=[reader], replicas=2)
        self.grant("reader", "web", manifests.rule(db_users=[reader], keyspaces=["e2e_shop"], tables=["items"]))
        return database

    def unready_database(self, name: str = "orders", *, replicas: int = 1) -> "Database":
        """A database whose identity is known and for which IAM holds nothing yet."""
        agent_role = f"{self.namespace}-{name}"
        resource = manifests.database(
            name,
            self.namespace,
            endpoint=manifests.custom_endpoint(self.surroundings.authority),
            role_arn=manifests.agent_role_arn(agent_role),
            replicas=replicas,
        )
        self.kube.apply(resource)
        return Database(tenant=self, name=name, agent_role=f"keyward-agent-{agent_role}")

    def account(self, name: str) -> Object:
        """A ServiceAccount, as the subject of a KeyspacesUser."""
        self.kube.apply(manifests.service_account(name, self.namespace))
        return manifests.service_account_subject(name, self.namespace)

    def grant(self, name: str, account: str, *allow: Object, deny: Sequence[Object] = (), **options: object) -> None:
        """A KeyspacesRole with these rules and options and a KeyspacesUser of that name, for a ServiceAccount."""
        subject = self.account(account)
        self.kube.apply(
            manifests.role(name, self.namespace, allow=allow, deny=deny, **options),
            manifests.user(name, self.namespace, subjects=[subject], roles=[name]),
        )

    def client(self, account: str, database: str = "orders", *, name: str = "", token_seconds: int = 3600) -> ClientPod:
        """A running pod of that ServiceAccount, with a token for that database."""
        name = name or f"client-{account}"
        pod = manifests.client_pod(
            name, self.namespace, account=account, database=database, token_seconds=token_seconds
        )
        return self.start(pod, host=f"keyward-{database}.{self.namespace}.svc")

    def start(self, pod: Object, *, host: str) -> ClientPod:
        """Make a client pod of this manifest and wait until it runs."""
        name = pod["metadata"]["name"]
        in_namespace = f"--namespace={self.namespace}"
        self.kube.apply(pod)
        self.kube.run("wait", "--for=condition=Ready", f"pod/{name}", in_namespace, "--timeout=90s", seconds=100)
        return ClientPod(kube=self.kube, name=name, namespace=self.namespace, host=host)

    def diagnosis(self) -> str:
        """What a person would look at after a failure."""
        return diagnosis(self.kube, self.namespace)


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """A KeyspacesDatabase of a tenant."""

    tenant: Tenant
    name: str
    agent_role: str
    """Name of the agents' own IAM role."""

    @property
    def kube(self) -> Kubectl:
        """The cluster's administrator."""
        return self.tenant.kube

    @property
    def namespace(self) -> str:
        """The tenant's."""
        return self.tenant.namespace

    @property
    def audience(self) -> str:
        """Of the tokens that open it."""
        return f"keyward.dev/{self.namespace}/{self.name}"

    def resource(self) -> Object:
        """As the API server has it."""
        return self.kube.get("keyspacesdatabase", self.name, self.namespace)

    def identity(self) -> Object:
        """`status.identity`, as soon as it is complete."""

        def look() -> Object:
            status = self.resource().get("status", {})
            if (
                not {"trustPolicy", "agentTrustPolicy", "externalID", "serviceAccount"}
                <= status.get("identity", {}).keys()
            ):
                raise NotYet(str(status))
            found: Object = status["identity"]
            return found

        return wait_for(f"status.identity of {self.namespace}/{self.name}", look, seconds=30)

    def trust(self, *iam_roles: str) -> None:
        """Set up IAM from `status.identity`, as an administrator would."""
        identity, administrator = self.identity(), self.tenant.surroundings.administrator()
        self.tenant._iam_roles.extend([self.agent_role, *iam_roles])
        assumes = [f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in iam_roles] or ["arn:aws:iam::*:role/none"]
        administrator.agent_role(self.agent_role, trust_policy=identity["agentTrustPolicy"], assumes=assumes)
        actions = ("Select", "Modify", "Create", "Alter", "Drop")
        rights = keyspaces_statement(*actions, account=ACCOUNT, region=REGION, tables=KEYSPACES_RIGHTS)
        for role in iam_roles:
            administrator.database_role(role, trust_policy=identity["trustPolicy"], statements=[rights])

    def condition(self, kind: str) -> Object:
        """A condition of its status; an empty one where it is not set."""
        return condition(self.resource(), kind) or {}

    def wait_for_condition(self, kind: str, status: str, *, reason: str = "", seconds: float = READY_SECONDS) -> Object:
        """The condition, as soon as it has this status (and reason)."""

        def look() -> Object:
            resource = self.resource()
            found = condition(resource, kind)
            if found is None or found["status"] != status or (reason and found["reason"] != reason):
                raise NotYet(str(resource.get("status", {}).get("conditions", "no conditions")))
            return found

        return wait_for(f"{kind}={status} {reason} of {self.namespace}/{self.name}", look, seconds=seconds)

    def wait_until_ready(self) -> None:
        """Until its agents serve."""
        self.wait_for_condition(Condition.READY, "True")

    def agents(self) -> list[Object]:
        """The pods of its agents."""
        return audit.agent_pods(self.kube, self.namespace, self.name)

    def wait_until_rolled_out(self) -> None:
        """Until as many agents as wanted are ready, and no other is to come."""
        (deployment,) = self.children("deployments")
        status = ("rollout", "status", f"deployment/{deployment['metadata']['name']}", "--timeout=120s")
        self.kube.run(*status, f"--namespace={AGENTS_NAMESPACE}", seconds=130)

    def roll(self) -> None:
        """Replace all agents, and wait until the last of the old ones is gone."""
        (deployment,) = self.children("deployments")
        before = {pod["metadata"]["uid"] for pod in self.agents()}
        name = f"deployment/{deployment['metadata']['name']}"
        self.kube.run("rollout", "restart", name, f"--namespace={AGENTS_NAMESPACE}")
        self.wait_until_rolled_out()
        self.wait_until_gone(before, seconds=60)

    def wait_until_gone(self, agents: Set[str], *, seconds: float) -> None:
        """Until none of these agents' pods (by their uids) is left: one that goes has a minute for its sessions."""

        def gone() -> bool:
            left = agents & {pod["metadata"]["uid"] for pod in self.kube.items("pods", AGENTS_NAMESPACE)}
            if left:
                raise NotYet(f"{len(left)} of the old agents are still there")
            return True

        wait_for("the old agents to be gone", gone, seconds=seconds)

    def children(self, *kinds: str) -> list[Object]:
        """What the operator made for it in the agents' namespace."""
        owner = f"{LABEL_OWNER_NAMESPACE}={self.namespace},{LABEL_OWNER_NAME}={self.name}"
        return self.kube.items(",".join(kinds), AGENTS_NAMESPACE, labels=owner)


def diagnosis(kube: Kubectl, namespace: str) -> str:
    """Objects, events and logs around a namespace and everything of Keyward's."""
    there = f"--namespace={AGENTS_NAMESPACE}"
    by_time = "--sort-by=.lastTimestamp"
    commands = {
        "databases and IAM roles": (
            "get",
            "keyspacesdatabases,keyspacesiamroles",
            f"--namespace={namespace}",
            "--output=yaml",
        ),
        "pods": ("get", "pods", EVERY_NAMESPACE, "--output=wide"),
        "events": ("get", "events", f"--namespace={namespace}", by_time),
        "agents' events": ("get", "events", there, by_time),
        "operator": (
            "logs",
            f"--selector={operator.LABELS}",
            f"--namespace={SYSTEM_NAMESPACE}",
            "--prefix",
            "--tail=60",
        ),
        "agents": ("logs", f"--selector={LABEL_OWNER_NAMESPACE}={namespace}", there, "--tail=60"),
    }
    looked = {title: kube.attempt(*arguments, seconds=20).output for title, arguments in commands.items()}
    return "\n".join(f"---- {title}\n{text[-6000:]}" for title, text in looked.items())

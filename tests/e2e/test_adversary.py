"""What a tenant with `admin` in its namespace tries against another tenant's database, with agents, STS and clients."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from keyward_api.names import AGENTS_NAMESPACE, Condition
from local.iam_setup import keyspaces_statement
from local.install import ACCOUNT, REGION
from tests.e2e import manifests, tokens
from tests.e2e.administrators import administrator_of, forbidden
from tests.e2e.kube import Kubectl, Object
from tests.e2e.pods import Answer, Driver
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import KEYSPACES_RIGHTS, Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"
SHOP = {"keyspaces": ["e2e_shop"], "tables": ["items"]}


@pytest.fixture(scope="module")
def victim(surroundings: Surroundings, platform: Kubectl, tables: None) -> Iterator[Tenant]:
    """Another tenant of the same cluster and AWS account."""
    tenant = Tenant.create(surroundings, platform, "e2e-adversarys-victim")
    yield tenant
    tenant.remove()


@pytest.fixture(scope="module")
def theirs(victim: Tenant) -> Database:
    """The victim's database, which its `web` may read."""
    role = victim.iam_role("reader")
    database = victim.database(iam_roles=[role])
    victim.grant("reader", "web", manifests.rule(db_users=[role], **SHOP))
    return database


@pytest.fixture(scope="module")
def own(tenant: Tenant) -> Database:
    """The attacker's database, which its `web` may read."""
    role = tenant.iam_role("reader")
    database = tenant.database(iam_roles=[role])
    tenant.grant("reader", "web", manifests.rule(db_users=[role], **SHOP))
    return database


@pytest.fixture(scope="module")
def admin(tenant: Tenant, own: Database) -> Kubectl:
    """Whoever has `admin` in the attacker's namespace."""
    return administrator_of(tenant.kube, tenant.namespace)


@pytest.fixture(scope="module")
def honest(victim: Tenant, theirs: Database) -> Iterator[Driver]:
    """A client of the victim's, which is let in."""
    with victim.client("web").driver() as driver:
        driver.connect_once_granted("before", victim.iam_role("reader"))
        yield driver


@pytest.fixture(scope="module")
def at_theirs(tenant: Tenant, own: Database, theirs: Database, honest: Driver) -> Iterator[Driver]:
    """A client in the attacker's namespace that speaks to the victim's agents, and trusts their CA: it is no secret."""
    pod = manifests.client_pod("at-theirs", tenant.namespace, account="web", database="orders")
    pod["spec"]["volumes"][1]["configMap"]["name"] = "their-ca"
    tenant.kube.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "their-ca", "namespace": tenant.namespace},
            "data": {"ca.crt": theirs.resource()["status"]["caBundle"]},
        }
    )
    with tenant.start(pod, host=host_of(theirs)).driver() as driver:
        yield driver


def host_of(database: Database) -> str:
    """Where its clients connect to."""
    return f"keyward-{database.name}.{database.namespace}.svc"


def refused(driver: Driver, user: str, password: str) -> str:
    """What an attempt to log in is told."""
    refusal: dict[str, Any] = driver.refusal("connect", name="refused", user=user, password=password)
    assert refusal["type"] == "AuthenticationFailed", refusal
    return str(refusal["message"])


def test_a_token_that_opens_the_tenant_s_own_database_is_refused_at_another_s(
    tenant: Tenant, victim: Tenant, own: Database, theirs: Database, admin: Kubectl, at_theirs: Driver
) -> None:
    token = tokens.minted(admin, "web", tenant.namespace, audience=own.audience)
    message = refused(at_theirs, victim.iam_role("reader"), token)
    assert f"the token is for '{own.audience}', not for this database" in message


def test_a_token_that_a_tenant_mints_for_another_s_database_gives_no_grant_there(
    tenant: Tenant, victim: Tenant, theirs: Database, admin: Kubectl, at_theirs: Driver
) -> None:
    """Any audience may be asked for; whose token it is, is not for the tenant to say."""
    token = tokens.minted(admin, "web", tenant.namespace, audience=theirs.audience)
    message = refused(at_theirs, victim.iam_role("reader"), token)
    assert f"system:serviceaccount:{tenant.namespace}:web has no grant on database" in message
    assert "reader" not in message.replace(victim.iam_role("reader"), ""), "nothing of what others are granted"


def test_a_default_token_of_the_api_server_is_refused_at_another_s_database(
    tenant: Tenant, victim: Tenant, theirs: Database, admin: Kubectl, at_theirs: Driver
) -> None:
    token = tokens.minted(admin, "web", tenant.namespace, audience=None)
    assert "the token is for 'https://kubernetes.default.svc" in refused(at_theirs, victim.iam_role("reader"), token)


def test_a_token_of_another_tenant_s_account_is_not_to_be_had(victim: Tenant, theirs: Database, admin: Kubectl) -> None:
    forbidden(admin, "create", "token", "web", f"--namespace={victim.namespace}", f"--audience={theirs.audience}")
    assert not admin.may("impersonate", "serviceaccounts", f"--namespace={victim.namespace}")


def test_another_tenant_s_iam_role_is_refused_through_the_tenant_s_own_database_by_its_external_id(
    tenant: Tenant, victim: Tenant, own: Database, theirs: Database, honest: Driver, surroundings: Surroundings
) -> None:
    """The role's trust policy names the attacker's agents too, as careless ones may: the ExternalId is left."""
    role, arn = victim.iam_role("reader"), f"arn:aws:iam::{ACCOUNT}:role/{victim.iam_role('reader')}"
    agents = [manifests.agent_role_arn(f"{each.namespace}-orders") for each in (victim, tenant)]
    trust = json.loads(theirs.identity()["trustPolicy"])
    for statement in trust["Statement"]:
        statement["Principal"] = {"AWS": agents}
    administrator = surroundings.administrator()
    rights = keyspaces_statement("Select", account=ACCOUNT, region=REGION, tables=KEYSPACES_RIGHTS)
    administrator.database_role(role, trust_policy=json.dumps(trust), statements=[rights])
    both = [arn, f"arn:aws:iam::{ACCOUNT}:role/{tenant.iam_role('reader')}"]
    administrator.agent_role(own.agent_role, trust_policy=own.identity()["agentTrustPolicy"], assumes=both)
    tenant.grant("stolen", "web", manifests.rule(db_users=[role], **SHOP))
    with tenant.client("web", name="steals-a-role").driver() as driver:
        refusal = driver.refused_once_granted("stolen", role)
        driver.connect_once_granted("own", tenant.iam_role("reader"))
    assert f"AWS does not let the agent assume {arn}" in refusal["message"]
    calls = [call for call in surroundings.aws_calls() if call["parameters"].get("RoleArn") == arn]
    tried = [call for call in calls if call["parameters"].get("ExternalId") == own.identity()["externalID"]]
    assert tried, "the attempt reached STS"
    assert all(call["error"]["code"] == "AccessDenied" for call in tried)
    honest.do("connect", name="after", user=role)
    assert honest.do("execute", name="after", cql=ITEMS)["rows"] == [["anvil"]]


def test_agents_that_name_another_tenant_s_agent_role_do_not_get_it(
    tenant: Tenant, theirs: Database, surroundings: Surroundings
) -> None:
    """The platform's pattern admits the ARN; the role trusts the ServiceAccount of the other's agents alone."""
    arn = manifests.agent_role_arn(f"{theirs.namespace}-orders")
    endpoint = manifests.custom_endpoint(surroundings.authority)
    tenant.kube.apply(manifests.database("posing", tenant.namespace, endpoint=endpoint, role_arn=arn))
    posing = Database(tenant=tenant, name="posing", agent_role=theirs.agent_role)

    def refused_by_sts() -> list[dict[str, Any]]:
        calls = [call for call in surroundings.aws_calls() if call["parameters"].get("RoleArn") == arn]
        return [call for call in calls if call["error"] and call["error"]["code"] == "AccessDenied"]

    wait_for("STS to refuse the agents that pose as others", refused_by_sts, seconds=120)
    account = f"system:serviceaccount:{AGENTS_NAMESPACE}:{tenant.namespace}.posing"
    succeeded = [call for call in surroundings.aws_calls() if call["principal"] == account and not call["error"]]
    assert succeeded == []
    assert posing.condition(Condition.IDENTITY_VERIFIED).get("status") != "True"
    tenant.kube.delete("keyspacesdatabase", "posing", tenant.namespace)


SUBRESOURCES = {
    "log": ("get", "--raw", "{pod}/log"),
    "exec": ("create", "--raw", "{pod}/exec?command=id&stdout=true", "--filename=-"),
    "attach": ("create", "--raw", "{pod}/attach?stdout=true", "--filename=-"),
    "portforward": ("create", "--raw", "{pod}/portforward?ports=8080", "--filename=-"),
    "proxy": ("get", "--raw", "{pod}:8080/proxy/metrics"),
    "ephemeralcontainers": ("replace", "--raw", "{pod}/ephemeralcontainers", "--filename=-"),
    "eviction": ("create", "--raw", "{pod}/eviction", "--filename=-"),
}


@pytest.mark.parametrize("subresource", SUBRESOURCES)
@pytest.mark.parametrize("whose", ["own", "theirs"])
def test_no_way_leads_into_an_agent(
    own: Database, theirs: Database, admin: Kubectl, subresource: str, whose: str
) -> None:
    agent = (own if whose == "own" else theirs).agents()[0]
    pod = f"/api/v1/namespaces/{AGENTS_NAMESPACE}/pods/{agent['metadata']['name']}"
    arguments = [argument.format(pod=pod) for argument in SUBRESOURCES[subresource]]
    body = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": agent["metadata"]["name"]}})
    forbidden(admin, *arguments, stdin=body if subresource == "eviction" else json.dumps(agent))


def test_a_pod_of_the_tenant_s_mounts_no_secret_of_the_agents(tenant: Tenant, own: Database, admin: Kubectl) -> None:
    """A volume names a Secret of its own namespace: that of the agents is in theirs."""
    (secret,) = own.children("secrets")
    thief = manifests.client_pod("mounts-a-secret", tenant.namespace, account="web", database="orders")
    thief["spec"]["volumes"][1] = {"name": "ca", "secret": {"secretName": secret["metadata"]["name"]}}
    admin.apply(thief)

    def told() -> str:
        events = admin.run("get", "events", f"--namespace={tenant.namespace}", "--output=json")
        notes: list[str] = [
            event["message"] for event in json.loads(events)["items"] if event["reason"] == "FailedMount"
        ]
        found = [note for note in notes if f'"{secret["metadata"]["name"]}" not found' in note]
        if not found:
            raise NotYet(str(notes))
        return found[0]

    wait_for("the pod to miss its Secret", told, seconds=90)
    admin.run("delete", "pod", "mounts-a-secret", f"--namespace={tenant.namespace}", "--wait=false")


def test_an_agent_that_bears_another_database_s_name_is_refused_for_its_ca(
    tenant: Tenant, victim: Tenant, own: Database, theirs: Database, admin: Kubectl, honest: Driver
) -> None:
    """`service.hostnames` puts any name into a leaf; whoever reaches the wrong agents trusts another CA."""
    names = json.dumps({"spec": {"agent": {"service": {"hostnames": [host_of(theirs)]}}}})
    there = f"--namespace={tenant.namespace}"
    admin.run("patch", "keyspacesdatabase", "orders", there, "--type=merge", f"--patch={names}")
    # It verifies the victim's name as the victim's clients do, but trusts the attacker's CA.
    pod = manifests.client_pod("believes-the-name", tenant.namespace, account="web", database="orders")
    with tenant.start(pod, host=host_of(theirs)).driver() as fooled:
        wait_for(
            "the attacker's agents to bear the victim's name",
            lambda: connected(fooled, tenant.iam_role("reader"), host_of(own)),
            seconds=120,
        )
    refusal = honest.refusal("connect", name="led-astray", user=victim.iam_role("reader"), address=host_of(own))
    assert "CERTIFICATE_VERIFY_FAILED" in refusal["message"], refusal
    assert "mismatch" not in refusal["message"].lower(), "it is the CA that is wrong, not the name"
    honest.do("connect", name="at-home", user=victim.iam_role("reader"), address=host_of(theirs))


def connected(driver: Driver, user: str, address: str) -> Answer:
    answer = driver.attempt("connect", name="named", user=user, address=address)
    if "failure" in answer:
        raise NotYet(str(answer["failure"]))
    return answer


def test_a_lock_of_one_tenant_leaves_another_s_sessions_alone(
    tenant: Tenant, victim: Tenant, own: Database, admin: Kubectl, honest: Driver
) -> None:
    everybody = {"subject": {"kind": "Group", "name": "system:serviceaccounts"}}
    admin.apply(manifests.lock("siege", tenant.namespace, target=everybody))
    with tenant.client("web", name="locked-out").driver() as driver:

        def locked_out() -> Object:
            refusal: Object = driver.attempt("connect", name="locked", user=tenant.iam_role("reader")).get(
                "failure", {}
            )
            if "is locked out of" not in refusal.get("message", ""):
                raise NotYet(str(refusal))
            return refusal

        wait_for("the lock to hold at home", locked_out, seconds=30)
    assert honest.do("execute", name="before", cql=ITEMS)["rows"] == [["anvil"]]
    honest.do("connect", name="during-a-siege", user=victim.iam_role("reader"))
    admin.run("delete", "keyspaceslock", "siege", f"--namespace={tenant.namespace}")

"""No token and no key in anything that the product puts out: logs, audit trail, events, status, objects, metrics."""

import re

from keyward_api.names import AGENTS_NAMESPACE, SYSTEM_NAMESPACE
from tests.e2e import audit, manifests, operator, tokens
from tests.e2e.audit import record_of
from tests.e2e.kube import EVERY_NAMESPACE, Object
from tests.e2e.tenants import Database, Tenant

FORMS = {
    "a JSON web token": re.compile(r"eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a session token of AWS": re.compile(r"IQoJb3JpZ2luX2Vj"),
}
"""What secrets look like, whichever they are."""


def test_no_secret_is_in_anything_that_is_put_out(tenant: Tenant) -> None:
    role = tenant.iam_role("reader")
    database = tenant.database(iam_roles=[role])
    tenant.grant("reader", "web", manifests.rule(db_users=[role], keyspaces=["e2e_shop"], tables=["items"]))
    secrets = use_everything(tenant, database, role)
    (agent,) = database.agents()
    secrets |= secrets_of_the_agent(database, agent)
    outputs = everything_put_out(tenant, agent)
    assert "session.denied" in outputs["the audit trail"], "what is searched is not what was written"
    for place, text in outputs.items():
        for name, secret in secrets.items():
            assert secret not in text, f"{name} is in {place}"
        for name, form in FORMS.items():
            found = form.search(text)
            assert found is None, f"{name} is in {place}: …{text[max(0, found.start() - 200) : found.start()]}"


def use_everything(tenant: Tenant, database: Database, role: str) -> dict[str, str]:
    """Log in rightly and wrongly, with tokens in every place where a person might put one by mistake."""
    good = tokens.minted(tenant.kube, "web", tenant.namespace, audience=database.audience)
    elsewhere = tokens.minted(tenant.kube, "web", tenant.namespace, audience="keyward.dev/else/where")
    default = tokens.minted(tenant.kube, "web", tenant.namespace, audience=None)
    expired, strange = tokens.expired(good), tokens.signed_by_a_stranger(good)
    with tenant.client("web").driver() as driver:
        projected = driver.do("token")["token"]
        driver.connect_once_granted("s", role)
        for password in (elsewhere, default, expired, strange):
            driver.refusal("connect", name="refused", user=role, password=password)
        driver.refusal("connect", name="refused", user=good, password=good)
        driver.refusal("connect", name="refused", user=good[:60], password=default)
        select = "SELECT name FROM e2e_shop.items"
        for cql in (f"{select} WHERE name = '{good}'", f"-- {good}\n{select}", f"{select} -- {good}", good):
            driver.attempt("execute", name="s", cql=cql)
        driver.do("wire", name="w")
        driver.do("wire_send", name="w", data=good.encode().hex())
        driver.do("wire_close", name="w")
        driver.do("close", name="s")
    where = (database.kube, database.namespace, database.name)
    record_of(*where, "the session's end", lambda record: bool(record["event"] == "session.end"))
    record_of(*where, "a refused login", lambda record: bool(record["event"] == "session.denied"))
    used = {
        "the client's projected token": projected,
        "a minted token": good,
        "a token for another database": elsewhere,
        "a token for the API server": default,
        "an expired token": expired,
        "a token of a stranger": strange,
    }
    return {f"the signature of {name}": token.split(".")[2] for name, token in used.items()}


def secrets_of_the_agent(database: Database, agent: Object) -> dict[str, str]:
    """What only the agent holds."""
    there = f"--namespace={AGENTS_NAMESPACE}"
    read = ("exec", agent["metadata"]["name"], there, "--", "cat")
    own = database.kube.run(*read, "/var/run/secrets/kubernetes.io/serviceaccount/token")
    web = database.kube.run(*read, "/var/run/secrets/eks.amazonaws.com/serviceaccount/token")
    key = database.kube.run(*read, "/etc/keyward/ca/tls.key")
    return {
        "the agent's token for the API server": own.split(".")[2].strip(),
        "the agent's web identity": web.split(".")[2].strip(),
        "the key of the database's CA": key.strip().splitlines()[1],
    }


def everything_put_out(tenant: Tenant, agent: Object) -> dict[str, str]:
    """By place, all that anybody but the holder of a secret may read."""
    kube, name = tenant.kube, agent["metadata"]["name"]
    outputs = {
        "the audit trail": "\n".join(audit.stream(agent, "stdout")),
        "the agent's log": "\n".join(audit.stream(agent, "stderr")),
        "the agent's metrics": kube.metrics(name, AGENTS_NAMESPACE),
        "the events": kube.run("get", "events", EVERY_NAMESPACE, "--output=yaml"),
    }
    for pod in operator.pods(kube):
        outputs["the operator's log"] = kube.logs(pod["metadata"]["name"], SYSTEM_NAMESPACE)
        outputs["the operator's metrics"] = kube.metrics(pod["metadata"]["name"], SYSTEM_NAMESPACE)
    objects = "keyspacesdatabases,keyspacesroles,keyspacesusers,keyspacespolicies,configmaps,deployments,services"
    for kind in (*objects.split(","), "pods", "serviceaccounts", "leases"):
        for namespace in (tenant.namespace, AGENTS_NAMESPACE, SYSTEM_NAMESPACE):
            outputs[f"{kind} of {namespace}"] = kube.run("get", kind, f"--namespace={namespace}", "--output=yaml")
    return outputs

"""What the API server refuses by itself: every message names the field and says what would be right."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import manifests
from tests.e2e.kube import Finished, Kubectl, Object

NAMESPACE = "default"
"""Nothing gets stored: everything here is refused, or applied as a dry run."""

Change = Callable[[Object], None]


def a_database() -> Object:
    endpoint = {"type": "Public"}
    return manifests.database("invalid", NAMESPACE, endpoint=endpoint, role_arn=manifests.agent_role_arn("invalid"))


def a_role() -> Object:
    return manifests.role("invalid", NAMESPACE, allow=[manifests.rule(db_users=["Reader"])])


def a_user() -> Object:
    subject = manifests.service_account_subject("web", NAMESPACE)
    return manifests.user("invalid", NAMESPACE, subjects=[subject], roles=["reader"])


def a_lock() -> Object:
    return manifests.lock("invalid", NAMESPACE, target={"user": "web"})


def put(*path: str | int, value: Any) -> Change:
    """A change that sets one field."""

    def change(resource: Object) -> None:
        parent: Any = resource["spec"]
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value

    return change


def rename(old: str, new: str) -> Change:
    """A change that misspells a field of the first allow rule."""

    def change(resource: Object) -> None:
        rule = resource["spec"]["allow"][0]
        rule[new] = rule.pop(old)

    return change


def accepted(cluster: Kubectl, resource: Object, *, validation: str = "Strict") -> Finished:
    """The API server's answer to a resource."""
    return cluster.try_create(resource["kind"].lower() + "s", resource, validation=validation)


def refused(cluster: Kubectl, resource: Object, *, validation: str = "Strict") -> str:
    """What the API server says to a resource that it must refuse."""
    answer = accepted(cluster, resource, validation=validation)
    assert answer.status != 0, f"the API server took {resource['spec']}"
    return answer.stderr


def must_refuse(cluster: Kubectl, resource: Object, change: Change, field: str, says: str) -> None:
    """The changed resource is refused, by a message that names the field and says what would be right."""
    change(resource)
    message = refused(cluster, resource)
    assert field in message
    assert says in message


def an_iam_role() -> Object:
    return manifests.iam_role("invalid", NAMESPACE, role_name="Reader", management="Manage")


def test_the_manifests_that_the_cases_start_from_are_valid(platform: Kubectl) -> None:
    for resource in (a_database(), a_role(), a_user(), a_lock(), an_iam_role()):
        answer = accepted(platform, resource)
        assert answer.status == 0, answer.stderr


def test_kubectl_apply_shows_what_the_api_server_says(platform: Kubectl) -> None:
    resource = a_role()
    rename("tables", "table")(resource)
    answer = platform.try_apply(resource)
    assert answer.status != 0
    assert 'unknown field "spec.allow[0].table"' in answer.stderr


VPC_ADDRESS = "vpce-0a1b-2c3d.cassandra.us-east-1.vpce.amazonaws.com"

DATABASES = [
    (
        "an account id that is not 12 digits",
        put("aws", "accountID", value="1234"),
        "spec.aws.accountID",
        "12",
    ),
    (
        "a region that is none",
        put("aws", "region", value="Virginia"),
        "spec.aws.region",
        "should match",
    ),
    (
        "a node selector that no label can have",
        put("agent", "nodeSelector", value={"not a key": "x"}),
        "spec.agent.nodeSelector",
        "must be label keys",
    ),
    (
        "a toleration of a value without a key",
        put("agent", "tolerations", value=[{"value": "x"}]),
        "spec.agent.tolerations[0]",
        "`key` must be set",
    ),
    (
        "a quantity that is none",
        put("agent", "resources", value={"requests": {"cpu": "much"}}),
        "spec.agent.resources.requests.cpu",
        "should match",
    ),
    (
        "an unknown endpoint type",
        put("endpoint", "type", value="Private"),
        "spec.endpoint.type",
        'supported values: "Public", "DualStack", "FIPS", "VPC", "Custom"',
    ),
    (
        "an address of a type that derives it",
        put("endpoint", value={"type": "Public", "address": "cassandra.example.com"}),
        "spec.endpoint",
        "`address` must be set for types 'VPC' and 'Custom', and for no other",
    ),
    (
        "a custom endpoint without an address",
        put("endpoint", value={"type": "Custom"}),
        "spec.endpoint",
        "`address` must be set for types 'VPC' and 'Custom', and for no other",
    ),
    (
        "a CA of one's own at a public endpoint",
        put("endpoint", value={"type": "Public", "caBundle": "PEM"}),
        "spec.endpoint",
        "`serverName` and `caBundle` may be set for type 'Custom' only",
    ),
    (
        "a server name of one's own at a VPC endpoint",
        put("endpoint", value={"type": "VPC", "address": VPC_ADDRESS, "serverName": "rogue.example.com"}),
        "spec.endpoint",
        "`serverName` and `caBundle` may be set for type 'Custom' only",
    ),
    (
        "a VPC endpoint that is not Amazon's",
        put("endpoint", value={"type": "VPC", "address": "vpce-1.rogue.example.com"}),
        "spec",
        "must be of the form 'vpce-….cassandra.<region>.vpce.amazonaws.com', in `aws.region`",
    ),
    (
        "a VPC endpoint of another region",
        put("endpoint", value={"type": "VPC", "address": VPC_ADDRESS.replace("us-east-1", "eu-west-1")}),
        "spec",
        "must be of the form 'vpce-….cassandra.<region>.vpce.amazonaws.com', in `aws.region`",
    ),
    (
        "FIPS in a region without it",
        lambda resource: resource["spec"].update(
            aws=resource["spec"]["aws"] | {"region": "eu-central-1"}, endpoint={"type": "FIPS"}
        ),
        "spec",
        "Keyspaces has no FIPS endpoint in this region: choose another `endpoint.type`",
    ),
    (
        "dual stack in China",
        lambda resource: resource["spec"].update(
            aws=resource["spec"]["aws"] | {"region": "cn-north-1"}, endpoint={"type": "DualStack"}
        ),
        "spec",
        "Keyspaces has no dual-stack endpoint in China: choose another `endpoint.type`",
    ),
    (
        "a role ARN that is none",
        put("agent", "identity", "roleARN", value="keyward-agent-orders-without-account"),
        "spec.agent.identity.roleARN",
        "should match",
    ),
    (
        "agents without an IAM role that somebody made or is to make",
        lambda resource: resource["spec"]["agent"].update(identity={"type": "IRSA"}),
        "spec.agent.identity",
        "`roleARN` must be set for `management` 'Adopt'",
    ),
    (
        "an IAM role that the operator is to make under a name of one's own",
        put("agent", "identity", "management", value="Manage"),
        "spec.agent.identity",
        "and for no other: the operator names what it makes",
    ),
    (
        "an identity type that does not exist yet",
        put("agent", "identity", "type", value="Ambient"),
        "spec.agent.identity.type",
        'supported values: "IRSA"',
    ),
    (
        "a negative number of agents",
        put("agent", "replicas", value=-1),
        "spec.agent.replicas",
        "greater than or equal to 0",
    ),
    (
        "a field that no version knows",
        put("agent", "image", value="example.com/rogue:1"),
        'unknown field "spec.agent.image"',
        "strict decoding error",
    ),
    (
        "a misspelt optional field",
        put("agent", "replica", value=3),
        'unknown field "spec.agent.replica"',
        "strict decoding error",
    ),
]


@pytest.mark.parametrize(("change", "field", "says"), [pytest.param(*case[1:], id=case[0]) for case in DATABASES])
def test_a_database_is_refused_for(platform: Kubectl, change: Change, field: str, says: str) -> None:
    must_refuse(platform, a_database(), change, field, says)


def test_a_database_name_is_at_most_40_characters_long(platform: Kubectl) -> None:
    resource = a_database()
    resource["metadata"]["name"] = "o" * 41
    message = refused(platform, resource)
    assert "40 characters" in message


ROLES = [
    *(
        (
            f"a rule without {dimension}",
            lambda resource, dimension=dimension: resource["spec"]["allow"][0].pop(dimension),
            f"spec.allow[0].{dimension}",
            "Required value",
        )
        for dimension in ("databases", "dbUsers", "keyspaces", "tables", "permissions")
    ),
    *(
        (
            f"a rule that writes {misspelt} for {dimension}",
            rename(dimension, misspelt),
            f'unknown field "spec.allow[0].{misspelt}"',
            "strict decoding error",
        )
        for dimension, misspelt in (
            ("databases", "database"),
            ("dbUsers", "dbusers"),
            ("keyspaces", "keyspace"),
            ("tables", "table"),
            ("permissions", "permission"),
        )
    ),
    (
        "a pattern among the IAM roles",
        put("allow", 0, "dbUsers", value=["Reader*"]),
        "spec.allow[0].dbUsers[0]",
        "should match",
    ),
    (
        "an empty dimension",
        put("allow", 0, "tables", value=[]),
        "spec.allow[0].tables",
        "should have at least 1 items",
    ),
    (
        "a selector that compares with nothing",
        put("allow", 0, "databases", value={"selector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}}),
        "spec.allow[0].databases.selector.matchExpressions[0]",
        "`In` and `NotIn` need `values`",
    ),
    (
        "a keyspace pattern with other signs than the star",
        put("allow", 0, "keyspaces", value=["shop?"]),
        "spec.allow[0].keyspaces[0]",
        "should match",
    ),
    (
        "a permission that does not exist",
        put("allow", 0, "permissions", value=["Read"]),
        "spec.allow[0].permissions[0]",
        'supported values: "Select", "Modify", "Create", "Alter", "Drop", "Restore", "UpdatePartitioner", "*"',
    ),
    (
        "both ways to say which databases",
        put("allow", 0, "databases", value={"names": ["orders"], "selector": {}}),
        "spec.allow[0].databases",
        "set exactly one of `names` and `selector`",
    ),
    (
        "neither way to say which databases",
        put("allow", 0, "databases", value={}),
        "spec.allow[0].databases",
        "set exactly one of `names` and `selector`",
    ),
    (
        "the same fault in a deny",
        lambda resource: resource["spec"].update(deny=[manifests.rule(db_users=["Reader*"])]),
        "spec.deny[0].dbUsers[0]",
        "should match",
    ),
    (
        "a section that does not exist",
        put("allows", value=[]),
        'unknown field "spec.allows"',
        "strict decoding error",
    ),
]


@pytest.mark.parametrize(("change", "field", "says"), [pytest.param(*case[1:], id=case[0]) for case in ROLES])
def test_a_role_is_refused_for(platform: Kubectl, change: Change, field: str, says: str) -> None:
    must_refuse(platform, a_role(), change, field, says)


@pytest.mark.parametrize("dimension", ["databases", "dbUsers", "keyspaces", "tables", "permissions"])
def test_a_misspelt_dimension_is_refused_even_without_strict_validation(platform: Kubectl, dimension: str) -> None:
    """Clients that do not ask for strict validation lose unknown fields; a rule must not get wider by it."""
    resource = a_role()
    rename(dimension, dimension + "x")(resource)
    message = refused(platform, resource, validation="Ignore")
    assert f"spec.allow[0].{dimension}: Required value" in message


def subject(**changes: str) -> Change:
    """A change of the first subject; an empty value removes the field."""

    def change(resource: Object) -> None:
        merged = resource["spec"]["subjects"][0] | changes
        resource["spec"]["subjects"] = [{key: value for key, value in merged.items() if value}]

    return change


EVERYBODY = "of the 'system:' groups only 'system:serviceaccounts:<namespace>' is accepted"

USERS = [
    (
        "an end that is no time",
        lambda resource: resource["spec"].update(expireTime="tomorrow"),
        "spec.expireTime",
        "date-time",
    ),
    (
        "a ServiceAccount without its namespace",
        subject(namespace=""),
        "spec.subjects[0]",
        "`namespace` must be set for kind 'ServiceAccount', and for no other",
    ),
    (
        "a Group with a namespace",
        subject(kind="Group", name="developers"),
        "spec.subjects[0]",
        "`namespace` must be set for kind 'ServiceAccount', and for no other",
    ),
    (
        "the group of everybody who is authenticated",
        subject(kind="Group", name="system:authenticated", namespace=""),
        "spec.subjects[0]",
        EVERYBODY,
    ),
    (
        "the group of everybody who is not",
        subject(kind="Group", name="system:unauthenticated", namespace=""),
        "spec.subjects[0]",
        EVERYBODY,
    ),
    (
        "the group of all ServiceAccounts of the cluster",
        subject(kind="Group", name="system:serviceaccounts", namespace=""),
        "spec.subjects[0]",
        EVERYBODY,
    ),
    (
        "a kind of subject that does not exist",
        subject(kind="Robot", name="ann", namespace=""),
        "spec.subjects[0].kind",
        'supported values: "ServiceAccount", "User", "Group"',
    ),
    (
        "a user that is Kubernetes' own",
        subject(kind="User", name="system:kube-scheduler", namespace=""),
        "spec.subjects[0]",
        "a User may not be one of Kubernetes' own",
    ),
    (
        "a ServiceAccount of an impossible name",
        subject(name="Web"),
        "spec.subjects[0]",
        "`name` of a ServiceAccount must be a lower-case DNS name",
    ),
    ("nobody", put("subjects", value=[]), "spec.subjects", "should have at least 1 items"),
    ("no role", put("roles", value=[]), "spec.roles", "should have at least 1 items"),
    (
        "a field that does not exist yet",
        put("requests", value=[]),
        'unknown field "spec.requests"',
        "strict decoding error",
    ),
]


@pytest.mark.parametrize(("change", "field", "says"), [pytest.param(*case[1:], id=case[0]) for case in USERS])
def test_a_user_is_refused_for(platform: Kubectl, change: Change, field: str, says: str) -> None:
    must_refuse(platform, a_user(), change, field, says)


def test_the_group_of_one_namespaces_service_accounts_is_accepted(platform: Kubectl) -> None:
    resource = a_user()
    subject(kind="Group", name="system:serviceaccounts:payments", namespace="")(resource)
    answer = accepted(platform, resource)
    assert answer.status == 0, answer.stderr


LOCKS = [
    ("nothing that is locked", put("target", value={}), "spec.target", "set exactly one of `subject`, `user`, `role`"),
    (
        "two things that are locked",
        put("target", value={"user": "web", "session": "0" * 32}),
        "spec.target",
        "set exactly one of `subject`, `user`, `role`",
    ),
    (
        "a target that does not exist yet",
        put("target", value={"request": "r-1"}),
        'unknown field "spec.target.request"',
        "strict decoding error",
    ),
    (
        "a ServiceAccount without its namespace",
        put("target", value={"subject": {"kind": "ServiceAccount", "name": "web"}}),
        "spec.target.subject",
        "`namespace` must be set for kind 'ServiceAccount', and for no other",
    ),
    ("a session that is none", put("target", value={"session": "s-1"}), "spec.target.session", "32"),
    ("all IAM roles", put("target", value={"dbUser": "*"}), "spec.target.dbUser", "should match"),
    ("an end that is no time", put("expireTime", value="tomorrow"), "spec.expireTime", "date-time"),
    ("a long message", put("message", value="m" * 257), "spec.message", "Too long"),
]


@pytest.mark.parametrize(("change", "field", "says"), [pytest.param(*case[1:], id=case[0]) for case in LOCKS])
def test_a_lock_is_refused_for(platform: Kubectl, change: Change, field: str, says: str) -> None:
    must_refuse(platform, a_lock(), change, field, says)


@pytest.mark.parametrize("group", ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:payments"])
def test_groups_that_hold_many_may_be_locked(platform: Kubectl, group: str) -> None:
    resource = a_lock()
    put("target", value={"subject": {"kind": "Group", "name": group}})(resource)
    answer = accepted(platform, resource)
    assert answer.status == 0, answer.stderr


IAM_ROLES = [
    ("a path in the name", put("roleName", value="team/Reader"), "spec.roleName", "should match"),
    ("an account id that is not 12 digits", put("accountID", value="1234"), "spec.accountID", "12"),
    (
        "rights for a role that somebody else made",
        lambda resource: resource["spec"].update(management="Adopt", tags={"team": "a"}),
        "spec",
        "may be set for `management` 'Manage' only",
    ),
    (
        "a tag that is the operator's",
        put("tags", value={"keyward:uid": "x"}),
        "spec.tags",
        "keys of `tags` must not begin with 'keyward:'",
    ),
    (
        "a session that is shorter than IAM takes",
        put("maxSessionSeconds", value=60),
        "spec.maxSessionSeconds",
        "should be greater than or equal to 3600",
    ),
]


@pytest.mark.parametrize(("change", "field", "says"), [pytest.param(*case[1:], id=case[0]) for case in IAM_ROLES])
def test_an_iam_role_is_refused_for(platform: Kubectl, change: Change, field: str, says: str) -> None:
    must_refuse(platform, an_iam_role(), change, field, says)

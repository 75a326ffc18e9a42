"""What policies shall be: compiled here and now, from everything that there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from keyward_api import names
from keyward_api.compiler import compile_policy
from keyward_api.reading import read
from keyward_api.resources.database import KeyspacesDatabase
from keyward_operator.plan.observed import Cluster

Json = dict[str, Any]


def expected_policy(
    document: Json,
    *,
    roles: Sequence[Json],
    users: Sequence[Json],
    locks: Sequence[Json] = (),
    iam_roles: Sequence[Json] = (),
    cluster: Cluster,
    service: Json,
) -> Json:
    """The spec of a database's policy; `service` is that of its agents. Nobody makes IAM roles."""
    database, problem = read(KeyspacesDatabase, document)
    assert database is not None, problem
    compilation = compile_policy(
        database=database,
        roles=roles,
        users=users,
        locks=locks,
        iam_roles=iam_roles,
        iam_paths={},
        agent_role_arn=str(database.spec.agent.identity.role_arn),
        cluster_uid=cluster.uid,
        service_address=service["spec"]["clusterIP"],
        now=datetime.now(UTC),
    )
    spec: Json = compilation.spec.to_json_dict()
    return spec


def policy_name(document: Json) -> str:
    """The name of a database's policy."""
    metadata = document["metadata"]
    return names.dotted_child_name(namespace=metadata["namespace"], name=metadata["name"])


def service_name(document: Json) -> str:
    """The name of the Service of a database's agents."""
    metadata = document["metadata"]
    return names.child_name(namespace=metadata["namespace"], name=metadata["name"])

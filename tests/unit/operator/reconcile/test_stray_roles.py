import logging
from typing import Any, cast

import pytest

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds, metrics
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import StrayRolesKey
from keyward_operator.kinds import Kind
from keyward_operator.reconcile.stray_roles import StrayRolesReconciler
from keyward_operator.scope import Scope
from tests.unit.operator.builders import CLUSTER, database
from tests.unit.operator.iam_roles import TAGS, document, platform

KEY = StrayRolesKey()
GONE = TAGS | {names.TAG_UID: "uid-gone"}


class Iam:
    """Roles by name, with their tags; those of one path."""

    def __init__(self, **roles: dict[str, str] | None) -> None:
        self.roles = roles
        self.asked: list[str] = []

    async def role_names(self, path: str) -> list[str]:
        assert path == "/keyward/blue/"
        return list(self.roles)

    async def role_tags(self, name: str) -> dict[str, str] | None:
        self.asked.append(name)
        return self.roles[name]


class Objects:
    """What the API server lists."""

    async def list_all(self, kind: Kind, *, namespace: str | None) -> list[dict[str, Any]]:
        return [document()] if kind is kinds.KEYSPACES_IAM_ROLE else [database()]


def reconciler(iam: Iam, settings: PlatformSettings, *namespaces: str) -> StrayRolesReconciler:
    return StrayRolesReconciler(
        cast(KubernetesApi, Objects()),
        cast(IamApi, iam),
        Scope(operator_namespace="home", agents_namespace="agents", namespaces=namespaces),
        cluster=CLUSTER,
        settings=lambda: settings,
        journal=Journal(),
    )


async def strays(iam: Iam, *namespaces: str) -> float:
    await reconciler(iam, platform(), *namespaces).reconcile(KEY)
    return float(metrics.STRAY_IAM_ROLES._value.get())


async def test_a_role_whose_object_is_gone_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = reconciler(Iam(old=GONE), platform())
    for _ in range(2):
        await found.reconcile(KEY)
    (told,) = [record.getMessage() for record in caplog.records]
    assert "IAM role old was made for payments/reader (uid uid-gone), which is gone" in told
    assert "aws iam untag-role --role-name old --tag-keys keyward:cluster" in told


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (GONE, 1),
        (TAGS, 0),  # the object exists, though it names another role by now
        (GONE | {names.TAG_CLUSTER: "green"}, 0),
        ({key: value for key, value in GONE.items() if key != names.TAG_NAME}, 0),
        (None, 0),  # deleted since it was listed
    ],
)
async def test_only_complete_tags_of_this_cluster_count(tags: dict[str, str] | None, expected: int) -> None:
    assert await strays(Iam(old=tags)) == expected


async def test_roles_that_objects_name_are_theirs_to_tell_of() -> None:
    own = names.agent_role_name(cluster="blue", namespace="payments", database="orders")
    iam = Iam(**{"Reader": GONE, own: GONE})
    assert await strays(iam) == 0
    assert iam.asked == []


async def test_other_namespaces_are_not_its_business() -> None:
    assert await strays(Iam(old=GONE), "billing") == 0
    assert await strays(Iam(old=GONE), "payments") == 1


async def test_nothing_is_asked_where_no_entry_lets_the_operator_make_roles() -> None:
    iam = Iam(old=GONE)
    await reconciler(iam, platform("Verify")).reconcile(KEY)
    assert iam.asked == []

"""What cannot be looked at hides nothing else; tests/integration/operator/test_explain.py has the rest."""

from datetime import datetime
from typing import Any, cast

from keyward_operator.errors import OperatorError
from keyward_operator.keys import DatabaseKey, IAMRoleKey
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.view import View
from keyward_operator.reconcile.previews import Previews
from keyward_operator.reconcile.survey import Inputs, NamespaceWorld
from tests.unit.operator.builders import Json, observed, role, user, view_for
from tests.unit.operator.plan.access.worlds import named


class Namespace:
    """With a role and a user, and a database of the user's name."""

    async def survey_access(self, namespace: str) -> NamespaceWorld:
        inputs = Inputs(roles=(named(role("app")),), users=(named(user()),), locks=(), iam_roles=())
        databases = {"app": observed().database}
        return NamespaceWorld(namespace=namespace, databases=databases, labels={}, inputs=inputs, children={}, pods={})

    async def database(self, *_: object) -> Observed:
        return observed(roles=(named(role("app")),), users=(named(user()),))

    async def of(self, seen: Observed, _: datetime) -> View:
        return view_for(seen)


async def database(_: DatabaseKey) -> Json:
    return {"conditions": {}, "pending": []}


async def refused(_: IAMRoleKey) -> Json | None:
    raise OperatorError("IAM is away")


async def test_what_fails_for_one_kind_hides_no_other() -> None:
    there = cast("Any", Namespace())
    preview = await Previews(databases=database, iam_roles=refused, surveyor=there, views=there).of("payments", "app")
    assert preview.problems == ["IAM is away"]
    assert list(preview.found) == [
        "KeyspacesDatabase payments/app",
        "KeyspacesRole payments/app",
        "KeyspacesUser payments/app",
    ]
    told = preview.found["KeyspacesUser payments/app"]
    assert "reader" in told["conditions"]["ReferencesResolved"]["message"]
    assert told["pending"] == ["set the status of KeyspacesUser payments/app"]

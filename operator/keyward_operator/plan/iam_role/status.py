"""The status of a KeyspacesIAMRole. What IAM's administrators need is there before the role is."""

from keyward_api.resources.iam_role import POLICY_CHARACTERS_LIMIT
from keyward_api.resources.models import shown
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role.conditions import conditions
from keyward_operator.plan.iam_role.view import View
from keyward_operator.plan.verdicts import Verdict


def status_of(view: View, *, deletion: Verdict | None = None) -> Json:
    """The whole status."""
    status: Json = {"conditions": conditions(view, deletion=deletion)}
    if view.spec is None:
        return status
    status["arn"] = view.arn()
    status["databases"] = shown(use.name for use in view.observed.databases)
    if view.observed.databases:
        policies = {"trustPolicy": view.trust, "permissionsPolicy": view.permissions}
        status |= {name: text for name, text in policies.items() if len(text) <= POLICY_CHARACTERS_LIMIT}
    return status

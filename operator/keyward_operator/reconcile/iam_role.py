"""Gathers what the plan for one KeyspacesIAMRole is made from, as far as the platform lets the operator look."""

from collections.abc import Iterable, Mapping

from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_api.tenants import PlatformSettings
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role.observed import DatabaseUse, Observed
from keyward_operator.plan.iam_role.uses import uses_of
from keyward_operator.plan.iam_role.view import admission_of, read_spec
from keyward_operator.reconcile.iam_executor import IamExecutor, Reading


async def observe_iam_role(
    executor: IamExecutor,
    *,
    document: Json,
    namespace_labels: Mapping[str, str],
    cluster: str,
    policies: Iterable[KeyspacesPolicySpec],
    settings: PlatformSettings,
) -> Observed:
    """Everything about a KeyspacesIAMRole; `policies` are the compiled ones of all databases of its namespace.

    IAM is not asked where the platform's mode is `None`, or where the spec cannot be read. Raises IamUnavailableError.
    """
    spec, _ = read_spec(document)
    admission = admission_of(document, settings=settings, namespace_labels=namespace_labels)
    uses: tuple[DatabaseUse, ...] = ()
    reading = Reading(account=None, role=None, unreadable=None)
    if spec is not None:
        uses = uses_of(role_name=spec.role_name, account_id=spec.account_id, policies=policies)
    if spec is not None and admission is not None and admission.iam.mode != "None":
        reading = await executor.read(
            role_name=spec.role_name, account_id=spec.account_id, documents=spec.management == "Adopt"
        )
        if reading.account is not None and spec.management == "Manage":
            uses = await executor.look_for_agent_roles(uses, reading.account)
    return Observed(
        document=document,
        cluster=cluster,
        namespace_labels=namespace_labels,
        databases=uses,
        account=reading.account,
        role=reading.role,
        unreadable=reading.unreadable,
    )

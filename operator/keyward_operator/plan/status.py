"""The status of a database. What its users need for IAM is there before anything else works.

What it says of the policy is not made here (see `access.policies`), nor what it says of the agents' own role.
"""

from keyward_api import iam, names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import selector_labels
from keyward_operator.manifests.external_service import address_of
from keyward_operator.plan.conditions import conditions
from keyward_operator.plan.standings import Standing
from keyward_operator.plan.view import View


def status_of(view: View) -> Json:
    """What the reconciler of databases says."""
    status: Json = {
        "conditions": conditions(view),
        **_replicas(view),
    }
    if view.database is not None:
        status["identity"] = _identity(view)
    if view.authorities is not None:
        status["caBundle"] = view.authorities.bundle.decode()
    if view.standings[Child.CLIENT_SERVICE] is not Standing.FOREIGN and not view.denied:
        owner = view.observed.owner
        status["address"] = names.client_address(namespace=owner.namespace, database=owner.name)
    if external := address_of(view.own(Child.EXTERNAL_SERVICE)):
        status["externalAddress"] = external
    return status


def _identity(view: View) -> Json:
    owner, cluster = view.observed.owner, view.observed.cluster
    account = view.context.reference(Child.SERVICE_ACCOUNT)
    role_arn = view.agent_role_arn
    external_id = names.external_id(cluster_uid=cluster.uid, namespace=owner.namespace, database=owner.name)
    identity = {
        "roleARN": role_arn,
        "serviceAccount": f"{account.namespace}/{account.name}",
        "externalID": external_id,
        "trustPolicy": iam.trust_policy(agent_role_arn=role_arn, external_id=external_id),
    }
    if cluster.issuer:
        identity["agentTrustPolicy"] = iam.agent_trust_policy(
            issuer=cluster.issuer,
            agent_role_arn=role_arn,
            namespace=account.namespace,
            service_account=account.name,
        )
    return identity


def _replicas(view: View) -> Json:
    deployed = (view.own(Child.DEPLOYMENT) or {}).get("status", {})
    return {
        "replicas": deployed.get("replicas", 0),
        "readyReplicas": deployed.get("readyReplicas", 0),
        "selector": ",".join(f"{name}={value}" for name, value in selector_labels(view.observed.owner).items()),
    }

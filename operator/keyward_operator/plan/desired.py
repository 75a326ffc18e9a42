"""Which children a database shall have, and which that exist shall go.

A database that may not be served gets no agents. What it had while it was served is closed, not left running: its
policy is emptied, so that agents end their sessions at once, and its Deployment is deleted. The CA and the names that
clients use stay, so that permission restores what clients know.
"""

from collections.abc import Iterator

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.autoscaler import autoscaler, replicas
from keyward_operator.manifests.aws_roots import aws_roots
from keyward_operator.manifests.ca_secret import ca_secret
from keyward_operator.manifests.client_ca import client_ca
from keyward_operator.manifests.client_service import client_service
from keyward_operator.manifests.deployment import deployment
from keyward_operator.manifests.disruption_budget import disruption_budget
from keyward_operator.manifests.external_service import external_service
from keyward_operator.manifests.network_policy import network_policy
from keyward_operator.manifests.policy import emptied, policy
from keyward_operator.manifests.replicas_service import replicas_service
from keyward_operator.manifests.role import role
from keyward_operator.manifests.role_binding import role_binding
from keyward_operator.manifests.service import service
from keyward_operator.manifests.service_account import service_account
from keyward_operator.plan.result import Deletion
from keyward_operator.plan.standings import Standing, standing
from keyward_operator.plan.view import View, published_policy


def manifests(view: View) -> dict[Child, Json]:
    """The children that can be made now, in the order in which they are made.

    The policy waits for the address of the Service. It is the first from then on: nothing that cannot be made, such as
    a Service beyond its namespace's quota, may keep a revocation from the agents. The Deployment waits for policy and
    CA, and for the ServiceAccount, which the webhook looks up when a pod is made.
    """
    published = wanted_policy(view)
    wanted = {Child.POLICY: published} if published else {}
    wanted |= () if view.denied else _served(view)
    free = (Standing.ABSENT, Standing.OWN)
    return {
        child: manifest
        for child, manifest in wanted.items()
        if view.standings[child] in free and child not in view.unused
    }


def wanted_policy(view: View) -> Json | None:
    """The policy as it shall be; None where it waits for something, or where there is none to be emptied."""
    if view.denied:
        published = published_policy(view.own(Child.POLICY))
        return policy(view.context, spec=emptied(published)) if published else None
    if view.compilation is None or not view.service_address:
        return None
    return policy(view.context, spec=view.compilation.spec)


def unwanted(view: View) -> tuple[Deletion, ...]:
    """What is of a predecessor or no longer wanted, and the agents of who may not be served."""
    surplus = set(view.unused)
    if view.denied:
        surplus |= {Child.DEPLOYMENT, Child.AUTOSCALER, Child.EXTERNAL_SERVICE}
    return (
        *(
            deletion(view, child)
            for child in Child
            if (
                view.standings[child] is Standing.ORPHAN or (child in surplus and view.standings[child] is Standing.OWN)
            )
            and not is_ending(view, child)
        ),
        *_unwanted_request(view),
    )


def _unwanted_request(view: View) -> Iterator[Deletion]:
    """A request with which nothing is left to do; where the whole database goes, it goes with the CA's Secret."""
    request = view.observed.certificate_request
    if request is None or standing(request, view.observed.owner) is Standing.FOREIGN:
        return
    if (view.issuance is None or view.issuance.is_over) and "deletionTimestamp" not in request["metadata"]:
        yield Deletion(reference=view.context.certificate_request(), uid=request["metadata"]["uid"])


def deletion(view: View, child: Child) -> Deletion:
    """To delete a child that exists."""
    return Deletion(reference=view.context.reference(child), uid=view.observed.children[child]["metadata"]["uid"])


def is_ending(view: View, child: Child) -> bool:
    """Whether a child is being deleted already: one that a finalizer holds is not deleted again and again."""
    return "deletionTimestamp" in view.observed.children[child]["metadata"]


def _served(view: View) -> Iterator[tuple[Child, Json]]:
    if view.database is None or view.compilation is None:
        return
    context, agent = view.context, view.database.spec.agent
    yield Child.SERVICE_ACCOUNT, service_account(context, role_arn=view.agent_role_arn)
    yield Child.ROLE, role(context)
    yield Child.ROLE_BINDING, role_binding(context)
    yield Child.SERVICE, service(context)
    yield Child.REPLICAS_SERVICE, replicas_service(context)
    yield Child.CLIENT_SERVICE, client_service(context)
    yield Child.DISRUPTION_BUDGET, disruption_budget(context)
    # Before the agents, so that none of them is ever without it.
    yield Child.NETWORK_POLICY, network_policy(context)
    yield Child.EXTERNAL_SERVICE, external_service(context, wanted=agent.service)
    yield Child.AWS_ROOTS, aws_roots(context)
    if view.authorities is not None:
        yield Child.CA_SECRET, ca_secret(context, authorities=view.authorities)
        yield Child.CLIENT_CA, client_ca(context, authorities=view.authorities)
    account = view.own(Child.SERVICE_ACCOUNT)
    if account and view.authorities and view.service_address:
        yield (
            Child.DEPLOYMENT,
            deployment(
                context,
                agent=agent,
                role_arn=view.agent_role_arn,
                replicas=replicas(agent, view.own(Child.DEPLOYMENT)),
                account_uid=account["metadata"]["uid"],
            ),
        )
        if agent.autoscaling:
            yield Child.AUTOSCALER, autoscaler(context, agent=agent, wanted=agent.autoscaling)

"""The agents' pods: which of them never got an AWS identity, which keep from starting, which are gone."""

from keyward_api.names import Reason
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.kinds import POD, Reference
from keyward_operator.manifests.deployment import CONTAINER
from keyward_operator.plan.result import Deletion
from keyward_operator.plan.view import View, reports_of

TOKEN_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - the name of a variable
"""What EKS' pod identity webhook adds to a pod whose ServiceAccount is annotated."""


def without_identity(view: View) -> tuple[Json, ...]:
    """Pods that the webhook missed, or that say themselves that they have no identity; oldest first."""
    complaining = {report.pod for report in view.reports if report.reason.startswith(Reason.IDENTITY_NOT_INJECTED)}
    missed = [
        pod
        for pod in view.observed.pods
        if "deletionTimestamp" not in pod["metadata"]
        and (pod["metadata"]["name"] in complaining or not _is_injected(pod))
    ]
    return tuple(sorted(missed, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"])))


def replacement(view: View) -> Deletion | None:
    """The pod to delete now so that its Deployment makes a new one, which the webhook will see."""
    missed = without_identity(view)
    if not missed or view.denied or not view.observed.replacement_due:
        return None
    metadata = missed[0]["metadata"]
    reference = Reference(kind=POD, namespace=metadata["namespace"], name=metadata["name"])
    return Deletion(reference=reference, uid=metadata["uid"])


def gone(view: View) -> tuple[str, ...]:
    """Pods whose reports outlived them: an agent that was killed cannot take its own out."""
    alive = {pod["metadata"]["name"] for pod in view.observed.pods}
    return tuple(report.pod for report in reports_of(view.own(Child.POLICY)) if report.pod not in alive)


def obstacles(view: View) -> tuple[str, ...]:
    """Why agents are not ready, as far as their pods and they themselves tell: one sentence a pod."""
    said = {report.pod: report.reason for report in view.reports if not report.ready and report.reason}
    found = []
    for pod in view.observed.pods:
        name = pod["metadata"]["name"]
        reason = said.get(name) or _waiting(pod) or _unscheduled(pod)
        if reason:
            found.append(f"pod {name}: {reason}")
    return tuple(found)


def _is_injected(pod: Json) -> bool:
    return any(
        variable["name"] == TOKEN_VARIABLE
        for container in pod["spec"]["containers"]
        if container["name"] == CONTAINER
        for variable in container.get("env", ())
    )


def _waiting(pod: Json) -> str:
    for container in pod.get("status", {}).get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("message"):
            return f"{waiting.get('reason')}: {waiting['message']}"
    return ""


def _unscheduled(pod: Json) -> str:
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason')}: {condition.get('message')}"
    return ""


def is_settled(pods: tuple[Json, ...]) -> bool:
    """Whether every pod got its identity from the webhook."""
    return all(_is_injected(pod) for pod in pods)

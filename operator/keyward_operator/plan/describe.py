"""A plan in sentences, for people who ask what the operator would do, or why it did it."""

from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role.plan import IamRolePlan
from keyward_operator.plan.owned import changed_fields
from keyward_operator.plan.result import Plan
from keyward_operator.plan.verdicts import join
from keyward_operator.plan.view import View


def describe(plan: Plan, view: View) -> list[str]:
    """What a plan would do, in its order."""
    steps = [f"delete {deletion.reference}" for deletion in plan.delete]
    if plan.issue is not None:
        steps.append(f"issue the {plan.issue} certificate authority in {view.context.reference(Child.CA_SECRET)}")
    if plan.ask is not None:
        steps.append(f"ask {plan.ask} for a certificate authority by {view.context.certificate_request()}")
    steps += [f"apply {kinds.reference_to(each)}: {change(each, view)}" for each in plan.apply]
    if plan.replace_pod is not None:
        steps.append(f"replace {plan.replace_pod.reference}, which has no web identity")
    return steps + _of_the_object(plan)


def describe_iam_role(plan: IamRolePlan) -> list[str]:
    """What a plan for an IAM role would do, in its order."""
    return [f"call IAM {call.operation} {dict(call.parameters)}" for call in plan.calls] + _of_the_object(plan)


def _of_the_object(plan: Plan | IamRolePlan) -> list[str]:
    steps = ["write the status"] if plan.status is not None else []
    if plan.finalizers is not None:
        steps.append(f"set the finalizers to {list(plan.finalizers)}")
    return steps


def change(manifest: Json, view: View) -> str:
    """What to apply `manifest` changes."""
    live = view.observed.children.get(view.context.child_at(kinds.reference_to(manifest)))
    return "it does not exist yet" if live is None else join(changed_fields(live, manifest))

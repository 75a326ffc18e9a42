"""The agents' pods as the operator makes them, for what the chart says about them."""

from keyward_api.resources.database import Agent
from keyward_operator.manifests.deployment import deployment
from tests.unit.operator.builders import ROLE_ARN, context, settings

from .objects import Manifest


def agents_template() -> Manifest:
    """The template of one database's agents."""
    agent = Agent.model_validate({"identity": {"type": "IRSA", "roleARN": ROLE_ARN}})
    platform = settings(agents={"image": "keyward/agent:1"})
    made = deployment(context(platform), agent=agent, replicas=2, role_arn=ROLE_ARN, account_uid="u")
    return made["spec"]["template"]  # type: ignore[no-any-return]

"""Whether the API server serves our kinds: waited for at the start.

A kind that vanishes later, with its CustomResourceDefinition, breaks a watch, which ends the process; started again, it
waits here.
"""

import asyncio
import logging

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OperatorError
from keyward_operator.plan.observed import Cluster
from keyward_operator.reconcile.observe import read_cluster

OWN_KINDS = (*kinds.INPUTS, kinds.KEYSPACES_POLICY)

WAIT = 2.0
"""Seconds between two looks while kinds are missing."""

_NOT_FOUND = 404

logger = logging.getLogger(__name__)


async def missing_kinds(api: KubernetesApi) -> list[str]:
    """Those of our kinds that the API server does not list. Raises ApiError where it does not tell."""
    try:
        listed = await api.get_path(f"/apis/{names.API_VERSION}")
    except ApiError as error:
        if error.status != _NOT_FOUND:
            raise
        listed = {"resources": []}  # the group vanishes with its last kind
    found = {resource["name"] for resource in listed["resources"]}
    return sorted(kind.plural for kind in OWN_KINDS if kind.plural not in found)


async def wait_for_cluster(api: KubernetesApi) -> Cluster:
    """Until all our kinds are listed; then facts about the cluster."""
    while True:
        try:
            missing = await missing_kinds(api)
            if not missing:
                return await read_cluster(api)
            logger.info("waited for the kinds %s of %s", ", ".join(missing), names.API_VERSION)
        except OperatorError as error:
            logger.info("waited for the API server: %s", error)
        await asyncio.sleep(WAIT)

"""Carries out plans about IAM roles: in IAM, and for the objects that they were made for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from keyward_operator.clients.errors import NotFoundError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.iam.calls import Trouble
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import Key
from keyward_operator.kinds import Reference
from keyward_operator.plan.iam_role.plan import IamRolePlan
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.finalizers import set_finalizers
from keyward_operator.reconcile.iam_executor import IamExecutor

MakePlan = Callable[[Sequence[Trouble]], IamRolePlan]
"""Makes the plan; given what IAM refused of it, the plan that tells of that."""


class IamApplier:
    """Writes to IAM and to the API server what plans ask for."""

    def __init__(
        self,
        api: KubernetesApi,
        executor: IamExecutor,
        *,
        finalizer: str,
        recorder: EventRecorder,
        journal: Journal,
    ) -> None:
        """`finalizer` is the one that plans add and remove."""
        self._api = api
        self._executor = executor
        self._finalizer = finalizer
        self._recorder = recorder
        self._journal = journal

    async def apply(self, key: Key, reference: Reference, document: Json, make: MakePlan) -> IamRolePlan:
        """Carry out a plan for the object; returns it, as far as it was. Raises ApiError, IamUnavailableError.

        What IAM refuses for good is no error: the status tells of it.
        """
        steps = make(())
        adds_finalizer = steps.finalizers is not None and self._finalizer in steps.finalizers
        if adds_finalizer:
            await set_finalizers(self._api, reference, document, steps.finalizers or ())
        troubles = await self._executor.carry_out(steps.calls, did=partial(self._journal.did, key))
        if troubles:
            steps = replace(make(troubles), finalizers=steps.finalizers)
        told = await self._tell(key, reference, document, steps)
        if steps.finalizers is not None and not adds_finalizer:
            # Our own status made a new version of it. Where others did too, the old one has this refused for once.
            latest = told if _is_as_read(told, document) else document
            await set_finalizers(self._api, reference, latest, steps.finalizers)
            self._journal.did(key, f"released {reference}")
        return steps

    async def _tell(self, key: Key, reference: Reference, document: Json, steps: IamRolePlan) -> Json:
        """Write status and events; returns the object as it is then."""
        told = document
        if steps.status is not None:
            try:
                told = await self._api.apply_status(reference, uid=document["metadata"]["uid"], status=steps.status)
            except NotFoundError:
                return document  # deleted meanwhile
        await self._recorder.record(reference.kind, document, steps.events)
        self._journal.told(key, steps.events)
        return told


def _is_as_read(told: Json, document: Json) -> bool:
    """Whether nobody changed what people write, or the finalizers."""
    return all(told["metadata"].get(field) == document["metadata"].get(field) for field in ("generation", "finalizers"))

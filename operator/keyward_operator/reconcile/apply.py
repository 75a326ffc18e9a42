"""Carries out a plan, step by step. Where one fails the rest waits: the key is tried again from the beginning."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from keyward_api import names
from keyward_api.tenants import IssuerReference
from keyward_operator import kinds
from keyward_operator.children import REPLACEABLE, Child
from keyward_operator.clients.errors import ApiError, ConflictError, ForbiddenError, InvalidError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OperatorError, OvertakenError
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import AccessKey, DatabaseKey, Key
from keyward_operator.kinds import Reference
from keyward_operator.manifests.ca_secret import ca_secret, read_authorities
from keyward_operator.manifests.certificate_request import certificate_request
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import issue, key_pem, new_key
from keyward_operator.pki.issued import signing_request
from keyward_operator.pki.rotation import NOTHING, requested, with_new
from keyward_operator.plan.database import after_refusals
from keyward_operator.plan.describe import change
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import Issue, Plan
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import Inlet
from keyward_operator.reconcile.events import EventRecorder
from keyward_operator.reconcile.finalizers import set_finalizers
from keyward_operator.reconcile.observe import database_reference
from keyward_operator.reconcile.publisher import Publisher

logger = logging.getLogger(__name__)


class RefusedError(OperatorError):
    """The API server refused children: by a quota, an admission policy, or because they would not be valid."""


class Applier:
    """Writes to the API server what plans ask for."""

    def __init__(
        self,
        api: KubernetesApi,
        queue: Inlet[Key],
        *,
        publisher: Publisher,
        recorder: EventRecorder,
        journal: Journal,
    ) -> None:
        self._api = api
        self._queue = queue
        self._publisher = publisher
        self._recorder = recorder
        self._journal = journal
        self._did = journal.did

    async def apply(self, plan: Plan, view: View, *, ticket: int) -> None:
        """Carry out `plan`. `ticket` is of before anything was read.

        Raises ApiError, RefusedError once everything else is done and the status says what, and OvertakenError once
        all other children are made.
        """
        observed, context = view.observed, view.context
        metadata = observed.database["metadata"]
        key = DatabaseKey(metadata["namespace"], metadata["name"])
        adds_finalizer = plan.finalizers is not None and names.FINALIZER in plan.finalizers
        if adds_finalizer:
            await self._set_finalizers(key, observed, plan)
        for deletion in plan.delete:
            await self._api.delete(deletion.reference, uid=deletion.uid)
            self._did(key, f"deleted {deletion.reference}")
        refused = await self._try_to_issue(key, plan, view) | await self._make_children(key, plan, view, ticket)
        await self._tend_agents(key, plan, observed, context)
        await self._tell(key, after_refusals(plan, view, refused) if refused else plan, observed)
        if refused:
            raise RefusedError("; ".join(f"{context.reference(child)}: {why}" for child, why in refused.items()))
        if plan.finalizers is not None and not adds_finalizer:
            await self._set_finalizers(key, observed, plan)
            self._did(key, f"released {database_reference(key)}")

    async def _make_children(self, key: DatabaseKey, plan: Plan, view: View, ticket: int) -> dict[Child, str]:
        """Apply what can be applied; what the API server refuses for good, such as a quota, keeps nothing else back."""
        refused = {}
        overtaken: OvertakenError | None = None
        for manifest in plan.apply:
            reference = kinds.reference_to(manifest)
            child = view.context.child_at(reference)
            try:
                await self._make(key, child, manifest, view, ticket)
            except (InvalidError, ForbiddenError) as error:
                refused[child] = str(error)
            except OvertakenError as error:
                overtaken = error
            else:
                self._did(key, f"applied {reference}: {change(manifest, view)}")
        if overtaken:
            raise overtaken
        return refused

    async def _make(self, key: DatabaseKey, child: Child, manifest: Json, view: View, ticket: int) -> None:
        reference = view.context.reference(child)
        live = view.observed.children.get(child)
        if child is Child.POLICY:
            await self._publisher.publish(key, manifest, ticket=ticket, live=live)
            self._queue.add(AccessKey(key.namespace))  # database, users and locks say what agents have
            return
        try:
            await self._api.apply(manifest)
        except InvalidError:
            if live is None or child not in REPLACEABLE:
                raise
            await self._api.delete(reference, uid=live["metadata"]["uid"])
            self._did(key, f"deleted {reference}, which could not be mended")
            await self._api.apply(manifest)

    async def _tell(self, key: DatabaseKey, plan: Plan, observed: Observed) -> None:
        if plan.status is not None:
            uid = observed.database["metadata"]["uid"]
            await self._api.apply_status(database_reference(key), uid=uid, status=plan.status)
        await self._recorder.record(kinds.KEYSPACES_DATABASE, observed.database, plan.events)
        self._journal.told(key, plan.events)

    async def _set_finalizers(self, key: DatabaseKey, observed: Observed, plan: Plan) -> None:
        await set_finalizers(self._api, database_reference(key), observed.database, plan.finalizers or ())

    async def _try_to_issue(self, key: DatabaseKey, plan: Plan, view: View) -> dict[Child, str]:
        """Make a CA where one is wanted; no more than another child does it keep a revocation from the agents."""
        try:
            if plan.issue is not None:
                await self._issue(key, plan.issue, view.observed, view.context)
            if plan.ask is not None:
                await self._ask(key, plan.ask, view.observed, view.context)
        except (InvalidError, ForbiddenError, RefusedError) as error:
            return {Child.CA_SECRET: str(error)}
        return {}

    async def _issue(self, key: DatabaseKey, what: Issue, observed: Observed, context: ManifestContext) -> None:
        """Make a CA, only where the Secret is still as it was seen: one made meanwhile must not be overwritten."""
        lifetime = timedelta(seconds=context.settings.certificate_authorities.lifetime_seconds)
        authority = issue(database=f"{key.namespace}/{key.name}", now=datetime.now(UTC), lifetime=lifetime)
        live = observed.children.get(Child.CA_SECRET)
        found = read_authorities(live) if live and what is Issue.SUCCESSOR else None
        authorities = with_new(found, authority, request=requested(observed.database["metadata"]))
        await self._write_authorities(live, ca_secret(context, authorities=authorities))
        self._did(key, f"issued the {what} certificate authority in {context.reference(Child.CA_SECRET)}")

    async def _ask(
        self, key: DatabaseKey, issuer: IssuerReference, observed: Observed, context: ManifestContext
    ) -> None:
        """Ask an issuer to sign a new key, which is kept before anybody knows of it."""
        live = observed.children.get(Child.CA_SECRET)
        private_key = key_pem(new_key())
        # An apply takes away only what an apply brought: the key, which is to go again, must not come with a create.
        live = live or await self._api.create(ca_secret(context, authorities=NOTHING))
        authorities = replace(read_authorities(live) or NOTHING, pending=private_key)
        secret = await self._write_authorities(live, ca_secret(context, authorities=authorities))
        request = signing_request(private_key, database=f"{key.namespace}/{key.name}")
        manifest = certificate_request(context, issuer=issuer, request=request, secret=secret)
        try:
            await self._api.create(manifest)
        except ApiError as error:
            # Whatever it is, such as cert-manager's webhook that does not answer: nothing else waits for that.
            raise RefusedError(f"{context.certificate_request()}: {error}") from error
        self._did(key, f"asked {issuer} for a certificate authority by {context.certificate_request()}")

    async def _write_authorities(self, live: Json | None, manifest: Json) -> Json:
        """Write the CA's Secret if it is as it was seen."""
        if live is None:
            return await self._api.create(manifest)
        return await self._api.apply(manifest, resource_version=live["metadata"]["resourceVersion"])

    async def _tend_agents(self, key: DatabaseKey, plan: Plan, observed: Observed, context: ManifestContext) -> None:
        if plan.replace_pod is not None:
            await self._api.delete(plan.replace_pod.reference, uid=plan.replace_pod.uid)
            self._did(key, f"replaced {plan.replace_pod.reference}, which had no web identity")
        if plan.forget_agents:
            await self._forget(context.reference(Child.POLICY), observed.children[Child.POLICY], plan.forget_agents)

    async def _forget(self, reference: Reference, policy: Json, pods: tuple[str, ...]) -> None:
        left = [report for report in policy["status"]["agents"] if report["pod"] not in pods]
        patch = {
            "metadata": {"resourceVersion": policy["metadata"]["resourceVersion"]},
            "status": {"agents": left},
        }
        try:
            await self._api.merge_patch(reference, patch, subresource="status")
        except ConflictError:
            # The policy changed, perhaps by this very plan: that change brings the key back.
            logger.debug("left reports in %s for the next time", reference)

"""One KeyspacesDatabase: observed, planned and applied."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from keyward_api.names import Condition
from keyward_api.tenants import PlatformSettings
from keyward_operator import metrics
from keyward_operator.errors import OvertakenError
from keyward_operator.journal import Journal
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import end_of
from keyward_operator.plan.conditions import verdicts
from keyward_operator.plan.database import plan
from keyward_operator.plan.describe import describe
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.pods import is_settled
from keyward_operator.plan.view import View, view_of
from keyward_operator.reconcile.apply import Applier
from keyward_operator.reconcile.observe import Observer
from keyward_operator.reconcile.orphans import Orphans
from keyward_operator.reconcile.publisher import Publisher
from keyward_operator.reconcile.replacements import Replacements
from keyward_operator.scope import Scope


class Views:
    """Makes views of what was observed, by the settings and the time of the moment."""

    def __init__(self, scope: Scope, *, settings: Callable[[], PlatformSettings]) -> None:
        self._scope = scope
        self._settings = settings

    async def of(self, observed: Observed, now: datetime) -> View:
        """Work out a view, in a thread: one that takes long keeps the Lease and the health listener from nothing."""
        return await asyncio.to_thread(self._of, observed, now)

    def _of(self, observed: Observed, now: datetime) -> View:
        context = ManifestContext(
            owner=observed.owner,
            agents_namespace=self._scope.agents_namespace,
            operator_namespace=self._scope.operator_namespace,
            settings=self._settings(),
        )
        return view_of(observed, context, now)


class DatabaseReconciler:
    """Reconciles databases; several may run side by side for different ones."""

    def __init__(
        self,
        *,
        observer: Observer,
        views: Views,
        publisher: Publisher,
        applier: Applier,
        orphans: Orphans,
        replacements: Replacements,
        journal: Journal,
    ) -> None:
        self._observer = observer
        self._views = views
        self._publisher = publisher
        self._applier = applier
        self._orphans = orphans
        self._replacements = replacements
        self._journal = journal

    async def reconcile(self, key: DatabaseKey) -> float | None:
        """Make the world match; seconds after which to look again, or None. Raises ApiError."""
        ticket = self._publisher.ticket()
        observed = await self._observer.observe(key)
        if observed is None:
            await self._remove_orphans(key)
            return None
        view = await self._views.of(observed, datetime.now(UTC))
        steps = plan(view)
        try:
            await self._applier.apply(steps, view, ticket=ticket)
        except OvertakenError:
            self._journal.pass_on(key, key)
            return 0.0
        measure(view)
        if steps.replace_pod is not None:
            self._replacements.replaced(key)
        elif is_settled(observed.pods):
            self._replacements.settled(key)
        return steps.requeue_after

    async def preview(self, key: DatabaseKey) -> Json | None:
        """What the checks say now and what is still to be done, without doing it; None where there is no database."""
        observed = await self._observer.observe(key)
        if observed is None:
            return None
        view = await self._views.of(observed, datetime.now(UTC))
        return {
            "conditions": {name: asdict(verdict) for name, verdict in verdicts(view).items()},
            "pending": describe(plan(view), view),
        }

    async def _remove_orphans(self, key: DatabaseKey) -> None:
        for reference in await self._orphans.remove(key):
            self._journal.did(key, f"deleted {reference}, whose database is gone")
        self._replacements.settled(key)
        self._publisher.forget(key)
        forget(key)


def measure(view: View) -> None:
    """Set the gauges of a database."""
    labels = view.observed.owner.namespace, view.observed.owner.name
    metrics.DATABASE_READY.set(*labels, verdicts(view)[Condition.READY].status == "True")
    if view.authorities is not None:
        metrics.CERTIFICATE_EXPIRY.set(*labels, end_of(view.authorities.current).timestamp())


def forget(key: DatabaseKey) -> None:
    """Drop the gauges of a database that is gone."""
    for gauge in (metrics.DATABASE_READY, metrics.CERTIFICATE_EXPIRY):
        gauge.forget(key.namespace, key.name)

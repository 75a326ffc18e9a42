"""This agent's entry in the policy's `status.agents`: applied on change, at most every 10 seconds.

A change of state does not wait: the other agents tell drivers by it which nodes there are. While the entry lacks what a
database is not ready without (who the agent is, whether it reaches Keyspaces and may assume each role that it tried),
changes wait for two seconds only; for roles in the agent's first minutes, since one may never be assumable.

Server-side apply with a field manager of the pod's own: agents never overwrite each other, and applying a status
without the entry removes it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Protocol

from keyward_api.names import API_VERSION
from keyward_api.resources.policy import AgentReport
from keyward_proxy.feed.watch import policy_path
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 10.0
EARLY_SECONDS = 2.0
"""The same while the entry lacks what the database is not ready without."""

FIRST_SECONDS = 600.0
"""How long roles that cannot be assumed make changes go out so soon: people set IAM up after they made the database."""

SETTLE_SECONDS = 1.5
"""Changes that come together (a policy, and what trying its roles showed) go out together."""


class StatusSink(Protocol):
    """Where an agent's report goes."""

    async def apply(self, report: AgentReport | None) -> None:
        """Replace this agent's entry, or remove it; raises KubernetesUnavailable."""


class KubernetesStatusSink:
    """The status subresource of the policy object."""

    def __init__(self, api: KubernetesAPI, *, namespace: str, name: str, pod: str) -> None:
        self._api = api
        self._path = f"{policy_path(namespace, name)}/status"
        self._metadata = {"name": name, "namespace": namespace}
        self._parameters = {"fieldManager": f"keyward-agent-{pod}"[:128], "force": "true"}

    async def apply(self, report: AgentReport | None) -> None:
        """See `StatusSink.apply`."""
        status: dict[str, Any] = {"agents": [report.to_json_dict()]} if report else {}
        body = {
            "apiVersion": API_VERSION,
            "kind": "KeyspacesPolicy",
            "metadata": self._metadata,
            "status": status,
        }
        await self._api.request(
            "PATCH",
            self._path,
            body=body,
            parameters=self._parameters,
            content_type="application/apply-patch+yaml",
        )


class StatusReporter:
    """Keeps the entry equal to the latest report."""

    def __init__(self, sink: StatusSink) -> None:
        self._sink = sink
        self._wanted: AgentReport | None = None
        self._applied: AgentReport | None = None
        self._began = 0.0
        self._changed = asyncio.Event()
        self._urgent = asyncio.Event()

    def report(self, report: AgentReport) -> None:
        """What is true now."""
        self._wanted = report
        if report != self._applied:
            self._changed.set()
        if self._applied is None or report.state is not self._applied.state:
            self._urgent.set()

    def forget(self) -> None:
        """What was applied is gone, because the policy object is: another one will hold no entry."""
        self._applied = None
        self._changed.set()

    async def run(self) -> None:
        """Apply changes until cancelled."""
        self._began = asyncio.get_running_loop().time()
        while True:
            await self._changed.wait()
            await self._pause(SETTLE_SECONDS)
            self._changed.clear()
            if self._wanted != self._applied:
                await self._apply()
                await self._pause((EARLY_SECONDS if self._is_early else INTERVAL_SECONDS) - SETTLE_SECONDS)

    @property
    def _is_early(self) -> bool:
        applied = self._applied
        if applied is None:
            return False
        is_new = asyncio.get_running_loop().time() - self._began < FIRST_SECONDS
        waits_for_roles = is_new and not all(role.assumable for role in applied.roles)
        return not applied.identity or applied.endpoint is None or waits_for_roles

    async def _pause(self, seconds: float) -> None:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._urgent.wait()

    async def _apply(self) -> None:
        report = self._wanted
        self._urgent.clear()
        try:
            await self._sink.apply(report)
            self._applied = report
        except KubernetesUnavailable as error:
            logger.warning("status not applied", extra={"error": str(error)})
            self._changed.set()

    async def remove(self) -> None:
        """Take the entry away, once: the agent is about to end. `run` must have been cancelled."""
        try:
            await self._sink.apply(None)
        except KubernetesUnavailable as error:
            logger.warning("status entry not removed", extra={"error": str(error)})

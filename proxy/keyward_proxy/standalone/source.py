"""The policy of a folder, followed: a change is in force within about a second, or not at all.

The folder is looked at, not subscribed to: names, sizes and times. A change is read only once two looks in a row have
seen the same, so that a file is not read in the middle of being written; and what is read counts only if the folder is
still the same afterwards. What cannot be taken in full leaves the last policy in force and is told three times over: in
the log, by a metric, and at /readyz.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.files import Stamp, stamp
from keyward_proxy.health import NotReady
from keyward_proxy.metrics import Metrics
from keyward_proxy.standalone.manifests import manifest_files
from keyward_proxy.standalone.policy import PolicySettings, StandalonePolicy, load_policy
from keyward_proxy.standalone.problem import ManifestsError, Problem

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SETTLE_SECONDS = 0.25
"""Between the two looks that must be equal: far longer than the ticks of file systems' clocks."""

SHOWN = 20
"""Problems that a log line and a warning hold; the metric counts all."""


class DirectoryPolicySource:
    """See `keyward_proxy.feed.watch.PolicySource`."""

    def __init__(self, settings: PolicySettings, *, metrics: Metrics) -> None:
        """Reads the folder; raises ManifestsError."""
        self._settings = settings
        self._metrics = metrics
        self._problems: tuple[Problem, ...] = ()
        self._wake = asyncio.Event()
        self._seen = _look(settings)
        self._policy = load_policy(settings)
        self._tell_ignored()

    @property
    def first(self) -> KeyspacesPolicySpec:
        """The policy in force at the start."""
        return self._policy.spec

    def look_now(self) -> None:
        """Do not wait for the next look, and read even what looks the same."""
        self._seen = ()
        self._wake.set()

    def warnings(self) -> Sequence[NotReady]:
        """What of the folder is not in force, and why."""
        if not self._problems:
            return ()
        message = f"the last policy stays in force, since {_listed(self._problems)}"
        return (NotReady(reason="ManifestsNotInForce", message=message),)

    async def policies(self) -> AsyncIterator[KeyspacesPolicySpec]:
        """See `PolicySource.policies`."""
        yield self._policy.spec
        while True:
            await self._wait()
            before = self._policy.spec.revision
            if await self._follow() and self._policy.spec.revision != before:
                yield self._policy.spec

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _follow(self) -> bool:
        """Read the folder if it changed; whether what is there now came into force."""
        now = await asyncio.to_thread(_look, self._settings)
        if now == self._seen:
            return False
        while True:
            before = now
            await asyncio.sleep(SETTLE_SECONDS)
            now = await asyncio.to_thread(_look, self._settings)
            if now != before:
                continue
            result = await asyncio.to_thread(self._read)
            now = await asyncio.to_thread(_look, self._settings)
            if now == before:
                self._seen = now
                return self._take(result)

    def _read(self) -> StandalonePolicy | ManifestsError:
        try:
            return load_policy(self._settings, self._policy.manifests)
        except ManifestsError as error:
            return error

    def _take(self, result: StandalonePolicy | ManifestsError) -> bool:
        if isinstance(result, ManifestsError):
            self._problems = result.problems
            self._metrics.policy_problems.set(len(result.problems))
            logger.error(
                "manifests not taken, the last policy stays in force",
                extra={"directory": str(self._settings.directory), "problems": _listed(result.problems)},
            )
            return False
        if self._problems:
            logger.info("manifests are good again", extra={"directory": str(self._settings.directory)})
        self._problems, self._policy = (), result
        self._metrics.policy_problems.set(0)
        self._tell_ignored()
        return True

    def _tell_ignored(self) -> None:
        if self._policy.ignored:
            database = self._policy.spec.database
            logger.warning(
                "resources of other namespaces have no effect",
                extra={"namespace": database.namespace, "resources": list(self._policy.ignored)},
            )


def _look(settings: PolicySettings) -> Stamp:
    """The folder itself is looked at as well, for its mode; unreadable is a state like any other."""
    try:
        return stamp([settings.directory, *manifest_files(settings.directory)])
    except ManifestsError:
        return stamp([settings.directory])


def _listed(problems: Sequence[Problem]) -> str:
    more = len(problems) - SHOWN
    return "; ".join(map(str, problems[:SHOWN])) + (f"; and {more} more" if more > 0 else "")

"""The agent's report, where there is no policy object to hold it: a line in the log for each change."""

from __future__ import annotations

import logging

from keyward_api.resources.policy import AgentReport

logger = logging.getLogger(__name__)


class LoggedStatus:
    """See `keyward_proxy.feed.status.StatusSink`."""

    async def apply(self, report: AgentReport | None) -> None:
        """Tell what is true now; an agent that ends says so elsewhere."""
        if report is None:
            return
        logger.info(
            "agent status",
            extra={
                "ready": report.ready,
                "reason": report.reason,
                "revision": report.observed_revision,
                "identity": report.identity,
                "endpointReachable": report.endpoint.reachable if report.endpoint else None,
                "assumable": [role.db_user for role in report.roles if role.assumable],
                "notAssumable": [role.db_user for role in report.roles if not role.assumable],
            },
        )

"""The agent's report as a line in the log."""

from __future__ import annotations

import logging

import pytest

from keyward_api.resources.policy import AgentReport, RoleReport
from keyward_proxy.standalone.status import LoggedStatus


async def test_a_report_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    roles = (RoleReport(db_user="A", assumable=True), RoleReport(db_user="B", assumable=False, reason="no"))
    with caplog.at_level(logging.INFO, logger="keyward_proxy"):
        await LoggedStatus().apply(AgentReport(pod="orders-1", ready=True, identity="arn:x", roles=roles))
        await LoggedStatus().apply(None)
    (line,) = caplog.records
    assert (line.message, line.ready, line.assumable, line.notAssumable) == ("agent status", True, ["A"], ["B"])

"""Logs are JSON on stderr, one line an event."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from keyward_proxy.logs import JSONFormatter, configure
from keyward_proxy.session.secret import Secret


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    logging.getLogger("keyward_proxy").setLevel(logging.NOTSET)


def test_fields_and_exceptions_are_part_of_the_line() -> None:
    logger = logging.getLogger("keyward_proxy.test")
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        record = logger.makeRecord(
            logger.name, logging.ERROR, "f", 1, "it %s", ("broke",), __import__("sys").exc_info(), extra={"role": "r"}
        )
    line = JSONFormatter().format(record)
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["message"], fields["level"], fields["role"]) == ("it broke", "error", "r")
    assert "broken" in fields["exception"]


def test_a_secret_is_never_in_a_line() -> None:
    logger = logging.getLogger("keyward_proxy.test")
    record = logger.makeRecord(
        logger.name, logging.INFO, "f", 1, "%s", (Secret("hunter2"),), None, extra={"token": Secret("hunter2")}
    )
    assert "hunter2" not in JSONFormatter().format(record)


def test_stdout_stays_the_audit_trails(root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    logging.getLogger("keyward_proxy.test").info("ours")
    logging.getLogger("botocore").info("theirs")
    logging.getLogger("botocore").warning("their warning")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["message"] for line in err.splitlines()] == ["ours", "their warning"]

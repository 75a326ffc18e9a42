"""Application logs: one JSON object a line on stderr, since stdout is the audit trail's alone."""

from __future__ import annotations

import datetime
import json
import logging
import sys

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """time, level, logger, message, then whatever `extra` gave, then the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        fields = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def configure(level: str) -> None:
    """Send this process's logs of at least this level to stderr; libraries' from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[handler], force=True)
    logging.getLogger("keyward_proxy").setLevel(level.upper())
    # It logs each refused web identity with its traceback; the agent says the same in a line, with what to do.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)

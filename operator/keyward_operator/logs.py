"""Log lines as JSON objects, one a line, on standard error."""

import json
import logging
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from keyward_operator.keys import Key

LEVELS = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, the object that it is about, and the trace of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if isinstance(key := getattr(record, "key", None), Key):
            line.update({"reconciler": key.RECONCILER, **asdict(key)})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # As ASCII: people read logs in terminals, and texts of tenants come through here.
        return json.dumps(line)


def configure(level: str) -> None:
    """Send all logs to standard error as JSON; `level` is one of LEVELS."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)

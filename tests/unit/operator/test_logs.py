import json
import logging
import sys

from keyward_operator.keys import DatabaseKey
from keyward_operator.logs import JsonFormatter


def formatted(level: int = logging.INFO, **attributes: object) -> dict[str, object]:
    record = logging.LogRecord("a.logger", level, "file.py", 1, "applied %s", ("a\nb",), None)
    for name, value in attributes.items():
        setattr(record, name, value)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_a_line_is_one_json_object_with_the_object_that_it_is_about() -> None:
    line = formatted(key=DatabaseKey("payments", "orders"))
    assert (line["level"], line["logger"], line["message"]) == ("info", "a.logger", "applied a\nb")
    assert (line["reconciler"], line["namespace"], line["name"]) == ("database", "payments", "orders")
    assert str(line["time"]).endswith("+00:00")


def test_text_of_others_neither_breaks_a_line_nor_moves_a_terminal() -> None:
    record = logging.LogRecord("a.logger", logging.INFO, "file.py", 1, "\u2028\u0085\x1b[2J\x9b2J\u202e", (), None)
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()


def test_an_error_brings_its_trace() -> None:
    try:
        raise KeyError("x")
    except KeyError:
        line = formatted(logging.ERROR, exc_info=sys.exc_info())
    assert "KeyError: 'x'" in str(line["error"])

"""Reading what Go's tests say."""

import json
from pathlib import Path

from tests.compat.results import Outcome
from tests.compat.suites.gocql import read_events, server_tests


def events(*lines: tuple[str, str] | tuple[str, str, str]) -> str:
    texts = [{"Action": line[0], "Test": line[1], **({"Output": line[2]} if len(line) > 2 else {})} for line in lines]
    return "\n".join(["no JSON", *map(json.dumps, texts), json.dumps({"Action": "fail"})])


def test_each_test_has_its_outcome_and_a_failure_its_words() -> None:
    found = read_events(
        events(
            ("run", "TestA"),
            ("pass", "TestA"),
            ("run", "TestB"),
            ("output", "TestB", "=== RUN TestB\n"),
            ("output", "TestB", "    b_test.go:1: refused\n"),
            ("fail", "TestB"),
            ("run", "TestC"),
            ("skip", "TestC"),
        )
    )
    assert {name: result.outcome for name, result in found.items()} == {
        "TestA": Outcome.PASSED,
        "TestB": Outcome.FAILED,
        "TestC": Outcome.SKIPPED,
    }
    assert found["TestB"].message == "b_test.go:1: refused"


def test_a_panic_is_told_from_its_first_word() -> None:
    stack = "goroutine 1\n" * 500
    found = read_events(events(("run", "TestA"), ("output", "TestA", f"panic: no session\n{stack}"), ("fail", "TestA")))
    assert found["TestA"].message.startswith("panic: no session")


def test_a_test_that_began_and_never_ended_is_missing() -> None:
    assert read_events(events(("run", "TestA")))["TestA"].outcome is Outcome.MISSING


def test_only_tests_that_need_a_server_are_run(tmp_path: Path) -> None:
    (tmp_path / "a_test.go").write_text(
        "//go:build all || cassandra\nfunc TestA(t *testing.T) {}\nfunc TestMain(m *testing.M) {}\n"
    )
    (tmp_path / "b_test.go").write_text("//go:build all || unit\nfunc TestB(t *testing.T) {}\n")
    (tmp_path / "c_test.go").write_text("package gocql\nfunc TestC(t *testing.T) {}\n")
    assert server_tests(tmp_path) == ["TestA"]

"""`keyward-operator explain` against an operator that runs."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator, eventually
from tests.integration.operator.resources import condition, database, iam_role, lock, role, user


@pytest.fixture(scope="module")
def operator(new_operator: Callable[..., RunningOperator]) -> RunningOperator:
    running = new_operator()
    running.start()
    running.wait_until_ready()
    eventually(lambda: "asked for a look at" in running.log.read_text(), what="the resync of the start")
    return running


def explain(operator: RunningOperator, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keyward_operator.main", "explain", f"--socket={operator.explain_socket}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def wait_until_seen(operator: RunningOperator, namespace: str) -> None:
    """Until the look that a new namespace is owed is over: it could else be before the news of what is in there."""

    def seen() -> bool:
        looks = json.loads(explain(operator, f"{namespace}/any", "-o", "json").stdout)["looks"]
        return "namespace" in looks and operator.idles()

    eventually(seen, what=f"a look at {namespace}")


def test_it_tells_what_was_done_for_what_and_what_the_checks_say(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    wait_until_seen(operator, namespace)
    objects.apply(database(namespace))
    objects.wait(
        "keyspacesdatabase",
        "orders",
        namespace,
        until=lambda found: condition(found, "AgentAvailable")["reason"] == "Unavailable",
    )
    objects.apply(role(namespace), user(namespace))
    objects.wait("keyspacesdatabase", "orders", namespace, until=lambda found: found["status"].get("grants"))
    answer = json.loads(explain(operator, f"{namespace}/orders", "-o", "json").stdout)
    assert answer["leads"]
    told = answer["now"][f"KeyspacesDatabase {namespace}/orders"]
    assert told["conditions"]["Permitted"]["status"] == "True"
    steps = [step for look in answer["looks"]["database"] for step in look["steps"]]
    assert any(step.startswith("applied Deployment ") and "it does not exist yet" in step for step in steps), steps
    causes = [cause for looks in answer["looks"].values() for look in looks for cause in look["causes"]]
    assert f"KeyspacesUser {namespace}/app was added" in causes
    text = explain(operator, f"{namespace}/orders").stdout
    assert "(the leader)" in text
    assert "AgentAvailable" in text
    assert f"KeyspacesUser {namespace}/app was added" in text
    assert "PRIVATE" not in text + json.dumps(answer)


def test_it_tells_what_the_checks_say_of_an_iam_role(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    objects.apply(iam_role(namespace, "KeyspacesReader"))
    objects.wait("keyspacesiamrole", "reader", namespace, until=lambda found: found.get("status"))
    answer = json.loads(explain(operator, f"{namespace}/reader", "-o", "json").stdout)
    told = answer["now"][f"KeyspacesIAMRole {namespace}/reader"]
    assert told["conditions"]["Permitted"]["status"] == "True"
    assert told["pending"] == []
    assert "Nothing is to be done." in explain(operator, f"{namespace}/reader").stdout


def test_it_tells_what_the_checks_say_of_roles_users_and_locks(
    operator: RunningOperator, objects: Objects, namespace: str
) -> None:
    wait_until_seen(operator, namespace)
    objects.apply(role(namespace, "missing"), user(namespace), lock(namespace, "app", target={"user": "app"}))
    objects.wait("keyspacesuser", "app", namespace, until=lambda found: found.get("status"))
    now = json.loads(explain(operator, f"{namespace}/app", "-o", "json").stdout)["now"]
    assert now.keys() == {f"KeyspacesUser {namespace}/app", f"KeyspacesLock {namespace}/app"}
    resolved = now[f"KeyspacesUser {namespace}/app"]["conditions"]["ReferencesResolved"]
    assert resolved["status"] == "False"
    assert "reader" in resolved["message"]
    text = explain(operator, f"{namespace}/missing").stdout
    assert f"What the checks say of KeyspacesRole {namespace}/missing now:" in text
    assert f"KeyspacesRole {namespace}/missing was added" in text


def test_what_is_not_there_is_told(operator: RunningOperator) -> None:
    found = explain(operator, "nowhere/nothing")
    assert found.returncode == 0
    assert "there is nothing of that name in namespace nowhere (of kinds KeyspacesDatabase, " in found.stdout


def test_mistakes_are_answered_with_what_to_do(operator: RunningOperator) -> None:
    assert "NAMESPACE/NAME" in explain(operator, "orders").stderr
    nobody = explain(operator, "a/b", "--socket=/nonexistent/x.sock")
    assert nobody.returncode == 1
    assert "kubectl -n keyward-system exec $(kubectl -n keyward-system get lease keyward-operator" in nobody.stderr
    assert "Traceback" not in nobody.stderr
    assert operator.explain_socket.stat().st_mode & 0o077 == 0

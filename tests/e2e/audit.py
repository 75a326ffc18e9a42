"""What agents wrote: their audit trail (stdout) and their logs (stderr), from the files of the node.

`kubectl logs` mixes the two streams; the container runtime's files (CRI log format: time, stream, P or F for partial
or full, text) tell them apart, so it can be seen that nothing but audit records is on stdout.
"""

import json
from collections.abc import Callable
from typing import Any

from keyward_api.names import AGENTS_NAMESPACE, LABEL_OWNER_NAME, LABEL_OWNER_NAMESPACE
from tests.e2e.kube import Kubectl, Object
from tests.e2e.surroundings import on_node
from tests.e2e.waiting import NotYet, wait_for

Record = dict[str, Any]


def agent_pods(kube: Kubectl, namespace: str, database: str) -> list[Object]:
    """The agents of a database that are not on their way out."""
    owner = f"{LABEL_OWNER_NAMESPACE}={namespace},{LABEL_OWNER_NAME}={database}"
    pods = kube.items("pods", AGENTS_NAMESPACE, labels=owner)
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def stream(pod: Object, name: str) -> list[str]:
    """The whole lines that all containers of a pod wrote to `stdout` or `stderr`, restarts included."""
    metadata = pod["metadata"]
    folder = f"/var/log/pods/{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
    text = on_node("sh", "-c", f"find {folder} -name '*.log' 2>/dev/null | sort | xargs -r cat")
    lines, partial = [], ""
    for line in text.splitlines():
        _, stream_name, tag, content = line.split(" ", 3)
        if stream_name != name:
            continue
        partial += content
        if tag == "F":
            lines.append(partial)
            partial = ""
    return lines


def records(kube: Kubectl, namespace: str, database: str) -> list[Record]:
    """The audit records of a database's running agents, oldest first."""
    found = [json.loads(line) for pod in agent_pods(kube, namespace, database) for line in stream(pod, "stdout")]
    return sorted(found, key=lambda record: str(record["time"]))


def record_of(
    kube: Kubectl, namespace: str, database: str, what: str, matches: Callable[[Record], bool], *, seconds: float = 10
) -> Record:
    """The newest record that matches, as soon as it is written."""

    def look() -> Record:
        found = records(kube, namespace, database)
        matching = [record for record in found if matches(record)]
        if not matching:
            raise NotYet("the newest records are " + "\n".join(json.dumps(record) for record in found[-8:]))
        return matching[-1]

    return wait_for(f"an audit record of {what}", look, seconds=seconds)

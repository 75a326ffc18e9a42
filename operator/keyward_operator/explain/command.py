"""The command: asks the running operator beside it, and prints its answer."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

from keyward_api import names
from keyward_operator.errors import OperatorError
from keyward_operator.explain import SOCKET
from keyward_operator.json_types import Json
from keyward_operator.kinds import INPUTS

COMMAND = "explain"
_KINDS = ", ".join(kind.kind for kind in INPUTS)
_TIMEOUT = aiohttp.ClientTimeout(total=60)


_THERE = f"kubectl -n {names.SYSTEM_NAMESPACE}"
_LEADER = f"{_THERE} get lease {names.LEASE_NAME} -o jsonpath='{{.spec.holderIdentity}}'"
"""Prints the leader's pod. The namespace is the operator's, by default."""


class NoOperatorError(OperatorError):
    """No operator answers at the socket."""


class BadAnswerError(OperatorError):
    """The operator answers, but not with what was asked for."""


def explain(arguments: Sequence[str]) -> None:
    """Print why the operator did what it last did for an object. Raises OperatorError."""
    given = _parser().parse_args(arguments)
    answer = asyncio.run(_ask(given.socket, given.object))
    print(json.dumps(answer, indent=2) if given.output == "json" else "\n".join(_text(given.object, answer)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"keyward-operator {COMMAND}",
        description=f"Tells what the checks say now of the objects that have a name ({_KINDS}), what is still to be "
        "done for them, and what was done last, with what it was done for. It asks the operator that runs beside it: "
        f"run it in the leader's pod, which the Lease names (`{_LEADER}`).",
    )
    add = parser.add_argument
    add("object", metavar="NAMESPACE/NAME", type=_place, help="of the objects")
    add("-o", "--output", choices=("text", "json"), default="text", help="how it is printed (default: text)")
    add("--socket", type=Path, default=SOCKET, help=f"where the operator answers (default: {SOCKET})")
    return parser


def _place(text: str) -> str:
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAMESPACE/NAME")
    return text


async def _ask(socket: Path, place: str) -> Json:
    connector = aiohttp.UnixConnector(str(socket))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session,
            session.get(f"http://operator/explain/{place}") as response,
        ):
            response.raise_for_status()
            answer: Json = await response.json()
    except (aiohttp.ClientResponseError, ValueError) as error:
        raise BadAnswerError(
            f"the operator at {socket} did not answer as it should: its log says why "
            f"(`{_THERE} logs $({_LEADER})`): {error}"
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoOperatorError(
            f"no operator answers at {socket}: run this in the leader's pod, as in "
            f"`{_THERE} exec $({_LEADER}) -- keyward-operator {COMMAND} {place}` "
            f"({str(error) or type(error).__name__})"
        ) from error
    return answer


def _text(place: str, answer: Json) -> Iterator[str]:
    role = "the leader" if answer["leads"] else f"a standby, which does nothing: ask the leader, $({_LEADER})"
    yield f"{place}, as {answer['operator']} knows it ({role})"
    yield ""
    yield from _now(answer)
    for reconciler, looks in sorted(answer["looks"].items()):
        yield ""
        yield f"What was done last, newest at the end (reconciler {reconciler}):"
        for look in looks:
            yield from _look(look)


def _now(answer: Json) -> Iterator[str]:
    for problem in answer["problems"]:
        yield f"Now: {problem}"
    for name, found in answer["now"].items():
        yield f"What the checks say of {name} now:"
        conditions = found["conditions"]
        width = max(map(len, conditions))
        for condition, verdict in conditions.items():
            yield f"  {condition:{width}}  {verdict['status']:7}  {verdict['reason']}: {verdict['message']}"
        yield ""
        yield "What is still to be done:" if found["pending"] else "Nothing is to be done."
        yield from (f"  {step}" for step in found["pending"])


def _look(look: Json) -> Iterator[str]:
    yield f"  {look['time']}, {look['seconds']:.3f} s, because: {'; '.join(look['causes']) or 'it was time'}"
    for step in look["steps"] or ([] if look["error"] else ["nothing had to be done"]):
        yield f"    {step}"
    if look["error"]:
        yield f"    failed: {look['error']}"

"""The pages of conditions and of events."""

import ast
from collections.abc import Iterator
from pathlib import Path

import keyward_operator
from keyward_api import names
from keyward_operator.plan import events
from keyward_operator.reconcile.events import CONTROLLER
from local.reference import words
from local.reference.conditions import all_conditions
from local.reference.errors import IncompleteError
from local.reference.fields import prose
from local.tables import table

_PACKAGE = Path(keyward_operator.__file__).parent
_HAPPENING = "Happening"

_INTRODUCTION = """\
# Conditions and their reasons
`kubectl describe` shows an object's conditions; the message of each says in a sentence what is wrong with this
object, and this page what that means in general. `lastTransitionTime` changes with the status, not with the reason;
`observedGeneration` is the generation of the spec that was judged.

To wait for something, wait for `Ready`:
```sh
kubectl -n payments wait --for=condition=Ready keyspacesdatabase/orders --timeout=5m
```

## Conditions
"""
_REASONS = """
## Reasons
A reason is one word that programs may rely on, in conditions and in [events](events.md).
"""
_EVENTS = f"""\
# Events
The operator writes an event (`events.k8s.io/v1`, reporting controller `{CONTROLLER}`) when a condition of an
object changes its status or its reason, once, and none while everything stays as it is. `kubectl describe` shows
them, or:
```sh
kubectl -n payments events --for keyspacesdatabase/orders
```
`reason` and message of the event are those of the condition, `action` is the condition's type, and the type is
`Warning` where the condition is `False`, else `Normal`. `Unknown` has no event. `Ready` has one only where no other
condition changed to the same reason at that moment. What the reasons mean: [conditions.md](conditions.md#reasons). An
event that the API server does not take is lost, and counted ([metrics.md](metrics.md)).
"""
_OTHERS = "\n## Others\nOf things that the operator did.\n"


def conditions_page() -> str:
    """Every condition and every reason. Raises IncompleteError."""
    return _INTRODUCTION + "".join(map(_condition, words.condition_types())) + _REASONS + "".join(_reasons())


def events_page() -> str:
    """Every event. Raises IncompleteError."""
    told = [
        (found.kind, f"`{found.type}`", "Normal" if status == "True" else "Warning", words.links(reasons))
        for found in all_conditions()
        for status, reasons in found.by_status()
        if status != "Unknown"
    ]
    transitions = "\n## Changes of conditions\n" + table(("about", "action", "type", "reasons"), told)
    return _EVENTS + transitions + _OTHERS + table(("reason", "action", "type", "meaning"), list(_others()))


def _condition(name: str) -> str:
    rows = [
        (found.kind, status, words.links(reasons, page=""))
        for found in all_conditions()
        if found.type == name
        for status, reasons in found.by_status()
    ]
    return f"\n### Condition {name}\n{words.condition(name)}\n{table(('of', 'status', 'reasons'), rows)}"


def _reasons() -> Iterator[str]:
    for name in words.reasons():
        meaning = words.reason(name)
        yield f"\n### {name}\n{meaning.text}\n"
        if meaning.remedy:
            yield f"\n**What to do:** {meaning.remedy}\n"


def _others() -> Iterator[tuple[str, ...]]:
    """Events that are made beside those of conditions."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        for function in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)):
            if function.name == events.transitions.__name__:
                continue
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == _HAPPENING:
                    yield from _events(call, function, path)


def _events(call: ast.Call, function: ast.FunctionDef, path: Path) -> Iterator[tuple[str, ...]]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    reasons, actions = _texts(given["reason"]), _texts(given["action"])
    warning = given["warning"]
    if not reasons or len(actions) != 1 or not isinstance(warning, ast.Constant):
        raise IncompleteError(
            f"{path.name}: {function.name} makes a {_HAPPENING} of which its code does not say reason, action and "
            "warning: write them out there"
        )
    for reason in reasons:
        yield (
            words.link(reason),
            f"`{actions[0]}`",
            "Warning" if warning.value else "Normal",
            prose(words.reason(reason).text),
        )


def _texts(node: ast.expr) -> list[str]:
    """What an expression of constants and members of `names` can come to; nothing where it is another."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Attribute):
        member = getattr(getattr(names, ast.unparse(node.value).rpartition(".")[2], None), node.attr, None)
        return [member] if isinstance(member, str) else []
    return []

"""Which conditions each kind has, and what each of them can say: from the chains of checks in the operator's plans.

A module of the operator with chains calls them `CHAINS`. Whose conditions they are says the view that its checks judge:
it has one field of that kind's model, or of its spec's. `Ready` says what the others say, and what those functions say
that put it together, or are given by a parameter that is a verdict.
"""

import ast
import importlib
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

import keyward_operator
from keyward_api import names
from keyward_api.crds import KINDS
from keyward_operator.plan.verdicts import Verdict
from local.reference.checks import Said, said_by, said_by_check, tree_of
from local.reference.errors import IncompleteError

_PACKAGE = Path(keyward_operator.__file__).parent
_KINDS_BY_MODEL = {
    model: kind.name for kind in KINDS for model in (kind.model, typing.get_type_hints(kind.model)["spec"])
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionOf:
    """A condition of a kind."""

    kind: str
    type: str
    said: tuple[Said, ...]
    """All that it can say."""

    def by_status(self) -> Iterator[tuple[str, list[str]]]:
        """Each status that it can have, `True` first, and the reasons for it."""
        for status in ("True", "False", "Unknown"):
            reasons = [said.reason for said in self.said if said.status == status]
            if reasons:
                yield status, reasons


@cache
def all_conditions() -> tuple[ConditionOf, ...]:
    """The conditions of all kinds, kind by kind, `Ready` first. Raises IncompleteError."""
    modules: dict[str, list[ModuleType]] = {}
    for module in _modules():
        modules.setdefault(_kind_of(module), []).append(module)
    found = {kind: tuple(_conditions(kind, of_kind)) for kind, of_kind in modules.items()}
    for kind in KINDS:
        has_conditions = "conditions" in _status_fields(kind.model)
        if has_conditions != (kind.name in found):
            raise IncompleteError(
                f"{kind.name} has {'' if has_conditions else 'no '}conditions in its status, and the operator has "
                f"{'no ' if has_conditions else ''}CHAINS of checks for it: one of the two is missing"
            )
    return tuple(condition for kind in KINDS for condition in found.get(kind.name, ()))


def of_kind(kind: str) -> list[ConditionOf]:
    """The conditions of one kind."""
    return [condition for condition in all_conditions() if condition.kind == kind]


def _status_fields(model: type) -> Mapping[str, object]:
    status = typing.get_type_hints(model).get("status")
    return typing.get_type_hints(status) if status else {}


def _modules() -> Iterator[ModuleType]:
    """Those with chains; others are not even imported."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        if re.search(r"^CHAINS\b", path.read_text(), re.MULTILINE):
            yield _imported(path)


def _imported(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts))


def _kind_of(module: ModuleType) -> str:
    check = next(iter(module.CHAINS.values()))[0]
    view = next(iter(typing.get_type_hints(check).values()))
    hints = typing.get_type_hints(view).values()
    found = {_KINDS_BY_MODEL[part] for hint in hints for part in (hint, *_choices(hint)) if part in _KINDS_BY_MODEL}
    if len(found) != 1:
        raise IncompleteError(
            f"{module.__name__}.CHAINS: it is not clear whose conditions these are: {view.__name__} must have exactly "
            f"one field of a kind's model, and has {', '.join(sorted(found)) or 'none'}"
        )
    return found.pop()


def _choices(hint: object) -> tuple[object, ...]:
    """Of `X | None`, both."""
    return typing.get_args(hint) if type(None) in typing.get_args(hint) else ()


def _conditions(kind: str, modules: list[ModuleType]) -> Iterator[ConditionOf]:
    """Those of all modules of a kind; the one that puts `Ready` together comes first."""
    own = {module: tuple(_sum(module)) for module in modules}
    parts = {
        name: _unique(said for check in chain for said in said_by_check(check))
        for module in sorted(modules, key=lambda module: not own[module])
        for name, chain in module.CHAINS.items()
    }
    if names.Condition.READY not in parts:
        sums = [said for found in own.values() for said in found]
        reasons = {said.reason for said in sums}
        others = (said for part in parts.values() for said in part if said.status != "True")
        others = (said for said in others if said.reason not in reasons)
        yield ConditionOf(kind=kind, type=names.Condition.READY, said=_unique((*sums, *others)))
    for name, part in parts.items():
        yield ConditionOf(kind=kind, type=name, said=part)


def _sum(module: ModuleType) -> Iterator[Said]:
    """What the functions say that put `Ready` together, beside what they take from the other conditions."""
    for function in _functions(module):
        used = (node for node in ast.walk(tree_of(function)) if isinstance(node, ast.Attribute))
        if any(ast.unparse(node).endswith("Condition.READY") for node in used):
            yield from said_by(function)
            for name, hint in typing.get_type_hints(function).items():
                if name != "return" and Verdict in (hint, *typing.get_args(hint)):
                    yield from _given(name, module)


def _given(parameter: str, module: ModuleType) -> Iterator[Said]:
    """What the functions say whose verdicts the modules beside this one give for a parameter of that name."""
    for path in sorted(Path(str(module.__file__)).parent.glob("*.py")):
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        values = (each.value for call in calls for each in call.keywords if each.arg == parameter)
        for value in values:
            if isinstance(value, ast.Call):
                yield from said_by(getattr(_imported(path), ast.unparse(value.func)))


def _functions(module: ModuleType) -> list[FunctionType]:
    found = [value for value in vars(module).values() if isinstance(value, FunctionType)]
    return [function for function in found if function.__module__ == module.__name__]


def _unique(found: typing.Iterable[Said]) -> tuple[Said, ...]:
    return tuple(dict.fromkeys(found))

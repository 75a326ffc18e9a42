"""What a check of the operator can say, read in its code: every `holds`, `fails` and `unknown` in it, with its reason.

Functions of the operator that it calls are read too, with the reasons that it gives them. A reason that no name of
`Reason` stands for (it comes from the compiler, for example) is to be declared by `passes_on`.
"""

import ast
import builtins
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType

from keyward_operator.plan import verdicts
from local.reference.errors import IncompleteError

_STATUS = {"holds": "True", "fails": "False", "unknown": "Unknown"}
_PACKAGE = "keyward_operator."
_DEEPEST = 10
"""Calls within calls; a function that calls itself is read no deeper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A verdict that some check can give."""

    status: str
    reason: str


def said_by(function: FunctionType) -> list[Said]:
    """Every verdict that a function can give, in the order of the code. Raises IncompleteError."""
    return list(dict.fromkeys(_Reading(function=function).said()))


def said_by_check(check: FunctionType) -> list[Said]:
    """The same of a check, which says something. Raises IncompleteError."""
    found = said_by(check)
    if not found:
        raise IncompleteError(
            f"{check.__module__}.{check.__name__} gives no verdict that can be read in its code: declare the function "
            "whose verdict it gives by @passes_on(…)"
        )
    return found


def tree_of(function: FunctionType) -> ast.Module:
    """The code of a function."""
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A function as one caller calls it."""

    function: FunctionType
    given: Mapping[str, str] = field(default_factory=dict)
    """Its parameters that the caller gives a reason for."""

    depth: int = 0

    @cached_property
    def tree(self) -> ast.Module:
        return tree_of(self.function)

    def said(self) -> Iterator[Said]:
        for call in self._calls():
            called = self._value(call.func)
            if called is verdicts.Verdict:
                raise IncompleteError(f"{self._place} makes a Verdict itself: let it call holds, fails or unknown")
            if not isinstance(called, FunctionType):
                continue
            if called.__module__ == verdicts.__name__ and called.__name__ in _STATUS:
                reasons = self._reasons(_first(call))
                yield from (Said(status=_STATUS[called.__name__], reason=reason) for reason in reasons)
            elif called.__module__.startswith(_PACKAGE) and self.depth < _DEEPEST:
                yield from _Reading(function=called, given=self._gives(call, called), depth=self.depth + 1).said()
        for source in self._passed_on:
            if isinstance(source, FunctionType):
                yield from _Reading(function=source, depth=self.depth + 1).said()

    def _calls(self) -> list[ast.Call]:
        """Those whose results may be what the function gives: not those that it only asks in order to decide."""
        tests = [node.test for node in ast.walk(self.tree) if isinstance(node, ast.If | ast.IfExp)]
        asked = {node for test in tests for node in ast.walk(test)}
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call) and node not in asked]

    @property
    def _passed_on(self) -> tuple[object, ...]:
        declared: tuple[object, ...] = getattr(self.function, verdicts.PASSED_ON, ())
        return declared

    def _value(self, node: ast.expr) -> object:
        """What a dotted name stands for; None where that is not known before the function runs."""
        if isinstance(node, ast.Name):
            scope = self.function.__globals__
            return self.given.get(node.id, scope.get(node.id, getattr(builtins, node.id, None)))
        return getattr(self._value(node.value), node.attr, None) if isinstance(node, ast.Attribute) else None

    def _gives(self, call: ast.Call, called: FunctionType) -> dict[str, str]:
        """The arguments of a call that are reasons, or other texts that are known."""
        names = list(inspect.signature(called).parameters)
        arguments = [*zip(names, call.args, strict=False), *((each.arg, each.value) for each in call.keywords)]
        values = ((name, self._value(argument)) for name, argument in arguments if name)
        return {name: value for name, value in values if isinstance(value, str)}

    def _reasons(self, node: ast.expr) -> list[str]:
        """The reasons that an expression can come to."""
        if isinstance(node, ast.IfExp):
            return self._reasons(node.body) + self._reasons(node.orelse)
        if isinstance(node, ast.Name) and (assigned := self._assigned(node.id)):
            return [reason for value in assigned for reason in self._reasons(value)]
        found = self._value(node)
        if isinstance(found, str):
            return [found]
        declared = [source for source in self._passed_on if isinstance(source, str)]
        if not declared:
            raise IncompleteError(
                f"{self._place} has a reason that cannot be read in its code ({ast.unparse(node)}): declare what it "
                "may be by @passes_on(Reason.…)"
            )
        return declared

    def _assigned(self, name: str) -> list[ast.expr]:
        return [
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]

    @property
    def _place(self) -> str:
        return f"{self.function.__module__}.{self.function.__name__}"


def _first(call: ast.Call) -> ast.expr:
    return call.args[0] if call.args else next(each.value for each in call.keywords if each.arg == "reason")

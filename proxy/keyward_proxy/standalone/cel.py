"""The Common Expression Language, as far as Keyward's own CRDs use it.

In a cluster the API server evaluates a CRD's rules; files have no API server. Source: cel-spec, "Syntax" and "Macros".
Strings, whole numbers, lists, maps, fields, `has`, `size`, `exists`, `exists_one`, the operators `! + == != >= in && ||
?:` and three string functions: a rule that uses more does not compile, and a value that a rule stumbles over does not
pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Scope: TypeAlias = Mapping[str, Any]
Evaluate: TypeAlias = Callable[[Scope], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\]*')|(?P<name>[A-Za-z_]\w*)|(?P<number>[0-9]+)|(?P<sign>\|\||&&|[=!>]=|[!+?:.,()\[\]]))"
)


class CELError(ValueError):
    """A rule that does not compile, or a value for which it has no answer."""


def compile_rule(rule: str) -> Evaluate:
    """From the variables (`self`, `oldSelf`) to the rule's value; raises CELError, as the function does."""
    parser = _Parser(rule)
    evaluate = parser.expression()
    parser.end()
    return evaluate


class _Parser:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._tokens: list[str] = []
        position, end = 0, len(rule.rstrip())
        while position < end:
            found = _TOKEN.match(rule, position)
            if found is None:
                raise CELError(f"cannot read {rule[position:][:20]!r} in {rule!r}")
            self._tokens.append(found.group().strip())
            position = found.end()

    def expression(self) -> Evaluate:
        condition = self._binary(0)
        if not self._take("?"):
            return condition
        then = self.expression()
        self._expect(":")
        otherwise = self.expression()
        return lambda scope: then(scope) if _truth(condition(scope)) else otherwise(scope)

    def end(self) -> None:
        if self._tokens:
            raise CELError(f"cannot read {self._tokens[0]!r} in {self._rule!r}")

    def _binary(self, level: int) -> Evaluate:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens and self._tokens[0] in _LEVELS[level]:
            left = _LEVELS[level][self._tokens.pop(0)](left, self._binary(level + 1))
        return left

    def _unary(self) -> Evaluate:
        if self._take("!"):
            inner = self._unary()
            return lambda scope: not _truth(inner(scope))
        return self._member()

    def _member(self) -> Evaluate:
        value = self._primary()
        while self._take("."):
            name = self._name()
            value = self._call(value, name) if self._take("(") else _select(value, name)
        return value

    def _call(self, target: Evaluate, function: str) -> Evaluate:
        if function in _MACROS:
            variable = self._name()
            self._expect(",")
            condition = self.expression()
            self._expect(")")
            judge = _MACROS[function]
            return lambda scope: judge(_truth(condition({**scope, variable: item})) for item in _range(target(scope)))
        if function not in _FUNCTIONS:
            raise CELError(f"unknown function {function!r} in {self._rule!r}")
        argument = self.expression()
        self._expect(")")
        return lambda scope: _FUNCTIONS[function](_text(target(scope)), _text(argument(scope)))

    def _primary(self) -> Evaluate:
        if self._take("("):
            inner = self.expression()
            self._expect(")")
            return inner
        if self._take("["):
            return self._items()
        token = self._tokens.pop(0) if self._tokens else ""
        if token.startswith("'"):
            return lambda _: token[1:-1]
        if token.isdecimal():
            return lambda _: int(token)
        if not token.isidentifier():
            raise CELError(f"cannot read {token!r} in {self._rule!r}")
        if token == "has":  # noqa: S105
            return self._has()
        if token == "size":  # noqa: S105
            return self._size()
        return lambda scope: scope[token]

    def _items(self) -> Evaluate:
        items = [self.expression()]
        while self._take(","):
            items.append(self.expression())
        self._expect("]")
        return lambda scope: [item(scope) for item in items]

    def _has(self) -> Evaluate:
        self._expect("(")
        value, name = self._primary(), ""
        while self._take("."):
            value, name = (_select(value, name) if name else value), self._name()
        self._expect(")")
        return lambda scope: name in _object(value(scope))

    def _size(self) -> Evaluate:
        self._expect("(")
        value = self.expression()
        self._expect(")")
        return lambda scope: len(_range(value(scope)))

    def _name(self) -> str:
        name = self._tokens.pop(0) if self._tokens else ""
        if not name.isidentifier():
            raise CELError(f"{name!r} is no name in {self._rule!r}")
        return name

    def _take(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == sign:
            del self._tokens[0]
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise CELError(f"'{sign}' is missing in {self._rule!r}")


def _select(value: Evaluate, name: str) -> Evaluate:
    def select(scope: Scope) -> Any:  # noqa: ANN401  (any JSON value)
        found = _object(value(scope))
        if name not in found:
            raise CELError(f"there is no field '{name}'")
        return found[name]

    return select


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise CELError(f"{type(value).__name__} is not a truth value")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CELError(f"{type(value).__name__} is not a string")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CELError(f"{type(value).__name__} is not a whole number")
    return value


def _range(value: object) -> list[Any]:
    """What a macro goes over: the items of a list, the keys of a map."""
    if not isinstance(value, list | Mapping):
        raise CELError(f"{type(value).__name__} is neither a list nor a map")
    return list(value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise CELError(f"{type(value).__name__} is not a list")
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CELError(f"{type(value).__name__} is not an object")
    return value


def _matches(text: str, pattern: str) -> bool:
    """RE2's `$` is the end of the text; Python's would also be found before a last line break."""
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text, re.ASCII) is not None


_MACROS: dict[str, Callable[[Iterator[bool]], bool]] = {"exists": any, "exists_one": lambda found: sum(found) == 1}

_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "contains": str.__contains__,
    "matches": _matches,
}

_LEVELS: tuple[dict[str, Callable[[Evaluate, Evaluate], Evaluate]], ...] = (
    {"||": lambda a, b: lambda scope: _truth(a(scope)) or _truth(b(scope))},
    {"&&": lambda a, b: lambda scope: _truth(a(scope)) and _truth(b(scope))},
    {
        "==": lambda a, b: lambda scope: a(scope) == b(scope),
        "!=": lambda a, b: lambda scope: a(scope) != b(scope),
        ">=": lambda a, b: lambda scope: _number(a(scope)) >= _number(b(scope)),
        "in": lambda a, b: lambda scope: a(scope) in _list(b(scope)),
    },
    {"+": lambda a, b: lambda scope: _text(a(scope)) + _text(b(scope))},
)
"""Binary operators, the loosest first."""

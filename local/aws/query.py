"""The AWS query protocol: form-encoded calls in, XML out, by botocore's own service models.

Every constraint of the models (required, length, range, pattern, enumeration) is enforced, which AWS does and
moto mostly does not. Java's `\\w` is ASCII; its `\\p{L}\\p{Z}\\p{N}` are Unicode letters, separators and
digits.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import OperationNotFoundError
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model

from local.aws.errors import AwsError

VERSIONS: Mapping[str, str] = {"2011-06-15": "sts", "2010-05-08": "iam"}
"""Service by the API version that every call names."""

Operation: TypeAlias = Any
Shape: TypeAlias = Any
"""Of botocore's service models, as moto extends them."""
Value: TypeAlias = Any
"""A parameter: text, number, list or structure, as its shape says."""

_UNICODE_CLASS = r"\p{L}\p{Z}\p{N}"
_UNICODE_CLASS_HERE = r"\w \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_NOT_RECORDED = frozenset({"TokenCode", "AuthenticationCode1", "AuthenticationCode2"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call, its parameters parsed and valid."""

    service: str
    action: str
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As policies name it: sts:AssumeRole."""
        return f"{self.service}:{self.action}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UncheckedCall:
    """A call as received: enough to know whose signature it needs and to record it."""

    service: str
    action: str
    parameters: Mapping[str, Any]

    def recordable(self) -> dict[str, Any]:
        """The parameters without what the service model marks sensitive, and without MFA codes."""
        recorded: dict[str, Any] = _public(_operation(self.service, self.action).input_shape, self.parameters)
        return recorded

    def checked(self) -> Call:
        """Raises AwsError ValidationError that names each broken constraint."""
        shape = _operation(self.service, self.action).input_shape
        problems = list(_problems(shape, self.parameters, "")) if shape else []
        if problems:
            plural = "s" if len(problems) > 1 else ""
            raise AwsError.validation(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")
        return Call(service=self.service, action=self.action, parameters=self.parameters)


def parse(body: bytes) -> UncheckedCall:
    """Raises AwsError where the call is not one of STS or IAM."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise AwsError("MalformedQueryString", "The body is not form-encoded UTF-8 text.", status=404) from error
    values = dict(pairs)
    if len(values) != len(pairs):
        raise AwsError("MalformedQueryString", "A parameter occurs twice.", status=404)
    action, version = values.get("Action", ""), values.get("Version", "")
    if not action:
        raise AwsError("MissingAction", "The request must contain the parameter Action.")
    service = VERSIONS.get(version)
    if service is None:
        raise AwsError(
            "InvalidAction", f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}"
        )
    try:
        parameters = QueryParser(_operation(service, action)).parse({"values": values})
    except OperationNotFoundError as error:
        raise AwsError("InvalidAction", f"Could not find operation {action} for version {version}") from error
    except ValueError as error:
        raise AwsError.validation(f"A number or date of {action} is not one: {error}") from error
    return UncheckedCall(service=service, action=action, parameters=parameters)


def result_document(call: Call, result: Mapping[str, Any]) -> str:
    """The XML of a success."""
    context = SerializationContext(request_id=str(uuid.uuid4()))
    serialized = QuerySerializer(_operation(call.service, call.action), context=context).serialize(result)
    return str(serialized["body"])


def error_document(service: str, error: AwsError) -> str:
    """The XML of a refusal."""
    version = next(version for version, name in VERSIONS.items() if name == service)
    kind = "Receiver" if error.status >= 500 else "Sender"
    return (
        f'<ErrorResponse xmlns="https://{service}.amazonaws.com/doc/{version}/"><Error><Type>{kind}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


@lru_cache(maxsize=512)
def _operation(service: str, action: str) -> Operation:
    return get_service_model(service).operation_model(action)


def _problems(shape: Shape, value: Value, path: str) -> Iterator[str]:
    yield from _broken(shape, value, path)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            here = f"{path}.{_lower(name)}" if path else _lower(name)
            if name in value:
                yield from _problems(member, value[name], here)
            elif name in shape.required_members:
                yield f"Value null at '{here}' failed to satisfy constraint: Member must not be null"
    elif shape.type_name == "list":
        for position, item in enumerate(value, start=1):
            yield from _problems(shape.member, item, f"{path}.{position}.member")


def _broken(shape: Shape, value: Value, path: str) -> Iterator[str]:
    shown = "***" if shape.metadata.get("sensitive") else value
    for constraint in _constraints(shape, value):
        yield f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _constraints(shape: Shape, value: Value) -> Iterator[str]:
    number = shape.type_name in ("integer", "long")
    size = value if number else len(value) if isinstance(value, str | list | bytes) else None
    noun = "have value" if number else "have length"
    rules = shape.metadata
    if size is not None and "min" in rules and size < rules["min"]:
        yield f"{noun} greater than or equal to {rules['min']}"
    if size is not None and "max" in rules and size > rules["max"]:
        yield f"{noun} less than or equal to {rules['max']}"
    if "pattern" in rules and isinstance(value, str) and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"satisfy enum value set: [{', '.join(rules['enum'])}]"


@lru_cache(maxsize=256)
def _pattern(java: str) -> re.Pattern[str]:
    if _UNICODE_CLASS in java:
        return re.compile(java.replace(_UNICODE_CLASS, _UNICODE_CLASS_HERE))
    return re.compile(java, re.ASCII)


def _public(shape: Shape, value: Value) -> Value:
    if shape is None:
        return {}
    if shape.type_name == "structure":
        return {
            name: _public(member, value[name])
            for name, member in shape.members.items()
            if name in value and name not in _NOT_RECORDED and not member.metadata.get("sensitive")
        }
    if shape.type_name == "list":
        return [_public(shape.member, item) for item in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]

"""Reads requests, as far as an agent must understand them.

Of QUERY, EXECUTE and BATCH it finds the statements' texts and ids, the place of the consistency level and the flags;
values travel on unread. In a request only a custom payload may stand in front of the message.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyward_proxy.wire.body import Body
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import HEADER_BYTES, Flag
from keyward_proxy.wire.scanner import Frame

_STARTUP_OPTIONS = 64
"""Drivers send up to ten; what a stranger sends must not become many small objects."""

_VALUES = 0x01
_SKIP_METADATA = 0x02
_PAGE_SIZE = 0x04
_PAGING_STATE = 0x08
_NAMES = 0x40
_KNOWN_PARAMETERS = 0x7F
_KNOWN_IN_BATCH = 0x30
"""Serial consistency and timestamp. Names of values (0x40) cannot be used in a batch: they stand behind the values."""

_BATCH_KINDS = ("", "UNLOGGED ", "COUNTER ")
_TEXT, _PREPARED = 0, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """The query parameters of QUERY, EXECUTE and BATCH."""

    consistency: int
    consistency_at: int
    """Where the level's two bytes stand in the frame's buffer."""

    flags: int
    values_at: int
    """Where the bound values begin in the frame's buffer, if flag 0x01 is set."""

    @property
    def skip_metadata(self) -> bool:
        """Whether the client wants rows without their column descriptions."""
        return bool(self.flags & _SKIP_METADATA)


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """QUERY: a text to run."""

    text: bytes
    parameters: Parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Execute:
    """EXECUTE: a prepared id to run."""

    prepared_id: bytes
    parameters: Parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchChild:
    """One statement of a BATCH: a text or a prepared id."""

    text: bytes | None = None
    prepared_id: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """BATCH: several statements to run together."""

    kind: str
    """As CQL writes it in front of BATCH: empty for a logged one, `UNLOGGED ` or `COUNTER `."""

    children: tuple[BatchChild, ...]
    parameters: Parameters


class BatchTooLarge(Exception):
    """A BATCH of more statements or values than are read; the text is for the client."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """Bound values, by position, and by name where the client named them."""

    positional: tuple[bytes | None, ...] = ()
    named: dict[str, bytes | None] | None = None


def message_body(frame: Frame) -> Body:
    """A request's body behind its custom payload."""
    body = Body(frame.buffer, frame.start + HEADER_BYTES, frame.end)
    if frame.flags & Flag.CUSTOM_PAYLOAD:
        body.skip_bytes_map()
    return body


def read_startup(frame: Frame) -> dict[str, str]:
    """STARTUP's options."""
    return message_body(frame).string_map(maximum=_STARTUP_OPTIONS)


def read_auth_response(frame: Frame) -> bytes:
    """AUTH_RESPONSE's token; empty for null."""
    return message_body(frame).bytes_() or b""


def read_register(frame: Frame) -> list[str]:
    """REGISTER's event types."""
    return message_body(frame).string_list()


def read_query(frame: Frame) -> Query:
    """QUERY, without its values."""
    body = message_body(frame)
    text = body.take(body.integer())
    return Query(text=text, parameters=_read_parameters(body))


def read_prepare(frame: Frame) -> bytes:
    """PREPARE's statement text."""
    body = message_body(frame)
    return body.take(body.integer())


def read_execute(frame: Frame) -> Execute:
    """EXECUTE, without its values."""
    body = message_body(frame)
    prepared_id = body.short_bytes()
    return Execute(prepared_id=prepared_id, parameters=_read_parameters(body))


def read_batch(frame: Frame, *, maximum_children: int, maximum_values: int) -> Batch:
    """BATCH, without its values. Raises BatchTooLarge; values are counted because walking over them takes time."""
    body = message_body(frame)
    kind, count = body.byte(), body.short()
    if kind >= len(_BATCH_KINDS):
        raise ProtocolViolation(f"batch type {kind} is not of protocol version 3 or 4")
    if count > maximum_children:
        raise BatchTooLarge(f"a batch of {count} statements; at most {maximum_children} are taken: send smaller ones")
    children = []
    values = 0
    for _ in range(count):
        children.append(_read_child(body))
        values += (own := body.short())
        if values > maximum_values:
            raise BatchTooLarge(f"a batch of more than {maximum_values} values: send smaller ones")
        for _ in range(own):
            body.skip(max(body.integer(), 0))
    parameters = _read_parameters(body, known=_KNOWN_IN_BATCH)
    return Batch(kind=_BATCH_KINDS[kind], children=tuple(children), parameters=parameters)


def _read_child(body: Body) -> BatchChild:
    kind = body.byte()
    if kind == _TEXT:
        return BatchChild(text=body.take(body.integer()))
    if kind == _PREPARED:
        return BatchChild(prepared_id=body.short_bytes())
    raise ProtocolViolation(f"a statement of kind {kind} in a batch; 0 and 1 are known")


def _read_parameters(body: Body, *, known: int = _KNOWN_PARAMETERS) -> Parameters:
    consistency_at = body.position
    consistency = body.short()
    flags = body.byte()
    if flags & ~known:
        raise ProtocolViolation(f"query flags 0x{flags:02x} are not of protocol version 3 or 4")
    return Parameters(consistency=consistency, consistency_at=consistency_at, flags=flags, values_at=body.position)


def read_values(frame: Frame, parameters: Parameters) -> Values:
    """The bound values; null and unset are None."""
    if not parameters.flags & _VALUES:
        return Values()
    body = Body(frame.buffer, parameters.values_at, frame.end)
    count = body.short()
    if parameters.flags & _NAMES:
        return Values(named={body.string(): body.bytes_() for _ in range(count)})
    return Values(positional=tuple(body.bytes_() for _ in range(count)))


def startup_body(options: dict[str, str]) -> bytes:
    """The body of a STARTUP with these options."""
    return b"".join([len(options).to_bytes(2), *(_string(part) for pair in options.items() for part in pair)])


def auth_response_body(token: bytes) -> bytes:
    """The body of an AUTH_RESPONSE with this token."""
    return len(token).to_bytes(4) + token


def _string(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2) + raw


def page_query_body(text: str, *, consistency: int, page_size: int, paging_state: bytes | None) -> bytes:
    """The body of a QUERY for one page of rows: the first, or the one behind `paging_state`."""
    raw = text.encode()
    head = len(raw).to_bytes(4) + raw + consistency.to_bytes(2)
    if paging_state is None:
        return head + bytes([_PAGE_SIZE]) + page_size.to_bytes(4)
    state = len(paging_state).to_bytes(4) + paging_state
    return head + bytes([_PAGE_SIZE | _PAGING_STATE]) + page_size.to_bytes(4) + state

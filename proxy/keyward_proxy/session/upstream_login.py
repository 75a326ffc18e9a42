"""The second phase: the agent logs in to Keyspaces for a caller that it knows.

State          | what comes           | what follows
---------------|----------------------|----------------------------------------------------
connection     | UpstreamOpened       | STARTUP, then state authenticate
authenticate   | AUTHENTICATE         | AUTH_RESPONSE `SigV4`, then state challenge
challenge      | AUTH_CHALLENGE       | AUTH_RESPONSE with the signature, then state success
success        | AUTH_SUCCESS         | AUTH_SUCCESS to the client, then phase Relay
any            | ERROR, a failure     | ERROR to the client with what AWS said, closed

Source of the exchange: AWS's own plug-ins (aws-sigv4-auth-cassandra-python-driver-plugin and its siblings). The
client hears of success only after Keyspaces has agreed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from keyward_api.decision import GrantError
from keyward_proxy.session.audit import AuditTrail
from keyward_proxy.session.commands import Command, ToUpstream
from keyward_proxy.session.context import Caller, SessionContext
from keyward_proxy.session.events import (
    ClientClosed,
    Drain,
    Event,
    PolicyChanged,
    PolicyOutdated,
    UpstreamClosed,
    UpstreamFailed,
    UpstreamOpened,
)
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.relay import Relay
from keyward_proxy.session.settings import LOGIN_FRAME_BYTES, STEP_SECONDS
from keyward_proxy.session.staleness import REASON as STALE
from keyward_proxy.wire.errors import ProtocolViolation, WireError
from keyward_proxy.wire.header import Opcode, frame
from keyward_proxy.wire.requests import auth_response_body, startup_body
from keyward_proxy.wire.responses import (
    ErrorCode,
    auth_success_body,
    read_authenticate,
    read_challenge,
    read_error,
)
from keyward_proxy.wire.scanner import Frame, Piece, ResponseScanner

HELENUS = "com.amazon.helenus.auth.HelenusAuthenticator"
_SIGV4 = b"SigV4\0\0"
_NONCE = re.compile(rb"nonce=([0-9A-Za-z]{32})")
_STREAM = 0


class UpstreamLogin(Phase):
    """Speaks with Keyspaces until it has accepted the role."""

    def __init__(self, context: SessionContext, trail: AuditTrail, caller: Caller, *, stream: int, now: float) -> None:
        self._context = context
        self._caller = caller
        self._trail = trail
        self._stream = stream
        self._sign: Callable[[bytes], bytes] | None = None
        """None until a connection stands."""

        self._credentials_expire = 0.0
        self._responses = ResponseScanner(maximum_body=LOGIN_FRAME_BYTES, version=context.version)
        self._state: Callable[[Frame, Event], Iterator[Command]] = self._authenticate
        self.deadline = now + STEP_SECONDS

    # The client, which has nothing to say now.

    def on_frames(self, frames: Sequence[Frame], event: Event) -> Iterator[Command]:
        """Only OPTIONS may come before the login is complete."""
        for request in frames:
            try:
                yield self._answer_early(request)
            except ProtocolViolation as error:
                yield from self.on_violation(error, event)
                return

    def _answer_early(self, request: Frame) -> Command:
        if request.opcode != Opcode.OPTIONS:
            raise ProtocolViolation(
                f"opcode 0x{request.opcode:02x} came before the login was complete", stream=request.stream
            )
        return self._context.options_before_login(request.stream)

    def on_violation(self, error: WireError, event: Event) -> Iterator[Command]:
        """Say what is wrong, and close."""
        yield self._context.error(error.stream, ErrorCode.PROTOCOL_ERROR, str(error))
        yield from self._context.close(f"protocol error: {error}")

    def on_client_closed(self, event: ClientClosed) -> Iterable[Command]:
        """Nobody is left to log in."""
        return self._context.close(event.reason)

    def on_drain(self, event: Drain) -> Iterable[Command]:
        """A login that is not complete is not worth waiting for."""
        return self._context.close(event.reason)

    def on_policy_changed(self, event: PolicyChanged) -> Iterator[Command]:
        """The role to log in with was chosen under the old policy: it must still be the same grant."""
        caller = self._caller
        try:
            grant = event.policy.grant_for(caller.identity, caller.grant.db_user)
        except GrantError as error:
            yield from self._refuse("NotGranted", str(error), event)
            return
        locked = self._context.locked(caller.identity, grant)
        if locked:
            yield from self._refuse("Locked", locked, event)
        elif grant.hash != caller.grant.hash:
            yield from self._give_up("PolicyChanged", "the grant changed during the login; connect again", event)

    def on_policy_outdated(self, event: PolicyOutdated) -> Iterator[Command]:
        """Nobody may log in."""
        return self._refuse(STALE, event.message, event)

    # Keyspaces.

    def on_upstream_verdict(self, event: UpstreamOpened | UpstreamFailed) -> Iterator[Command]:
        """A connection to Keyspaces stands, or none can be had."""
        if isinstance(event, UpstreamFailed):
            end = self._give_up if event.retryable else self._overloaded if event.overloaded else self._refuse
            yield from end(event.reason, event.message, event)
            return
        self._sign, self._credentials_expire = event.sign, event.credentials_expire
        self.deadline = event.now + STEP_SECONDS
        self._trail.know_aws(event)
        yield self._send(Opcode.STARTUP, startup_body(self._context.startup_options))

    def on_upstream_data(self, data: bytes, event: Event) -> Iterator[Command]:
        """Keyspaces goes on with the handshake."""
        try:
            for item in self._responses.feed(data):
                yield from self._answer(item, event)
        except ProtocolViolation as error:
            yield from self._give_up("UpstreamProtocolError", f"Amazon Keyspaces sent nonsense: {error}", event)

    def _answer(self, item: Frame | Piece, event: Event) -> Iterator[Command]:
        if self._context.over:
            return
        if not isinstance(item, Frame) or self._context.phase is not self or self._sign is None:
            raise ProtocolViolation("a message during the login that nothing asked for")
        if item.opcode == Opcode.ERROR:
            yield from self._refused_upstream(*read_error(item), event)
        else:
            yield from self._state(item, event)

    def on_upstream_closed(self, event: UpstreamClosed) -> Iterable[Command]:
        """Keyspaces hung up."""
        return self._give_up("UpstreamClosed", f"Amazon Keyspaces closed the connection: {event.reason}", event)

    def on_deadline(self, event: Event) -> Iterable[Command]:
        """STS or Keyspaces took too long."""
        return self._give_up("UpstreamTimeout", f"AWS did not answer within {STEP_SECONDS:g} s", event)

    def _authenticate(self, answer: Frame, event: Event) -> Iterator[Command]:
        _expect(answer, Opcode.AUTHENTICATE)
        name = read_authenticate(answer)
        if name != HELENUS:
            raise ProtocolViolation(f"it asks for {name[:128]!r}; only {HELENUS} gets a signature")
        self._state = self._challenge
        yield self._send(Opcode.AUTH_RESPONSE, auth_response_body(_SIGV4))

    def _challenge(self, answer: Frame, event: Event) -> Iterator[Command]:
        _expect(answer, Opcode.AUTH_CHALLENGE)
        nonce = _NONCE.search(read_challenge(answer))
        if nonce is None or self._sign is None:
            raise ProtocolViolation("its challenge holds no `nonce=` with 32 characters")
        self._state = self._success
        yield self._send(Opcode.AUTH_RESPONSE, auth_response_body(self._sign(nonce[1])))

    def _success(self, answer: Frame, event: Event) -> Iterator[Command]:
        _expect(answer, Opcode.AUTH_SUCCESS)
        context = self._context
        relay = Relay(
            context,
            self._trail,
            self._caller,
            proof_ends=min(self._credentials_expire, self._caller.proof_expires),
            now=event.now,
            wall=event.wall,
        )
        context.phase = relay
        context.requests.maximum_body = context.policy.database.limits.max_frame_bytes
        yield relay.started(event)
        yield context.to_client(self._stream, Opcode.AUTH_SUCCESS, auth_success_body())

    def _refused_upstream(self, code: int, message: str, event: Event) -> Iterator[Command]:
        text = f"Amazon Keyspaces refused IAM role '{self._caller.grant.db_user}' on {self._context.where}: {message}"
        if code not in (ErrorCode.BAD_CREDENTIALS, ErrorCode.UNAUTHORIZED):
            yield from self._give_up("UpstreamError", f"{text} (0x{code:04x})", event)
            return
        yield self._context.error(self._stream, code, text)
        yield from self._give_up("UpstreamRefused", text, event)

    def _refuse(self, reason: str, message: str, event: Event) -> Iterator[Command]:
        yield self._context.error(self._stream, ErrorCode.BAD_CREDENTIALS, message)
        yield from self._give_up(reason, message, event)

    def _overloaded(self, reason: str, message: str, event: Event) -> Iterator[Command]:
        yield self._context.error(self._stream, ErrorCode.OVERLOADED, message)
        yield from self._give_up(reason, message, event)

    def _give_up(self, reason: str, message: str, event: Event) -> Iterator[Command]:
        yield self._trail.denied(event, reason=reason, message=message)
        yield from self._context.close(f"{reason}: {message}")

    def _send(self, opcode: Opcode, body: bytes) -> ToUpstream:
        return ToUpstream(data=frame(self._context.version, _STREAM, opcode, body))


def _expect(answer: Frame, opcode: Opcode) -> None:
    if answer.opcode != opcode or answer.stream != _STREAM:
        raise ProtocolViolation(f"opcode 0x{answer.opcode:02x} came during the login where {opcode.name} must")

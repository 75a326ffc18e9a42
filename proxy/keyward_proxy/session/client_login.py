"""The first phase: OPTIONS, STARTUP and credentials, until the caller is known and granted.

State          | what comes                       | what follows
---------------|----------------------------------|---------------------------------------------
any            | OPTIONS, the first few            | SUPPORTED
startup        | STARTUP                          | AUTHENTICATE, then state credentials
credentials    | AUTH_RESPONSE, no certificate    | Authenticate, then state verdict
credentials    | AUTH_RESPONSE, a certificate     | as after Authenticated, since TLS has proven who it is
verdict        | Authenticated, and a grant       | OpenUpstream, then phase UpstreamLogin
verdict        | Authenticated without a grant    | ERROR 0x0100, closed
verdict        | Authenticated, and a lock        | ERROR 0x0100, closed
verdict        | Authenticated, a stale policy    | ERROR 0x0100, closed
verdict        | AuthenticationRefused            | ERROR 0x0100, closed; if it may pass later, just closed

Each state has its own time. Where a login may succeed later, the connection is closed without an ERROR: the
Python driver takes any ERROR here for bad credentials and stops reconnecting for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from keyward_api.decision import GrantError
from keyward_proxy.session.audit import AuditTrail
from keyward_proxy.session.certificate import CertificateProof, CertificateRefused
from keyward_proxy.session.commands import Authenticate, Command, OpenUpstream
from keyward_proxy.session.context import Caller, SessionContext
from keyward_proxy.session.events import Authenticated, AuthenticationRefused, ClientClosed, Drain, Event
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.plain import CredentialsError, read_plain, read_user_name
from keyward_proxy.session.settings import STEP_SECONDS
from keyward_proxy.session.staleness import REASON as STALE
from keyward_proxy.session.upstream_login import UpstreamLogin
from keyward_proxy.wire.errors import ProtocolViolation, WireError
from keyward_proxy.wire.header import Opcode
from keyward_proxy.wire.requests import read_auth_response, read_startup
from keyward_proxy.wire.responses import ErrorCode, authenticate_body
from keyward_proxy.wire.scanner import Frame

AUTHENTICATOR = "org.apache.cassandra.auth.PasswordAuthenticator"
"""gocql up to 1.7 sends a password to known class names only; this is one."""

_PASSED_ON = frozenset(
    {
        "CQL_VERSION",
        "DRIVER_NAME",
        "DRIVER_VERSION",
        "APPLICATION_NAME",
        "APPLICATION_VERSION",
        "CLIENT_ID",
    }
)
"""Keys of STARTUP that say who asks. All others change how the connection works, which is the agent's matter."""

_CQL_VERSION = re.compile(r"3\.[0-9]+\.[0-9]+")


class ClientLogin(Phase):
    """Speaks with the client until it is known."""

    def __init__(self, context: SessionContext, trail: AuditTrail, *, now: float) -> None:
        self._context = context
        self._trail = trail
        self._stream = 0
        """The stream on which the client waits for the outcome."""

        self.deadline = now + STEP_SECONDS
        self._state: Callable[[Frame, Event], Iterator[Command]] = self._startup

    def on_frames(self, frames: Sequence[Frame], event: Event) -> Iterator[Command]:
        """Frames in order, each in the state that the ones before it left."""
        for frame in frames:
            if self._context.over:
                return
            try:
                if frame.opcode == Opcode.OPTIONS:
                    self._context.version = frame.version
                    yield self._context.options_before_login(frame.stream)
                else:
                    yield from self._state(frame, event)
            except ProtocolViolation as error:
                error.stream = frame.stream
                yield from self.on_violation(error, event)

    def on_violation(self, error: WireError, event: Event) -> Iterator[Command]:
        """Say what is wrong, and close."""
        yield self._context.error(error.stream, ErrorCode.PROTOCOL_ERROR, str(error))
        yield from self._context.close(f"protocol error: {error}")

    def on_client_closed(self, event: ClientClosed) -> Iterable[Command]:
        """Nobody is left to log in."""
        return self._context.close(event.reason)

    def on_deadline(self, event: Event) -> Iterator[Command]:
        """The client, or whoever verifies its token, took too long."""
        if self._state == self._verdict:
            yield from self._give_up("VerificationTimeout", "the token was not verified in time; connect again", event)
            return
        message = f"the login did not go on within {STEP_SECONDS:g} s"
        yield self._context.error(self._stream, ErrorCode.PROTOCOL_ERROR, message)
        yield from self._context.close(message)

    def on_drain(self, event: Drain) -> Iterable[Command]:
        """A login that is not complete is not worth waiting for."""
        return self._context.close(event.reason)

    def _startup(self, frame: Frame, event: Event) -> Iterator[Command]:
        if frame.opcode != Opcode.STARTUP:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} came where STARTUP must")
        # Cassandra reads the keys in capitals, whatever they are written in.
        options = {key.upper(): value for key, value in read_startup(frame).items()}
        if not _CQL_VERSION.fullmatch(options.get("CQL_VERSION", "")):
            raise ProtocolViolation(
                f"STARTUP asks for CQL version {options.get('CQL_VERSION', '')[:32]!r}; supported is 3.4.4"
            )
        if options.get("COMPRESSION"):
            raise ProtocolViolation("STARTUP asks for compression, which is not offered: switch it off in the driver")
        context = self._context
        context.version = context.requests.version = frame.version
        context.startup_options = {key: value for key, value in options.items() if key in _PASSED_ON}
        self._trail.know(driver=_driver(options))
        self._state, self.deadline = self._credentials, event.now + STEP_SECONDS
        yield context.to_client(frame.stream, Opcode.AUTHENTICATE, authenticate_body(AUTHENTICATOR))

    def _credentials(self, frame: Frame, event: Event) -> Iterator[Command]:
        if frame.opcode != Opcode.AUTH_RESPONSE:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} came where AUTH_RESPONSE must")
        self._stream = frame.stream
        message, certificate = read_auth_response(frame), self._context.settings.certificate
        try:
            if certificate is None:
                yield from self._verify(message, event)
            else:
                self._know_user_name(read_user_name(message))
                yield from self._admit(certificate, event)
        except CredentialsError as error:
            yield from self._refuse("MalformedCredentials", str(error), event)

    def _verify(self, message: bytes, event: Event) -> Iterator[Command]:
        username, token = read_plain(message)
        self._know_user_name(username)
        self._state, self.deadline = self._verdict, event.now + STEP_SECONDS
        yield Authenticate(username=username, token=token)

    def _know_user_name(self, username: str) -> None:
        self._context.username = username
        self._trail.know(db_user=username or None)

    def _admit(self, certificate: CertificateProof | CertificateRefused, event: Event) -> Iterator[Command]:
        """A certificate is a verdict of its own; it may have ended since the handshake."""
        self._state = self._verdict
        if isinstance(certificate, CertificateRefused):
            yield from self._refuse("CertificateRefused", certificate.message, event)
        elif certificate.expires <= event.wall:
            yield from self._refuse("CertificateExpired", "the client certificate has ended: get a new one", event)
        else:
            yield from self.on_verdict(
                Authenticated(
                    now=event.now, wall=event.wall, identity=certificate.identity, expires=certificate.expires
                )
            )

    def _verdict(self, frame: Frame, event: Event) -> Iterator[Command]:
        raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} came before the login was complete")

    def on_verdict(self, event: Authenticated | AuthenticationRefused) -> Iterator[Command]:
        """The proof is judged; what the identity may do is in the policy."""
        if isinstance(event, AuthenticationRefused):
            end = self._give_up if event.retryable else self._refuse
            yield from end(event.reason, event.message, event)
            return
        context = self._context
        self._trail.know(identity=event.identity.username)
        stale = context.shared.staleness.refusal
        if stale:
            yield from self._refuse(STALE, stale, event)
            return
        try:
            grant = context.policy.grant_for(event.identity, context.username)
        except GrantError as error:
            yield from self._refuse("NotGranted", str(error), event)
            return
        self._trail.know(db_user=grant.db_user)
        locked = context.locked(event.identity, grant)
        if locked:
            yield from self._refuse("Locked", locked, event)
            return
        caller = Caller(identity=event.identity, grant=grant, proof_expires=event.expires)
        context.phase = UpstreamLogin(context, self._trail, caller, stream=self._stream, now=event.now)
        context.upstream_open = True
        yield OpenUpstream(grant=grant, identity=event.identity)

    def _refuse(self, reason: str, message: str, event: Event) -> Iterator[Command]:
        yield self._context.error(self._stream, ErrorCode.BAD_CREDENTIALS, message)
        yield from self._give_up(reason, message, event)

    def _give_up(self, reason: str, message: str, event: Event) -> Iterator[Command]:
        yield self._trail.denied(event, reason=reason, message=message)
        yield from self._context.close(f"{reason}: {message}")


def _driver(options: dict[str, str]) -> str | None:
    """What the client calls itself, for the audit trail."""
    name = options.get("DRIVER_NAME") or options.get("APPLICATION_NAME") or ""
    return f"{name} {options.get('DRIVER_VERSION', '')}".strip()[:128] or None

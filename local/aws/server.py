"""The listeners: HTTPS for STS and IAM, plain HTTP on loopback for the admin API.

One event loop, one thread: each call is answered in a few milliseconds without waiting for anything, so state
needs no locks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.aws.admin import admin_application
from local.aws.authentication import Authenticator
from local.aws.calls import CallLog
from local.aws.faults import Faults
from local.aws.iam import Iam
from local.aws.keyspaces import KeyspacesAccess
from local.aws.service import Service
from local.aws.sessions import SessionRegistry
from local.aws.sigv4 import ReceivedRequest
from local.aws.state import admin_token, root_credential
from local.aws.store import IamStore
from local.aws.sts import Sts
from local.aws.web_identity import IssuerKeys

MAXIMUM_BODY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All that the server is told."""

    state: Path
    listen: Sequence[Address]
    admin: Address
    certificate: Path
    key: Path
    issuers: Mapping[str, Path]
    account: str
    region: str


def applications(settings: Settings) -> tuple[web.Application, web.Application]:
    """The public and the admin application, over one new and empty account."""
    store, sessions, calls, faults = IamStore(settings.account), SessionRegistry(), CallLog(), Faults()
    authenticator = Authenticator(
        root=root_credential(settings.state, settings.account),
        store=store,
        sessions=sessions,
        region=settings.region,
    )
    service = Service(
        authenticator=authenticator,
        sts=Sts(account=settings.account, store=store, sessions=sessions, keys=IssuerKeys(settings.issuers)),
        iam=Iam(account=settings.account, store=store, faults=faults),
        calls=calls,
        faults=faults,
        clock=time.time,
    )
    access = KeyspacesAccess(authenticator=authenticator, store=store, calls=calls, clock=time.time)
    return public_application(service), admin_application(access, calls, faults, admin_token(settings.state))


def public_application(service: Service) -> web.Application:
    """STS and IAM behind one address; which of them is told by the call's API version."""

    async def handle(request: web.Request) -> web.Response:
        answer = service.answer(await _received(request))
        return web.Response(status=answer.status, text=answer.body, content_type="text/xml")

    application = web.Application(client_max_size=MAXIMUM_BODY_BYTES)
    application.router.add_route("*", "/{path:.*}", handle)
    return application


async def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; prints `local AWS is ready` once all listeners accept connections."""
    public, admin = applications(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await _listen(stack, public, settings.listen, _tls(settings))
        await _listen(stack, admin, [settings.admin], None)
        print("local AWS is ready", flush=True)
        await stop.wait()


async def _listen(
    stack: AsyncExitStack, application: web.Application, addresses: Sequence[Address], tls: ssl.SSLContext | None
) -> None:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for address in addresses:
        await web.TCPSite(runner, address.host, address.port, ssl_context=tls).start()


async def _received(request: web.Request) -> ReceivedRequest:
    path, _, query = request.raw_path.partition("?")
    return ReceivedRequest(
        method=request.method,
        path=path,
        query=query,
        headers=[(name.decode("latin-1"), value.decode("utf-8", "replace")) for name, value in request.raw_headers],
        body=await request.read(),
    )


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key)
    return context

"""The admin API on loopback: questions of local Keyspaces, the call log, and faults on demand.

Every call but GET /healthz needs `Authorization: Bearer <token>`; the token lies in the state directory, for
its owner only.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.aws.authentication import LoginRefused
from local.aws.calls import CallLog
from local.aws.cassandra_login import CassandraLogin
from local.aws.faults import Faults, Refusal
from local.aws.keyspaces import KeyspacesAccess


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AuthenticateBody(_Body):
    """What a Cassandra client answered to the nonce."""

    access_key_id: str = Field(alias="accessKeyId")
    session_token: str | None = Field(alias="sessionToken")
    nonce: str
    amzdate: str
    region: str
    signature: str


class AuthorizeBody(_Body):
    """One action on some resources."""

    session: str
    action: str = Field(pattern="^cassandra:[A-Za-z]+$")
    resources: list[str] = Field(min_length=1)


class RefusalBody(_Body):
    """See Refusal."""

    action: str = Field(pattern="^(iam|sts):[A-Za-z*?]+$")
    code: Literal["Throttling", "ServiceFailure", "ConcurrentModification", "LimitExceeded"]
    times: int = Field(ge=1, le=1_000_000)


class FaultsBody(_Body):
    """All faults that shall be in force."""

    refusals: list[RefusalBody] = []
    visibility_delay_seconds: Annotated[float, Field(ge=0, le=600)] = Field(default=0, alias="visibilityDelaySeconds")


_Model = TypeVar("_Model", bound=_Body)


def admin_application(access: KeyspacesAccess, calls: CallLog, faults: Faults, token: str) -> web.Application:
    """The aiohttp application."""

    async def authenticate(request: web.Request) -> web.Response:
        body = await _parsed(request, AuthenticateBody)
        login = CassandraLogin(
            access_key_id=body.access_key_id,
            nonce=body.nonce,
            amzdate=body.amzdate,
            region=body.region,
            signature=body.signature,
        )
        try:
            return web.json_response(asdict(access.authenticate(login, body.session_token)))
        except LoginRefused as refusal:
            return web.json_response({"code": refusal.code, "message": refusal.message}, status=403)

    async def authorize(request: web.Request) -> web.Response:
        body = await _parsed(request, AuthorizeBody)
        return web.json_response(asdict(access.authorize(body.session, body.action, body.resources)))

    async def recorded(_: web.Request) -> web.Response:
        return web.json_response(calls.as_json())

    async def clear(_: web.Request) -> web.Response:
        calls.clear()
        return web.Response(status=204)

    async def disturb(request: web.Request) -> web.Response:
        body = await _parsed(request, FaultsBody)
        refusals = [Refusal(action=item.action, code=item.code, times=item.times) for item in body.refusals]
        faults.set(refusals=refusals, visibility_delay_seconds=body.visibility_delay_seconds)
        return web.Response(status=204)

    application = web.Application(middlewares=[_bearer(token)])
    application.add_routes(
        [
            web.post("/keyspaces/authenticate", authenticate),
            web.post("/keyspaces/authorize", authorize),
            web.get("/calls", recorded),
            web.delete("/calls", clear),
            web.put("/faults", disturb),
            web.get("/healthz", _healthz),
        ]
    )
    return application


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _parsed(request: web.Request, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        # Without the input, which may hold a session token.
        raise web.HTTPBadRequest(text=error.json(include_input=False), content_type="application/json") from None


def _bearer(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if request.path != "/healthz" and not secrets.compare_digest(given, expected):
            return web.json_response({"message": "Authorization: Bearer <admin token> is required"}, status=401)
        return await handler(request)

    return check

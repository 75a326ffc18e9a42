"""Keys that rotate, sources that fail, and callers that ask for keys nobody has."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from keyward_proxy.auth.key_set import KeySetError
from keyward_proxy.auth.key_source import FetchedKeys, FileKeys, KeysUnavailable, fetch_document
from keyward_proxy.net.leaf import issue
from tests.unit.proxy.auth.issuers import Signer
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.support import TurnedClock

OLD, NEW = Signer(), Signer()


class Site:
    """What an issuer serves, or why not."""

    def __init__(self) -> None:
        self.document: bytes | None = OLD.jwks()
        self.fetches = 0

    async def fetch(self, _: str) -> bytes:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.document is None:
            raise aiohttp.ClientError("down")
        return self.document


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def fetched(site: Site, clock: TurnedClock) -> FetchedKeys:
    return FetchedKeys("https://issuer.example.com/keys", clock=clock, fetch=site.fetch)


async def knows(source: FetchedKeys | FileKeys, signer: Signer) -> bool:
    return await source.find(signer.key.kid, "RS256") is not None


async def test_a_file_is_read_again_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(OLD.jwks())
    source = FileKeys(file)
    assert await knows(source, OLD)
    file.write_bytes(NEW.jwks() + b"\n")
    assert await knows(source, NEW)
    assert not await knows(source, OLD)
    with caplog.at_level(logging.ERROR, logger="keyward_proxy"):
        file.write_bytes(b"half of")
        assert await knows(source, NEW)
        assert await knows(source, NEW)
        file.unlink()
        assert await knows(source, NEW)
    assert [record.message for record in caplog.records] == ["issuer's keys not read, the present ones stay"] * 2


def test_a_file_must_be_good_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(KeySetError, match=r"cannot read .*jwks\.json: No such file"):
        FileKeys(tmp_path / "jwks.json")
    (tmp_path / "jwks.json").write_text("{}")
    with pytest.raises(KeySetError, match=r"jwks\.json: this is not a JWK Set"):
        FileKeys(tmp_path / "jwks.json")


async def test_an_unknown_key_is_asked_for_once_in_a_while(
    fetched: FetchedKeys, site: Site, clock: TurnedClock
) -> None:
    assert await knows(fetched, OLD)
    assert await asyncio.gather(*[knows(fetched, NEW) for _ in range(50)]) == [False] * 50
    assert site.fetches == 1
    site.document = NEW.jwks()
    clock.turn(11)
    assert await asyncio.gather(*[knows(fetched, NEW) for _ in range(50)]) == [True] * 50
    assert site.fetches == 2
    assert not await knows(fetched, OLD)


async def test_known_keys_are_not_asked_for_until_they_are_old(
    fetched: FetchedKeys, site: Site, clock: TurnedClock
) -> None:
    for _ in range(9):
        assert await knows(fetched, OLD)
        clock.turn(30)
    assert site.fetches == 1
    clock.turn(60)
    site.document = NEW.jwks()
    assert not await knows(fetched, OLD)
    assert site.fetches == 2


async def test_keys_outlive_an_outage_of_an_hour(fetched: FetchedKeys, site: Site, clock: TurnedClock) -> None:
    assert await knows(fetched, OLD)
    site.document = None
    clock.turn(3500)
    assert await knows(fetched, OLD)
    clock.turn(200)
    with pytest.raises(KeysUnavailable):
        await knows(fetched, OLD)
    site.document = OLD.jwks()
    clock.turn(11)
    assert await knows(fetched, OLD)


async def test_without_a_first_answer_there_are_no_keys(fetched: FetchedKeys, site: Site, clock: TurnedClock) -> None:
    site.document = b"<html>"
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            await knows(fetched, OLD)
    assert site.fetches == 1


@pytest.fixture
async def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server with a certificate that only SSL_CERT_FILE makes good."""
    authority = make_authority()
    (tmp_path / "ca.pem").write_text(pem(authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server_tls = issue(authority, ["127.0.0.1"], datetime.datetime.now(datetime.UTC)).context
    application = web.Application()

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("/keys")

    async def keys(_: web.Request) -> web.Response:
        return web.Response(body=OLD.jwks())

    async def huge(_: web.Request) -> web.Response:
        return web.Response(body=b" " * 3_000_000)

    application.router.add_get("/keys", keys)
    application.router.add_get("/huge", huge)
    application.router.add_get("/moved", moved)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls)
    await site.start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_document_is_fetched_over_verified_tls(https: str) -> None:
    assert await fetch_document(f"{https}/keys") == OLD.jwks()


async def test_redirects_errors_and_endless_answers_are_no_keys(https: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await fetch_document(f"{https}/moved")
    with pytest.raises(aiohttp.ClientError):
        await fetch_document(f"{https}/nothing")
    assert 1024 * 1024 < len(await fetch_document(f"{https}/huge")) < 2 * 1024 * 1024


async def test_a_server_that_does_not_verify_is_not_believed(https: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(aiohttp.ClientError):
        await fetch_document(f"{https}/keys")

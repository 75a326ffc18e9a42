"""A valid leaf is always in hand, and a CA that cannot sign does not take it away."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

from keyward_proxy.metrics import Metrics
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.net.errors import CertificateAuthorityUnusable, ClientAuthorityUnusable
from keyward_proxy.net.leaf_keeper import LeafKeeper
from tests.unit.proxy.net.authorities import key_pem, make_authority, pem
from tests.unit.proxy.support import TurnedClock

HOUR = 3600.0


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def keeper(authority_directory: Path, clock: TurnedClock, metrics: Metrics) -> LeafKeeper:
    return LeafKeeper(directory=authority_directory, names=["agent.test"], clock=clock, metrics=metrics)


def test_before_the_first_leaf_there_is_nothing_to_serve(keeper: LeafKeeper) -> None:
    assert not keeper.valid
    with pytest.raises(CertificateAuthorityUnusable):
        _ = keeper.context


def test_a_leaf_is_renewed_at_half_of_its_life_and_not_before(keeper: LeafKeeper, clock: TurnedClock) -> None:
    keeper.renew_if_due()
    first = keeper.context
    clock.turn(11.9 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is first
    clock.turn(0.2 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is not first


def test_a_ca_that_was_replaced_signs_at_once(keeper: LeafKeeper, authority_directory: Path) -> None:
    keeper.renew_if_due()
    first = keeper.context
    other = make_authority(name="its successor")
    (authority_directory / "tls.crt").write_text(pem(other))
    keeper.renew_if_due()
    assert keeper.context is first, "half of a change is none"
    (authority_directory / "tls.key").write_bytes(key_pem(other))
    keeper.renew_if_due()
    assert keeper.context is not first
    _handshake(keeper.context, authority=authority_directory / "tls.crt", name="agent.test")
    renewed = keeper.context
    keeper.renew_if_due()
    assert keeper.context is renewed


def test_a_ca_that_cannot_sign_leaves_the_present_leaf_until_it_ends(
    keeper: LeafKeeper, clock: TurnedClock, authority_directory: Path, metrics: Metrics
) -> None:
    keeper.renew()
    first = keeper.context
    (authority_directory / "tls.key").write_text("nothing")
    clock.turn(13 * HOUR)
    keeper.renew_if_due()
    assert keeper.context is first
    assert keeper.valid
    clock.turn(12 * HOUR)
    assert not keeper.valid
    assert metrics.leaf_expires._value.get() < clock.now


def test_the_first_leaf_must_succeed(keeper: LeafKeeper, authority_directory: Path) -> None:
    (authority_directory / "tls.crt").unlink()
    with pytest.raises(CertificateAuthorityUnusable, match=r"tls\.crt"):
        keeper.renew()


def _handshake(server: ssl.SSLContext, *, authority: Path, name: str) -> None:
    """TLS in memory, the client verifying `name`; raises what the client finds wrong."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=str(authority))
    ends = [
        trusting.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()


def test_an_address_that_clients_dial_gets_into_the_leaf(keeper: LeafKeeper, authority_directory: Path) -> None:
    authority = authority_directory / "tls.crt"
    keeper.renew()
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        _handshake(keeper.context, authority=authority, name="10.96.0.7")
    keeper.answer_for("10.96.0.7")
    _handshake(keeper.context, authority=authority, name="10.96.0.7")
    _handshake(keeper.context, authority=authority, name="agent.test")


@pytest.mark.parametrize("address", ["", "agent.test"])
def test_nothing_is_signed_for_what_the_leaf_carries(keeper: LeafKeeper, address: str) -> None:
    keeper.renew()
    first = keeper.context
    keeper.answer_for(address)
    assert keeper.context is first


def test_a_client_ca_that_changed_is_asked_for_from_then_on(
    authority_directory: Path, clock: TurnedClock, metrics: Metrics, tmp_path: Path
) -> None:
    clients = ClientAuthorityFile(file=tmp_path / "clients.pem", required=True)
    clients.file.write_text(pem(make_authority()))
    keeper = LeafKeeper(
        directory=authority_directory, names=["agent.test"], clients=clients, clock=clock, metrics=metrics
    )
    keeper.renew()
    first = keeper.context
    assert first.verify_mode == ssl.CERT_REQUIRED
    keeper.renew_if_due()
    assert keeper.context is first
    clients.file.write_text("nonsense")
    keeper.renew_if_due()
    assert keeper.context is first
    clients.file.write_text(pem(make_authority()))
    keeper.renew_if_due()
    assert keeper.context is not first


def test_the_agent_s_own_ca_is_no_ca_of_clients(
    authority_directory: Path, clock: TurnedClock, metrics: Metrics
) -> None:
    clients = ClientAuthorityFile(file=authority_directory / "tls.crt", required=True)
    keeper = LeafKeeper(
        directory=authority_directory, names=["agent.test"], clock=clock, metrics=metrics, clients=clients
    )
    with pytest.raises(ClientAuthorityUnusable, match="make two CAs"):
        keeper.renew()
    assert not keeper.valid

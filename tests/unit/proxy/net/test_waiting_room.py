"""Who makes room for whom."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from keyward_proxy.addresses import source_of
from keyward_proxy.net.waiting_room import WaitingRoom


def room(places: int, *guests: tuple[str, str]) -> WaitingRoom[str]:
    """Guests and their addresses, in the order in which they came."""
    made: WaitingRoom[str] = WaitingRoom(places=places)
    for guest, address in guests:
        assert made.enter(guest, address=address) is None
    return made


def test_while_there_is_room_nobody_leaves() -> None:
    assert list(room(2, ("a", "10.0.0.1"), ("b", "10.0.0.1"))) == ["a", "b"]


def test_of_one_address_the_oldest_makes_room() -> None:
    full = room(2, ("a", "10.0.0.1"), ("b", "10.0.0.1"))
    assert full.enter("c", address="10.0.0.1") == "a"
    assert list(full) == ["b", "c"]


def test_of_many_addresses_the_one_with_most_makes_room() -> None:
    full = room(4, ("honest", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.2"), ("d", "10.0.0.3"))
    assert full.enter("e", address="10.0.0.2") == "b"
    assert full.enter("f", address="10.0.0.4") == "c"
    assert "honest" in full


def test_of_addresses_with_one_each_the_oldest_makes_room() -> None:
    full = room(3, *((name, f"10.0.0.{number}") for number, name in enumerate("abc")))
    assert full.enter("d", address="10.0.0.9") == "a"
    assert full.enter("e", address="10.0.0.0") == "b"


def test_who_left_gives_its_place_back() -> None:
    full = room(1, ("a", "10.0.0.1"))
    assert full.leave("a")
    assert not full.leave("a")
    assert full.enter("b", address="10.0.0.1") is None
    assert len(full) == 1


def test_a_flood_never_drives_out_an_address_with_fewer() -> None:
    full: WaitingRoom[int] = WaitingRoom(places=64)
    rng = random.Random(1)  # noqa: S311
    full.enter(-1, address="10.9.9.9")
    for number in range(5000):
        full.enter(number, address=f"10.0.0.{rng.randrange(4)}")
        assert -1 in full
        assert len(full) <= 64
    held = Counter(full._sources.values())
    assert held.pop("10.9.9.9") == 1
    assert max(held.values()) - min(held.values()) <= 2


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_network_of_ipv6_is_one_address(address: str, source: str) -> None:
    assert source_of(address) == source

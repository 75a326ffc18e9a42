"""Secrets and what can be seen of them."""

from __future__ import annotations

import copy
import pickle

import pytest

from keyward_proxy.session.commands import Authenticate
from keyward_proxy.session.secret import Secret

SECRET = Secret("hunter2")


def test_no_way_of_printing_shows_it() -> None:
    command = Authenticate(username="Reader", token=SECRET)
    for text in (repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET:>20}", "%s" % SECRET, repr(command)):  # noqa: UP031
        assert "hunter2" not in text
        assert "<secret>" in text


def test_it_reveals_itself_only_when_asked() -> None:
    assert SECRET.reveal() == "hunter2"
    assert Secret("hunter2") == SECRET
    assert Secret("other") != SECRET
    assert len({SECRET, Secret("hunter2")}) == 1


@pytest.mark.parametrize("serialise", [pickle.dumps, copy.copy])
def test_it_is_not_serialised(serialise: object) -> None:
    assert callable(serialise)
    with pytest.raises(TypeError, match="not serialised"):
        serialise(SECRET)

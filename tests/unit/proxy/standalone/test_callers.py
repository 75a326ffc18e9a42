"""Who may call, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.issuer import IssuerTokenReviewer
from keyward_proxy.auth.key_set import KeySetError
from keyward_proxy.clock import SystemClock
from keyward_proxy.commandline import parse
from keyward_proxy.session.secret import Secret
from keyward_proxy.standalone.callers import client_authority, token_issuer, token_reviewer
from tests.unit.proxy.auth.issuers import ISSUER, Signer
from tests.unit.proxy.support import AUDIENCE

CLIENTS = ["--manifests", "m", "--client-ca", "clients.pem"]
TOKENS = ["--token-issuer", ISSUER, "--token-jwks", "jwks.json"]


def test_a_certificate_is_required_where_no_token_can_stand_in_for_it() -> None:
    alone, both = client_authority(parse(CLIENTS)), client_authority(parse([*CLIENTS, *TOKENS]))
    assert alone
    assert both
    assert (alone.file, alone.required, both.required) == (Path("clients.pem"), True, False)
    assert client_authority(parse(["--manifests", "m", *TOKENS])) is None


def test_claims_have_their_usual_names_unless_given() -> None:
    issuer = token_issuer(parse([*CLIENTS, *TOKENS]))
    assert issuer
    assert (issuer.url, issuer.username_claim, issuer.groups_claim) == (ISSUER, "sub", "groups")
    given = token_issuer(parse([*CLIENTS, *TOKENS, "--token-username-claim", "upn", "--token-groups-claim", "roles"]))
    assert given
    assert (given.username_claim, given.groups_claim) == ("upn", "roles")
    assert token_issuer(parse(CLIENTS)) is None


async def test_without_an_issuer_every_token_is_refused() -> None:
    reviewer = token_reviewer(None, None, SystemClock())
    with pytest.raises(AuthenticationError, match="client certificates only"):
        await reviewer.review(Secret(Signer().token()), audience=AUDIENCE)


async def test_keys_come_from_a_file_or_an_address(tmp_path: Path) -> None:
    signer, issuer = Signer(), token_issuer(parse([*CLIENTS, *TOKENS]))
    with pytest.raises(KeySetError):
        token_reviewer(issuer, str(tmp_path / "jwks.json"), SystemClock())
    (tmp_path / "jwks.json").write_bytes(signer.jwks())
    reviewer = token_reviewer(issuer, str(tmp_path / "jwks.json"), SystemClock())
    assert (await reviewer.review(Secret(signer.token()), audience=AUDIENCE)).username == "alice"
    assert isinstance(token_reviewer(issuer, f"{ISSUER}/keys", SystemClock()), IssuerTokenReviewer)

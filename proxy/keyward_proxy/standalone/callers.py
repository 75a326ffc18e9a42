"""Who may call an agent without Kubernetes, from the command line: a client CA, an issuer of tokens, or both."""

from __future__ import annotations

import argparse
from pathlib import Path

from keyward_api.identities import CallerIdentity
from keyward_proxy.auth.authenticator import TokenReviewer
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.auth.issuer import Issuer, IssuerTokenReviewer
from keyward_proxy.auth.key_source import FetchedKeys, FileKeys, KeySource
from keyward_proxy.auth.token import WantedToken
from keyward_proxy.clock import Clock
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.session.secret import Secret

NO_TOKEN = WantedToken(
    what="wanted here", source="connect with a client certificate", renewal="connect with a client certificate"
)


class NoTokens:
    """For agents that know no issuer. TLS lets nobody in without a certificate there; this is the second lock."""

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        """Raises AuthenticationError, whatever the token."""
        raise AuthenticationError("this agent accepts client certificates only", reason="TokensNotAccepted")


def client_authority(arguments: argparse.Namespace) -> ClientAuthorityFile | None:
    """The client CA; a certificate is required where no token can stand in for it."""
    if not arguments.client_ca:
        return None
    return ClientAuthorityFile(file=arguments.client_ca, required=not arguments.token_issuer)


def token_issuer(arguments: argparse.Namespace) -> Issuer | None:
    """The issuer whose tokens count."""
    if not arguments.token_issuer:
        return None
    claims = {
        "username_claim": arguments.token_username_claim,
        "groups_claim": arguments.token_groups_claim,
    }
    return Issuer(url=arguments.token_issuer, **{name: claim for name, claim in claims.items() if claim})


def token_reviewer(issuer: Issuer | None, jwks: str | None, clock: Clock) -> TokenReviewer:
    """Whoever verifies tokens; raises KeySetError where the file with the keys cannot be read."""
    if not issuer or not jwks:
        return NoTokens()
    keys: KeySource = FetchedKeys(jwks, clock=clock) if jwks.startswith("https://") else FileKeys(Path(jwks))
    return IssuerTokenReviewer(issuer, keys=keys, clock=clock)

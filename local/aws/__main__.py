"""`python -m local.aws`: runs local AWS in the foreground. README.md next to this file says what it does and
what it leaves out.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from local.aws.server import Address, Settings, serve
from local.certificates import ensure


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    try:
        address = Address(host=host.strip("[]"), port=int(port))
        _ = address.is_loopback
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not IP-ADDRESS:PORT") from error
    return address


def _loopback(text: str) -> Address:
    address = _address(text)
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{text!r} is not on loopback; the admin API must stay on this machine")
    return address


def _issuer(text: str) -> tuple[str, Path]:
    issuer, separator, path = text.partition("=")
    if not separator or not issuer.startswith("https://"):
        raise argparse.ArgumentTypeError(f"{text!r} is not https://ISSUER=JWKS_FILE")
    return issuer, Path(path)


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """Reads the command line and makes certificates where the state directory has none."""
    parser = argparse.ArgumentParser(prog="python -m local.aws", description="A strict local STS and IAM over HTTPS.")
    parser.add_argument("--state", type=Path, required=True, help="directory of certificates, root key, admin token")
    parser.add_argument("--listen", type=_address, action="append", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--admin", type=_loopback, required=True, metavar="127.0.0.1:PORT")
    parser.add_argument("--oidc", type=_issuer, action="append", default=[], metavar="ISSUER=JWKS_FILE")
    parser.add_argument("--account", default="111122223333", help="12 digits (default %(default)s)")
    parser.add_argument("--region", default="us-east-1", help="the region of STS and Keyspaces (default %(default)s)")
    parsed = parser.parse_args(arguments)
    certificates = ensure(parsed.state)
    return Settings(
        state=parsed.state,
        listen=parsed.listen,
        admin=parsed.admin,
        certificate=certificates.aws_cert,
        key=certificates.aws_key,
        issuers=dict(parsed.oidc),
        account=parsed.account,
        region=parsed.region,
    )


def main() -> None:
    """The command."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(settings()))


if __name__ == "__main__":
    main()

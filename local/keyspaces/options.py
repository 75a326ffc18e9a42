"""What the command line says."""

import argparse
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """One local Keyspaces."""

    state: Path
    """Folder of its configuration, data and log; made when missing, kept between starts."""

    listen: str
    """The one IPv4 address to listen on; 0.0.0.0 for all."""

    port: int

    aws_admin: str
    """URL of local AWS's admin API."""

    aws_admin_token_file: Path

    certificate: Path
    """PEM: the server's certificate, then those that issued it."""

    key: Path
    """PEM: the private key of the certificate, PKCS #8 without a passphrase."""

    region: str
    account: str
    """12 digits; part of every ARN."""

    partition: str

    initial_cql: tuple[Path, ...]
    """Files of CQL to run at each start, before the port opens."""


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; ends the process with a usage message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m local.keyspaces", description="Run a local Amazon Keyspaces.")
    parser.add_argument("--state", type=_absolute, required=True, metavar="DIR")
    parser.add_argument("--listen", type=_ipv4, default="127.0.0.1", metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=9142)
    parser.add_argument("--aws-admin", type=_http_url, required=True, metavar="URL")
    parser.add_argument("--aws-admin-token-file", type=_file, required=True, metavar="FILE")
    parser.add_argument("--certificate", type=_file, required=True, metavar="FILE")
    parser.add_argument("--key", type=_file, required=True, metavar="FILE")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="111122223333")
    parser.add_argument("--partition", default="aws")
    parser.add_argument(
        "--init-cql",
        dest="initial_cql",
        type=_file,
        action="append",
        default=[],
        metavar="FILE",
        help="CQL to run at each start, before the port opens, without permissions asked; may be repeated",
    )
    values = vars(parser.parse_args(arguments))
    return Options(**{**values, "initial_cql": tuple(values["initial_cql"])})


def _absolute(text: str) -> Path:
    return Path(text).absolute()


def _file(text: str) -> Path:
    path = Path(text).absolute()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{path} is not a file")
    return path


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IPv4 address") from error


def _http_url(text: str) -> str:
    if urlsplit(text).scheme != "http" or not urlsplit(text).hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as http://127.0.0.1:8080")
    return text

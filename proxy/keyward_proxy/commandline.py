"""The command line of keyward-agent: one program, two ways to run.

In a pod (`--policy-name`) the policy is an object that the operator wrote. Anywhere else (`--manifests`) it is compiled
from files. What belongs to one way is refused in the other.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from keyward_api import names
from keyward_api.resources.database import LogLevel

DESCRIPTION = "Gives audited, role-based access to one Amazon Keyspaces endpoint."
EPILOG = """\
In a pod the environment variables POD_NAME, POD_IP and POD_NAMESPACE are required (downward API). AWS credentials are
boto3's own matter: in a pod the injected web identity, elsewhere environment, shared files or the machine's role.

Examples:
  keyward-agent --policy-name payments.orders --server-name keyward-orders.payments.svc
  keyward-agent --manifests /etc/keyward/manifests --server-name orders.example.com --client-ca /etc/keyward/clients.pem
  keyward-agent --manifests . --tls-certificate tls.crt --tls-key tls.key \\
      --token-issuer https://login.example.com --token-jwks https://login.example.com/keys --token-username-claim email
  keyward-agent --manifests . --check
  keyward-agent --manifests . --print trust-policy

SIGTERM drains and ends. With --manifests, SIGHUP looks at the directory now instead of within a second.
"""

OPERATOR_LEASE = f"{names.SYSTEM_NAMESPACE}/{names.LEASE_NAME}"
PRINTABLE = ("trust-policy", "agent-policy", "roles", "external-id", "audience")
_IN_A_POD = ("policy_name", "policy_namespace", "operator_lease", "external_listen", "service_listen")
_ELSEWHERE = (
    *("database", "cluster_uid", "advertise_address", "agent_name", "check", "print"),
    *("tls_certificate", "tls_key", "client_ca"),
    *("token_issuer", "token_jwks", "token_username_claim", "token_groups_claim"),
)


def parser() -> argparse.ArgumentParser:
    """All flags of both ways."""
    made = argparse.ArgumentParser(
        prog="keyward-agent",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _common(made)
    _in_a_pod(made.add_argument_group("in a Kubernetes pod"))
    _elsewhere(made.add_argument_group("without Kubernetes"))
    _callers(made.add_argument_group("callers, without Kubernetes (at least one of the two ways)"))
    return made


def _common(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--ca-directory",
        metavar="DIR",
        type=Path,
        help="holds tls.crt and tls.key of the CA that signs this agent's certificate (default: /etc/keyward/ca)",
    )
    made.add_argument(
        "--server-name",
        metavar="NAME",
        action="append",
        default=[],
        help="DNS name or IP address for that certificate, repeatable; the agent's own address is added",
    )
    made.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=address,
        default="0.0.0.0:9142",
        help="CQL over TLS (default: %(default)s)",
    )
    made.add_argument(
        "--health-address",
        metavar="ADDRESS:PORT",
        type=address,
        help="plain HTTP: /healthz, /readyz and /metrics (default: 0.0.0.0:8080, with --manifests 127.0.0.1:8080)",
    )
    made.add_argument("--log-level", choices=get_args(LogLevel), default="info", help="default: %(default)s")


def _in_a_pod(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--policy-name", metavar="NAME", help="name of the KeyspacesPolicy")
    group.add_argument("--policy-namespace", metavar="NS", help="its namespace (default: POD_NAMESPACE)")
    group.add_argument(
        "--operator-lease",
        metavar="NAMESPACE/NAME",
        type=_namespaced,
        help=f"the Lease by which the operator shows that it is at work (default: {OPERATOR_LEASE})",
    )
    group.add_argument(
        "--external-listen",
        metavar="ADDRESS:PORT",
        type=address,
        help="the same as --listen for clients that reach the agents through one address, a load balancer's or a "
        "forwarded port's: they see one node (default: nowhere)",
    )
    group.add_argument(
        "--service-listen",
        metavar="ADDRESS:PORT",
        type=address,
        help="the same as --listen for connections to the agents' Service, which their clients see as one more node "
        "(default: nowhere)",
    )


def _elsewhere(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--manifests",
        metavar="DIR",
        type=Path,
        help="*.yaml with one KeyspacesDatabase, its KeyspacesRoles, KeyspacesUsers and KeyspacesLocks; followed "
        "while running",
    )
    group.add_argument(
        "--database", metavar="NAMESPACE/NAME", type=_namespaced, help="which one, where DIR holds several"
    )
    group.add_argument(
        "--cluster-uid",
        metavar="ID",
        type=_uid,
        help="first part of the ExternalId (default: derived from spec.agent.identity.roleARN)",
    )
    group.add_argument(
        "--advertise-address",
        metavar="IP",
        type=_ip,
        help="address that drivers see as the node's (default: that of --listen, or of the default route)",
    )
    group.add_argument(
        "--agent-name", metavar="NAME", type=_agent, help="in the audit trail (default: the host's name)"
    )
    group.add_argument(
        "--tls-certificate",
        metavar="FILE",
        type=Path,
        help="the server's certificate chain, instead of --ca-directory; read again when it changes",
    )
    group.add_argument("--tls-key", metavar="FILE", type=Path, help="its key")
    group.add_argument("--check", action="store_true", help="read the manifests, tell what is wrong, and end")
    group.add_argument("--print", choices=PRINTABLE, help="what IAM's administrators and callers need, and end")


def _callers(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--client-ca",
        metavar="FILE",
        type=Path,
        help="PEM: accept client certificates of this CA; each names its owner by a URI keyward://user/<name>",
    )
    group.add_argument("--token-issuer", metavar="URL", help="accept tokens whose `iss` is exactly this")
    group.add_argument(
        "--token-jwks", metavar="FILE|URL", type=_jwks, help="the issuer's keys: a JWK Set, as a file or at https://"
    )
    group.add_argument("--token-username-claim", metavar="CLAIM", help="names the person (default: sub)")
    group.add_argument("--token-groups-claim", metavar="CLAIM", help="names the groups (default: groups)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, consistent; ends the process with status 2 and a message where they are not."""
    made = parser()
    parsed = made.parse_args(arguments)
    if (parsed.manifests is None) == (parsed.policy_name is None):
        made.error("give either --policy-name (in a Kubernetes pod) or --manifests (anywhere else)")
    foreign = _ELSEWHERE if parsed.manifests is None else _IN_A_POD
    for name in foreign:
        if getattr(parsed, name):
            made.error(f"{_flag(name)} has no meaning with {'--policy-name' if parsed.policy_name else '--manifests'}")
    if parsed.policy_name and not parsed.server_name:
        made.error("the following arguments are required: --server-name")
    if parsed.manifests and not (parsed.check or parsed.print):
        for problem in _inconsistent(parsed):
            made.error(problem)
    host = "0.0.0.0" if parsed.manifests is None else "127.0.0.1"  # noqa: S104
    parsed.health_address = parsed.health_address or (host, 8080)
    return parsed


def _inconsistent(parsed: argparse.Namespace) -> list[str]:
    found = []
    if not parsed.client_ca and not parsed.token_issuer:
        found.append("nobody could log in: give --client-ca, or --token-issuer with --token-jwks, or both")
    if bool(parsed.token_issuer) != bool(parsed.token_jwks):
        found.append("--token-issuer and --token-jwks go together")
    if (parsed.token_username_claim or parsed.token_groups_claim) and not parsed.token_issuer:
        found.append("--token-username-claim and --token-groups-claim are for tokens of a --token-issuer")
    if bool(parsed.tls_certificate) != bool(parsed.tls_key):
        found.append("--tls-certificate and --tls-key go together")
    if parsed.tls_certificate and (parsed.server_name or parsed.ca_directory):
        found.append("--server-name and --ca-directory have no meaning with --tls-certificate, whose names are its own")
    return found


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:9142` or `[::]:9142` as host and port; raises argparse.ArgumentTypeError."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not ADDRESS:PORT")
    return host.strip("[]"), int(port)


def _namespaced(text: str) -> str:
    return _of_form(text, r"[^/]+/[^/]+", "NAMESPACE/NAME")


def _uid(text: str) -> str:
    return _of_form(text, r"[A-Za-z0-9][A-Za-z0-9.-]{1,63}", "2 to 64 letters, digits, '.' and '-'")


def _agent(text: str) -> str:
    return _of_form(text, r"[A-Za-z0-9][A-Za-z0-9.-]{1,252}", "2 to 253 letters, digits, '.' and '-'")


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not an IP address") from None


def _jwks(text: str) -> str:
    if "://" in text and not text.startswith("https://"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither a file nor an https:// address")
    return text


def _of_form(text: str, form: str, what: str) -> str:
    if not re.fullmatch(form, text):
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}")
    return text

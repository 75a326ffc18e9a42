"""The command line: two ways to run, and what belongs to which."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from keyward_proxy.commandline import address, parse

IN_A_POD = ["--policy-name", "payments.orders", "--server-name", "keyward-orders.payments.svc"]
ELSEWHERE = ["--manifests", "manifests", "--client-ca", "clients.pem"]
TOKENS = ["--token-issuer", "https://issuer.example.com", "--token-jwks", "jwks.json"]


def test_a_pod_needs_to_be_told_little() -> None:
    parsed = parse(IN_A_POD)
    assert parsed.listen == ("0.0.0.0", 9142)  # noqa: S104
    assert parsed.health_address == ("0.0.0.0", 8080)  # noqa: S104
    assert parsed.manifests is None


def test_elsewhere_health_is_for_the_machine_alone_unless_said_otherwise() -> None:
    assert parse(ELSEWHERE).health_address == ("127.0.0.1", 8080)
    assert parse([*ELSEWHERE, "--health-address", "10.0.0.7:1"]).health_address == ("10.0.0.7", 1)


def test_both_kinds_of_callers_may_be_accepted() -> None:
    parsed = parse([*ELSEWHERE, *TOKENS, "--token-username-claim", "email"])
    assert parsed.client_ca == Path("clients.pem")
    assert (parsed.token_issuer, parsed.token_jwks) == ("https://issuer.example.com", "jwks.json")
    assert parse(["--manifests", "m", *TOKENS]).client_ca is None


def test_reading_manifests_needs_no_callers() -> None:
    assert parse(["--manifests", "m", "--check"]).check
    assert parse(["--manifests", "m", "--print", "trust-policy"]).print == "trust-policy"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either --policy-name"),
        ([*IN_A_POD, *ELSEWHERE], "give either --policy-name"),
        (["--policy-name", "x"], "required: --server-name"),
        ([*IN_A_POD, "--client-ca", "x"], "--client-ca has no meaning with --policy-name"),
        ([*IN_A_POD, "--database", "a/b"], "--database has no meaning with --policy-name"),
        ([*IN_A_POD, "--check"], "--check has no meaning with --policy-name"),
        ([*IN_A_POD, *TOKENS], "--token-issuer has no meaning with --policy-name"),
        ([*ELSEWHERE, "--policy-namespace", "x"], "--policy-namespace has no meaning with --manifests"),
        ([*ELSEWHERE, "--operator-lease", "a/b"], "--operator-lease has no meaning with --manifests"),
        ([*IN_A_POD, "--operator-lease", "keyward"], "'keyward' is not NAMESPACE/NAME"),
        ([*ELSEWHERE, "--external-listen", "0.0.0.0:9143"], "--external-listen has no meaning with --manifests"),
        ([*ELSEWHERE, "--service-listen", "0.0.0.0:9144"], "--service-listen has no meaning with --manifests"),
        (["--manifests", "m"], "nobody could log in"),
        (["--manifests", "m", *TOKENS[:2]], "--token-issuer and --token-jwks go together"),
        ([*ELSEWHERE, *TOKENS[2:]], "--token-issuer and --token-jwks go together"),
        ([*ELSEWHERE, "--token-groups-claim", "x"], "are for tokens of a --token-issuer"),
        ([*ELSEWHERE, "--tls-key", "x"], "--tls-certificate and --tls-key go together"),
        (
            [*ELSEWHERE, "--tls-certificate", "x", "--tls-key", "x", "--server-name", "x"],
            "--server-name and --ca-directory have no meaning with --tls-certificate",
        ),
        ([*ELSEWHERE, "--database", "orders"], "'orders' is not NAMESPACE/NAME"),
        ([*ELSEWHERE, "--cluster-uid", "a b"], "'a b' is not 2 to 64 letters"),
        ([*ELSEWHERE, "--agent-name", "a/b"], "'a/b' is not 2 to 253 letters"),
        ([*ELSEWHERE, "--advertise-address", "localhost"], "'localhost' is not an IP address"),
        ([*ELSEWHERE, "--token-issuer", "x", "--token-jwks", "http://x"], "neither a file nor an https:// address"),
        ([*ELSEWHERE, "--client", "x"], "unrecognized arguments"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "parsed"), [("127.0.0.1:9142", ("127.0.0.1", 9142)), ("[::]:1", ("::", 1)), (":80", ("", 80))]
)
def test_addresses(text: str, parsed: tuple[str, int]) -> None:
    assert address(text) == parsed


@pytest.mark.parametrize("text", ["", "9142", "host:", "host:port", "host:70000", "host:-1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        address(text)

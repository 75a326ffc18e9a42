"""The command line."""

from pathlib import Path

import pytest

from local.aws.__main__ import settings
from local.aws.server import Address


def arguments(state: Path, **changes: str) -> list[str]:
    options = {"state": str(state), "listen": "127.0.0.1:8443", "admin": "127.0.0.1:8444"} | changes
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def test_settings_are_read_and_certificates_made(tmp_path: Path) -> None:
    more = ["--listen", "172.18.0.1:443", "--oidc", "https://issuer.example=/tmp/jwks.json"]
    found = settings([*arguments(tmp_path), *more])
    assert found.listen == [Address(host="127.0.0.1", port=8443), Address(host="172.18.0.1", port=443)]
    assert found.issuers == {"https://issuer.example": Path("/tmp/jwks.json")}
    assert (found.account, found.region) == ("111122223333", "us-east-1")
    assert found.certificate.exists()
    assert found.key.exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("admin", "0.0.0.0:8444", "must stay on this machine"),
        ("admin", "172.18.0.1:8444", "must stay on this machine"),
        ("listen", "localhost:8443", "is not IP-ADDRESS:PORT"),
        ("listen", "127.0.0.1", "is not IP-ADDRESS:PORT"),
        ("oidc", "http://issuer=/tmp/jwks.json", "is not https://ISSUER=JWKS_FILE"),
        ("oidc", "https://issuer", "is not https://ISSUER=JWKS_FILE"),
    ],
)
def test_wrong_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit):
        settings(arguments(tmp_path, **{option: value}))
    assert message in capsys.readouterr().err

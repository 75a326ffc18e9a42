from pathlib import Path

import pytest

from local.keyspaces import LocalKeyspacesError
from local.keyspaces.__main__ import write_identity
from local.keyspaces.options import Options

KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"


def test_the_identity_is_key_and_certificate_for_its_owner_only(options: Options, tmp_path: Path) -> None:
    options.key.write_text(KEY)
    options.certificate.write_text(CERTIFICATE)
    identity = tmp_path / "identity.pem"
    identity.touch(mode=0o644)
    write_identity(identity, options)
    assert identity.read_text() == f"{KEY}\n{CERTIFICATE}"
    assert identity.stat().st_mode & 0o777 == 0o600


def test_a_key_of_another_form_is_refused_with_what_to_do(options: Options, tmp_path: Path) -> None:
    options.key.write_text("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
    with pytest.raises(LocalKeyspacesError, match=r"openssl pkcs8 -topk8 -nocrypt"):
        write_identity(tmp_path / "identity.pem", options)

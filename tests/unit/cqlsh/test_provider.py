"""The token is read when a connection logs in, and what goes wrong is said in words."""

import pickle
from pathlib import Path

import pytest
from cassandra import AuthenticationFailed
from cassandra.cluster import Cluster
from cqlshlib.authproviderhandling import load_auth_provider

from keyward_cqlsh import TokenFileAuthProvider, TokenFileError
from keyward_cqlsh.provider import TOKEN_FILE

CQLSHRC = Path(__file__).parents[3] / "cli/cqlshrc"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first.jwt.token\n")
    return path


def test_the_login_carries_the_role_and_the_token(token_file: Path) -> None:
    authenticator = TokenFileAuthProvider("Reader", token_file).new_authenticator("10.0.0.1")
    assert authenticator.initial_response() == b"\0Reader\0first.jwt.token"


def test_an_authenticator_made_before_a_rotation_sends_the_new_token(token_file: Path) -> None:
    authenticator = TokenFileAuthProvider("Reader", token_file).new_authenticator("10.0.0.1")
    authenticator.initial_response()
    token_file.write_text("second.jwt.token")
    assert authenticator.initial_response() == b"\0Reader\0second.jwt.token"


def test_without_a_user_name_the_environment_gives_it(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYWARD_DB_USER", "FromEnvironment")
    assert TokenFileAuthProvider(path=token_file).username == "FromEnvironment"
    assert TokenFileAuthProvider("Given", token_file).username == "Given"
    monkeypatch.delenv("KEYWARD_DB_USER")
    assert TokenFileAuthProvider(path=token_file).username == ""


def test_a_literal_token_is_sent_instead_of_the_files(token_file: Path) -> None:
    provider = TokenFileAuthProvider("Reader", token_file, password="given.jwt.token")
    assert provider.new_authenticator("h").initial_response() == b"\0Reader\0given.jwt.token"


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    authenticator = TokenFileAuthProvider("Reader", tmp_path / "absent").new_authenticator("h")
    with pytest.raises(TokenFileError, match=r"absent.*projected volume"):
        authenticator.initial_response()


@pytest.mark.parametrize(("content", "said"), [(b" \n", "is empty"), (b"\xff\xfe", "cannot read")])
def test_a_file_that_holds_no_token_is_refused(token_file: Path, content: bytes, said: str) -> None:
    token_file.write_bytes(content)
    with pytest.raises(TokenFileError, match=said):
        TokenFileAuthProvider("Reader", token_file).new_authenticator("h").initial_response()


def test_a_server_that_asks_further_is_no_agent(token_file: Path) -> None:
    authenticator = TokenFileAuthProvider("Reader", token_file).new_authenticator("h")
    with pytest.raises(AuthenticationFailed, match="challenge of 3 bytes"):
        authenticator.evaluate_challenge(b"???")


def test_the_driver_accepts_the_provider(token_file: Path) -> None:
    provider = TokenFileAuthProvider("Reader", token_file)
    with Cluster(contact_points=["127.0.0.1"], auth_provider=provider) as cluster:
        assert cluster.auth_provider is provider


def test_copy_hands_the_provider_to_other_processes(token_file: Path) -> None:
    provider = pickle.loads(pickle.dumps(TokenFileAuthProvider("Reader", token_file)))  # noqa: S301 - our own bytes
    assert provider.new_authenticator("h").initial_response() == b"\0Reader\0first.jwt.token"


def test_cqlsh_loads_the_provider_that_its_image_configures() -> None:
    provider = load_auth_provider(config_file=str(CQLSHRC), cred_file=None, username="Reader")
    assert isinstance(provider, TokenFileAuthProvider)
    assert (provider.username, str(provider.path)) == ("Reader", TOKEN_FILE)

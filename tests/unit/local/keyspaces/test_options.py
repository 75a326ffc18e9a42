from pathlib import Path

import pytest

from local.keyspaces.options import parse


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, str]:
    """A command line with nothing wrong."""
    for name in ("token", "cert.pem", "key.pem", "a.cql"):
        (tmp_path / name).touch()
    return {
        "--state": str(tmp_path),
        "--aws-admin": "http://127.0.0.1:8080",
        "--aws-admin-token-file": str(tmp_path / "token"),
        "--certificate": str(tmp_path / "cert.pem"),
        "--key": str(tmp_path / "key.pem"),
    }


def words(arguments: dict[str, str]) -> list[str]:
    return [word for option in arguments.items() for word in option]


def test_the_defaults_are_those_of_the_local_account(arguments: dict[str, str]) -> None:
    options = parse(words(arguments))
    assert (options.listen, options.port) == ("127.0.0.1", 9142)
    assert (options.partition, options.region, options.account) == ("aws", "us-east-1", "111122223333")
    assert options.initial_cql == ()


def test_init_cql_may_be_repeated(arguments: dict[str, str], tmp_path: Path) -> None:
    file = str(tmp_path / "a.cql")
    options = parse([*words(arguments), "--init-cql", file, "--init-cql", file])
    assert options.initial_cql == (Path(file), Path(file))


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--listen", "localhost", "'localhost' is not an IPv4 address"),
        ("--listen", "::1", "'::1' is not an IPv4 address"),
        ("--aws-admin", "127.0.0.1:8080", "is not a URL such as http://127.0.0.1:8080"),
        ("--key", "/nowhere/key.pem", "/nowhere/key.pem is not a file"),
    ],
)
def test_a_wrong_value_is_named(
    arguments: dict[str, str], capsys: pytest.CaptureFixture[str], option: str, value: str, text: str
) -> None:
    with pytest.raises(SystemExit):
        parse(words({**arguments, option: value}))
    assert text in capsys.readouterr().err

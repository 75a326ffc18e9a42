import re

import pytest

from keyward_api.identities import UnknownIdentityError, person, service_account, session_name

STS_PATTERN = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)  # STS API reference, RoleSessionName and SourceIdentity

VECTORS = [
    ("payments", "web", "payments@web"),
    ("a", "b.c-d", "a@b.c-d"),
    ("n" * 31, "s" * 32, "n" * 31 + "@" + "s" * 32),
    ("n" * 31, "s" * 33, "n" * 31 + "@" + "s" * 15 + "+1d3a1d7efd994a19"),
]


@pytest.mark.parametrize(("namespace", "name", "expected"), VECTORS)
def test_what_aws_sees_of_a_service_account(namespace: str, name: str, expected: str) -> None:
    identity = service_account(f"system:serviceaccount:{namespace}:{name}", uid="u", groups=frozenset())
    assert identity.session_name == expected
    assert identity.username == f"system:serviceaccount:{namespace}:{name}"


def test_a_long_name_is_shortened_within_what_sts_takes_and_stays_unique() -> None:
    long = [f"{'n' * 60}@{'s' * 200}{i}" for i in range(50)]
    shortened = {session_name(text) for text in long}
    assert len(shortened) == len(long)
    assert all(STS_PATTERN.fullmatch(text) and len(text) == 64 and text[47] == "+" for text in shortened)


def test_the_shortened_form_is_fixed() -> None:
    assert session_name("x" * 65) == "x" * 47 + "+" + "9537c5fdf120482f"


@pytest.mark.parametrize(
    "username",
    [
        "",
        "alice",
        "system:node:a",
        "system:serviceaccount:a",
        "system:serviceaccount::b",
        "system:serviceaccount:a:b:c",
    ],
)
def test_only_service_accounts_are_admitted(username: str) -> None:
    with pytest.raises(UnknownIdentityError, match="is not a ServiceAccount"):
        service_account(username, uid="u", groups=frozenset())


PEOPLE = [
    ("alice", "u=alice"),
    ("alice@example.com", "u=alice@example.com"),
    ("a+b", "u=a=2Bb"),
    ("a=2Bb", "u=a=3D2Bb"),
    ("Ångström", "u==C3=85ngstr=C3=B6m"),
    ("payments@web", "u=payments@web"),
    ("x" * 63, "u=" + "x" * 45 + "+" + "959a36e9db5f54ef"),
]


@pytest.mark.parametrize(("name", "expected"), PEOPLE)
def test_what_aws_sees_of_a_person(name: str, expected: str) -> None:
    identity = person(name)
    assert identity.session_name == expected
    assert identity.username == name
    assert STS_PATTERN.fullmatch(identity.session_name)


def test_a_person_is_never_taken_for_a_service_account() -> None:
    workload = service_account("system:serviceaccount:payments:web", uid="u", groups=frozenset())
    assert person("payments@web").session_name != workload.session_name


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("", ()),
        ("system:serviceaccount:a:b", ()),
        ("system:anonymous", ()),
        ("alice", ("system:masters",)),
        ("alice", ("dev", "system:authenticated")),
        ("alice\n", ()),
    ],
)
def test_nobody_may_pose_as_what_kubernetes_keeps_for_itself(name: str, groups: tuple[str, ...]) -> None:
    with pytest.raises(UnknownIdentityError, match="is not the name of a person"):
        person(name, groups=frozenset(groups))

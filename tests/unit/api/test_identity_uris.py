"""People in certificates: one spelling for each name, and nothing that is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyward_api.identities import UnknownIdentityError
from keyward_api.identity_uris import NAME_LIMIT, group_uri, person_of, user_uri

VECTORS = {
    "alice": "keyward://user/alice",
    "alice@example.com": "keyward://user/alice%40example.com",
    "Alice Liddell": "keyward://user/Alice%20Liddell",
    "zoë": "keyward://user/zo%C3%AB",
    "a/b": "keyward://user/a%2Fb",
    "100%": "keyward://user/100%25",
    "a.b_c~d-e": "keyward://user/a.b_c~d-e",
    "x" * NAME_LIMIT: "keyward://user/" + "x" * NAME_LIMIT,
}


@pytest.mark.parametrize(("name", "uri"), VECTORS.items())
def test_a_name_has_one_spelling(name: str, uri: str) -> None:
    assert user_uri(name) == uri
    identity = person_of([uri])
    assert (identity.kind, identity.name, identity.username) == ("User", name, name)


def test_groups_come_with_the_person_and_other_schemes_say_nothing() -> None:
    uris = [group_uri("on call"), "spiffe://example.com/web", user_uri("alice"), group_uri("dba"), "urn:x"]
    identity = person_of(uris)
    assert identity.groups == {"on call", "dba"}
    assert identity.name == "alice"


@pytest.mark.parametrize(
    ("uris", "says"),
    [
        ([], "names nobody"),
        (["spiffe://example.com/web"], "names nobody"),
        (["keyward://group/dba"], "names nobody"),
        (["keyward://user/alice", "keyward://user/bob"], "names 2 people"),
        (["keyward://user/alice", "keyward://user/alice"], "names 2 people"),
        (["keyward://user/alice", "keyward://admin/alice"], "no form that is known"),
        (["keyward://user/alice", "keyward:user/bob"], "no form that is known"),
        (["KEYWARD://user/alice"], "no form that is known"),
        (["keyward://User/alice"], "no form that is known"),
        (["keyward://user/alice@example.com"], "must be: 'keyward://user/alice%40example.com'"),
        (["keyward://user/alice%40example%2ecom"], "must be"),
        (["keyward://user/zo%c3%ab"], "must be"),
        (["keyward://user/a/b"], "must be"),
        (["keyward://user/alice?admin"], "must be"),
        (["keyward://user/100%"], "must be"),
        (["keyward://user/%FF"], "not percent-encoded UTF-8"),
        (["keyward://user/"], "1 to 253 characters"),
        (["keyward://user/" + "x" * (NAME_LIMIT + 1)], "1 to 253 characters"),
        (["keyward://user/system%3Aadmin"], "not the name of a person"),
        (["keyward://user/alice", "keyward://group/system%3Amasters"], "not the name of a person"),
        (["keyward://user/a%00b"], "not the name of a person"),
        (["keyward://user/a%0Ab"], "not the name of a person"),
    ],
)
def test_what_is_not_understood_names_nobody(uris: list[str], says: str) -> None:
    with pytest.raises(UnknownIdentityError, match=says.replace("?", r"\?")):
        person_of(uris)


@pytest.mark.parametrize("name", ["", "system:node:a", "a\nb", "x" * (NAME_LIMIT + 1)])
def test_names_that_nobody_may_have_get_no_uri(name: str) -> None:
    with pytest.raises(UnknownIdentityError):
        user_uri(name)
    with pytest.raises(UnknownIdentityError):
        group_uri(name)


@given(st.text(min_size=1, max_size=NAME_LIMIT))
def test_whatever_has_a_uri_is_read_back_from_it(name: str) -> None:
    try:
        uri = user_uri(name)
    except UnknownIdentityError:
        return
    assert uri.isascii()
    assert person_of([uri]).name == name

"""Edits of CoreDNS's configuration."""

import pytest

from local.cluster import corefile

BEFORE = """.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
    }
    forward . /etc/resolv.conf
}
"""
STS = "sts.us-east-1.amazonaws.com"


def test_a_rewrite_is_the_first_line_of_the_server_block() -> None:
    after = corefile.with_rewrite(BEFORE, STS, "aws.local")
    assert after.splitlines()[:3] == [
        ".:53 {",
        "    rewrite name exact sts.us-east-1.amazonaws.com aws.local answer auto",
        "    errors",
    ]


def test_a_rewrite_can_be_taken_back() -> None:
    assert corefile.without_rewrite(corefile.with_rewrite(BEFORE, STS, "aws.local"), STS) == BEFORE


def test_a_name_has_one_rewrite() -> None:
    once = corefile.with_rewrite(BEFORE, STS, "aws.local")
    assert corefile.with_rewrite(once, STS, "aws.local") == once
    assert corefile.with_rewrite(once, STS, "other.local").count("rewrite") == 1


def test_other_rewrites_stay() -> None:
    both = corefile.with_rewrite(corefile.with_rewrite(BEFORE, "a.example", "b"), STS, "aws.local")
    assert "rewrite name exact a.example b" in corefile.without_rewrite(both, STS)


def test_to_take_back_what_is_not_there_changes_nothing() -> None:
    assert corefile.without_rewrite(BEFORE, STS) == BEFORE


def test_a_corefile_without_the_server_block_is_refused() -> None:
    with pytest.raises(ValueError, match="no server block"):
        corefile.with_rewrite("example.org {\n}\n", STS, "aws.local")

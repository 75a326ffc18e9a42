"""YAML that gives rights: nothing is guessed, nothing is taken twice."""

from __future__ import annotations

import pytest

from keyward_proxy.standalone.documents import read_documents
from keyward_proxy.standalone.problem import ManifestsError


def test_documents_are_counted_with_the_empty_ones() -> None:
    documents = read_documents("a.yaml", "a: 1\n---\n# nothing\n---\nb: [x, 'y']\n")
    assert [(document.index, document.content) for document in documents] == [(1, {"a": 1}), (3, {"b": ["x", "y"]})]


def test_a_date_is_text_as_it_is_for_the_api_server() -> None:
    assert read_documents("a.yaml", "a: 2026-01-01")[0].content == {"a": "2026-01-01"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("deny: [x]\ndeny: []\n", "the key 'deny' is there twice (line 2, column 1)"),
        ("a: {b: 1, b: 2}", "the key 'b' is there twice"),
        ("a: &x [1]\nb: *x", "the alias '*x' is not supported"),
        ("a: {<<: {b: 1}}", "a key is no string"),
        ("on: 1", "a key is no string: put it in quotes"),
        ("[a]: 1", "a key is no string"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("a: [", "expected the node content"),
        ("a: " + "[" * 5000, "it is nested too deeply"),
        ("\0", "unacceptable character"),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(ManifestsError) as refused:
        read_documents("a.yaml", f"first: 1\n---\n{text}" if text != "\0" else text)
    (problem,) = refused.value.problems
    assert says.replace("line 2", "line 4") in problem.message
    assert problem.document == (1 if text == "\0" else 2)

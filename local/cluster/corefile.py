"""Edits of CoreDNS's configuration file, the Corefile."""

SERVER = ".:53 {"
"""How the server block begins that kubeadm writes."""


def with_rewrite(text: str, name: str, target: str) -> str:
    """The Corefile with one more rule: questions for `name` are answered as for `target`, under the name asked.

    Raises ValueError where there is no server block `.:53`.
    """
    clean = without_rewrite(text, name)
    if SERVER not in clean:
        raise ValueError(f"the Corefile has no server block {SERVER!r}:\n{text}")
    return clean.replace(SERVER, f"{SERVER}\n    {_rule(name)}{target} answer auto", 1)


def without_rewrite(text: str, name: str) -> str:
    """The Corefile without the rule for `name`; as it is where there is none."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.strip().startswith(_rule(name)))


def _rule(name: str) -> str:
    return f"rewrite name exact {name} "

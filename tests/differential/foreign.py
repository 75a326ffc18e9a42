"""Statements of Cassandra that Amazon Keyspaces has not: refused, whoever sends them."""

from __future__ import annotations

from tests.differential.definitions import Definitions


class Foreign(Definitions):
    """Everything else that Cassandra 3.11 or 5.0 reads."""

    def foreign(self) -> list[str]:
        """One of them."""
        table, name = self.table(), self.name()
        return self.random.choice(
            (
                ["TRUNCATE", *self.maybe(50, "TABLE"), *table],
                ["CREATE", *self.maybe(30, "CUSTOM"), "INDEX", "ON", *table, "(", name, ")"],
                ["DROP", "INDEX", *table],
                ["CREATE", "MATERIALIZED", "VIEW", *table, "AS", *self._view(), "PRIMARY", "KEY", "(", name, ")"],
                ["ALTER", "MATERIALIZED", "VIEW", *table, "WITH", "comment", "=", "'x'"],
                ["DROP", "MATERIALIZED", "VIEW", *table],
                ["CREATE", "TRIGGER", name, "ON", *table, "USING", "'x'"],
                ["DROP", "TRIGGER", name, "ON", *table],
                ["DROP", self.random.choice(("FUNCTION", "AGGREGATE")), "a", ".", "f"],
                ["CREATE", "ROLE", "r", "WITH", "PASSWORD", "=", "'x'"],
                ["DROP", "USER", "u"],
                ["GRANT", "SELECT", "ON", *table, "TO", "r"],
                ["REVOKE", "ALL", "ON", "KEYSPACE", name, "FROM", "r"],
                ["LIST", self.random.choice(("ROLES", "USERS"))],
                ["DESCRIBE", "TABLE", *table],
                ["DESC", *self.maybe(50, "KEYSPACE"), name],
                ["SELECT", name, "+", "1", "FROM", *table],
                ["SELECT", name, "[", "1", "]", "FROM", *table],
                ["SELECT", "*", "FROM", *table, "ORDER", "BY", name, "ANN", "OF", "[", "1", "]", "LIMIT", "1"],
                ["SELECT", "*", "FROM", *table, "WHERE", "expr", "(", "i", ",", "'x'", ")"],
                ["UPDATE", *table, "SET", name, "=", "1", "+", "2", "*", "3", "WHERE", "k", "=", "1"],
                ["ALTER", "TABLE", *table, "ALTER", name, "DROP", "MASKED"],
                ["CREATE", "TABLE", *table, "(", name, "vector", "<", "float", ",", "3", ">", ")"],
            )
        )

    def _view(self) -> list[str]:
        return ["SELECT", "*", "FROM", *self.table(), "WHERE", "a", "IS", "NOT", "NULL"]

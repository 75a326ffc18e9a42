"""Random SELECT, INSERT, UPDATE, DELETE, BATCH and USE."""

from __future__ import annotations

from tests.differential.names import COMPARISONS, Names


class DataStatements(Names):
    """What Cassandra 3.11 and 5.0 both read."""

    def select(self) -> list[str]:
        """SELECT."""
        tokens = ["SELECT", *self.maybe(10, "JSON"), *self.maybe(10, "DISTINCT")]
        tokens += ["*"] if self.chance(40) else self.joined(self._selector, 4)
        tokens += ["FROM", *self.table()]
        if self.chance(70):
            tokens += ["WHERE", *self.where()]
        if self.chance(10):
            tokens += ["GROUP", "BY", *self.names()]
        if self.chance(20):
            tokens += ["ORDER", "BY", *self.joined(lambda: [self.name(), *self.maybe(50, "DESC")], 2)]
        if self.chance(10):
            tokens += ["PER", "PARTITION", "LIMIT", *self.integer()]
        if self.chance(30):
            tokens += ["LIMIT", *self.integer()]
        return [*tokens, *self.maybe(10, "ALLOW", "FILTERING")]

    def _selector(self) -> list[str]:
        return [*self._selected(), *(["AS", self.name()] if self.chance(20) else [])]

    def _selected(self) -> list[str]:
        self._depth += 1
        choice = self.random.randrange(10) if self._depth < 4 else 0
        if choice == 1:
            tokens = ["count", "(", self.random.choice(("*", "1")), ")"]
        elif choice == 2:
            tokens = [self.random.choice(("writetime", "ttl")), "(", self.name(), ")"]
        elif choice == 3:
            tokens = ["CAST", "(", *self._selected(), "AS", "text", ")"]
        elif choice == 4:
            tokens = [self.function(), "(", *self.joined(self._selected, 2), ")"]
        elif choice == 5:
            tokens = [self.name(), ".", self.name()]
        elif choice == 6:
            tokens = ["token", "(", *self.names(), ")"]
        else:
            tokens = [self.name()]
        self._depth -= 1
        return tokens

    def where(self) -> list[str]:
        """Relations."""
        return self.joined(self._relation, 3, "AND")

    def _relation(self) -> list[str]:
        choice = self.random.randrange(12)
        if choice == 1:
            return [self.name(), "IN", "(", *self.joined(self.term, 3), ")"]
        if choice == 2:
            return [self.name(), "IN", *self.marker()]
        if choice == 3:
            return ["token", "(", *self.names(), ")", ">", *self.term()]
        if choice == 4:
            return [self.name(), "CONTAINS", *self.maybe(50, "KEY"), *self.term()]
        if choice == 5:
            return [self.name(), "[", *self.term(), "]", "=", *self.term()]
        if choice == 6:
            return ["(", *self.names(), ")", "=", "(", *self.joined(self.term, 2), ")"]
        if choice == 7:
            return ["(", *self.names(), ")", "IN", "(", *self.joined(lambda: ["(", *self.term(), ")"], 2), ")"]
        if choice == 8:
            return ["(", *self._relation(), ")"]
        if choice == 9:
            return [self.name(), "LIKE", *self.term()]
        if choice == 10:
            return [self.name(), "IS", "NOT", "NULL"]
        return [self.name(), self.random.choice(COMPARISONS), *self.term()]

    def using(self, *attributes: str) -> list[str]:
        """USING, sometimes."""
        if not self.chance(25):
            return []
        return ["USING", *self.joined(lambda: [self.random.choice(attributes), *self.integer()], 2, "AND")]

    def insert(self) -> list[str]:
        """INSERT."""
        tokens = ["INSERT", "INTO", *self.table()]
        if self.chance(20):
            tokens += ["JSON", *([self.random.choice(("'{}'", "$${}$$"))] if self.chance(60) else self.marker())]
            tokens += self.maybe(20, "DEFAULT", self.random.choice(("NULL", "UNSET")))
        else:
            count = self.random.randrange(1, 5)
            tokens += ["(", *self._listed(lambda: [self.name()], count), ")"]
            tokens += ["VALUES", "(", *self._listed(self.term, count), ")"]
        return [*tokens, *self.maybe(15, "IF", "NOT", "EXISTS"), *self.using("TTL", "TIMESTAMP")]

    def _listed(self, make: object, count: int) -> list[str]:
        assert callable(make)
        tokens: list[str] = list(make())
        for _ in range(count - 1):
            tokens += [",", *make()]
        return tokens

    def update(self) -> list[str]:
        """UPDATE."""
        if self.chance(4):
            return ["UPDATE", "system", ".", "local", "SET", "partitioner", "=", "'x'", "WHERE", "key", "=", "'local'"]
        tokens = ["UPDATE", *self.table(), *self.using("TTL", "TIMESTAMP"), "SET", *self.joined(self._assignment, 3)]
        return [*tokens, "WHERE", *self.where(), *self._condition()]

    def _assignment(self) -> list[str]:
        name = "partitioner" if self.chance(5) else self.name()
        choice = self.random.randrange(8)
        if choice == 1:
            return [name, "=", name, self.random.choice("+-"), *self.term()]
        if choice == 2:
            return [name, "=", *self.term(), "+", name]
        if choice == 3:
            return [name, self.random.choice(("+=", "-=")), *self.term()]
        if choice == 4:
            return [name, "[", *self.term(), "]", "=", *self.term()]
        if choice == 5:
            return [name, ".", self.name(), "=", *self.term()]
        if choice == 6:
            return [name, "=", name, "-1"]
        return [name, "=", *self.term()]

    def _condition(self) -> list[str]:
        if not self.chance(20):
            return []
        if self.chance(40):
            return ["IF", "EXISTS"]
        return ["IF", *self.joined(self._compared, 2, "AND")]

    def _compared(self) -> list[str]:
        name = [self.name(), *self.random.choice(([], ["[", "1", "]"], [".", "f"]))]
        if self.chance(30):
            return [*name, "IN", *(["(", *self.joined(self.term, 2), ")"] if self.chance(60) else self.marker())]
        return [*name, self.random.choice(COMPARISONS), *self.term()]

    def delete(self) -> list[str]:
        """DELETE."""
        deleted = self.joined(self._deletion, 3) if self.chance(40) else []
        tokens = ["DELETE", *deleted, "FROM", *self.table()]
        tokens += ["USING", "TIMESTAMP", *self.integer()] if self.chance(20) else []
        return [*tokens, "WHERE", *self.where(), *self._condition()]

    def _deletion(self) -> list[str]:
        return [self.name(), *self.random.choice(([], ["[", *self.term(), "]"], [".", self.name()]))]

    def batch(self) -> list[str]:
        """BEGIN BATCH … APPLY BATCH."""
        tokens = ["BEGIN", *self.maybe(40, self.random.choice(("UNLOGGED", "COUNTER"))), "BATCH"]
        tokens += self.using("TIMESTAMP", "TTL")
        for _ in range(self.random.randrange(5)):
            child = self.random.choice((self.insert, self.update, self.delete))
            tokens += [*child(), *self.maybe(60, ";")]
        return [*tokens, "APPLY", "BATCH"]

    def use(self) -> list[str]:
        """USE."""
        return ["USE", self.keyspace()]

"""What the tests read and write, made by the account's root past every agent."""

from cassandra.cluster import Session

KEYSPACES = ("e2e_shop", "e2e_depot")

ROWS = (
    "INSERT INTO e2e_shop.items (id, name) VALUES (1, 'anvil')",
    "INSERT INTO e2e_shop.items (id, name) VALUES (2, 'bellows')",
    "INSERT INTO e2e_shop.secrets (id, name) VALUES (1, 'combination of the safe')",
    "INSERT INTO e2e_depot.items (id, name) VALUES (1, 'crane')",
)


def create(session: Session) -> None:
    """Two keyspaces that each hold a table `items`, one with a table `secrets` besides."""
    for keyspace in KEYSPACES:
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
            "WITH REPLICATION = {'class': 'SimpleStrategy', 'replication_factor': 3}"
        )
        for table in ("items", "secrets"):
            session.execute(f"CREATE TABLE IF NOT EXISTS {keyspace}.{table} (id int PRIMARY KEY, name text)")
    for row in ROWS:
        session.execute(row)


def drop(session: Session) -> None:
    """Remove them."""
    for keyspace in KEYSPACES:
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")

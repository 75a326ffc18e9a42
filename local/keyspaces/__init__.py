"""A local Amazon Keyspaces: a real Apache Cassandra with plug-ins of ours; see README.md for what it is not.

`python -m local.keyspaces` prepares everything that Cassandra needs and then becomes Cassandra.
"""


class LocalKeyspacesError(Exception):
    """Local Keyspaces cannot be started; the message says what is missing and what to do."""

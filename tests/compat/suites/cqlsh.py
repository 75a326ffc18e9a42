"""cqlsh as people use it: scripts on its standard input, and what it prints."""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.compat.results import Outcome, Result, Results
from tests.compat.suites.suite import run_program

KEYSPACE = "compat_cqlsh"
SECONDS = 180
_TROUBLE = r"Traceback|NoHostAvailable|Error from server|Connection error"
_SET_UP = f"""
DROP KEYSPACE IF EXISTS {KEYSPACE};
CREATE KEYSPACE {KEYSPACE} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}};
CREATE TYPE {KEYSPACE}.address (street text, number int);
CREATE TABLE {KEYSPACE}.items (id int PRIMARY KEY, name text, home frozen<address>);
INSERT INTO {KEYSPACE}.items (id, name) VALUES (1, 'nuts; bolts');
INSERT INTO {KEYSPACE}.items (id, name) VALUES (2, 'hammers');
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """One check."""

    name: str
    text: str
    """FOLDER stands for a folder of its own."""
    expect: tuple[str, ...]
    """Regular expressions, each found in the output."""
    options: tuple[str, ...] = ()
    never: str = _TROUBLE


SCRIPTS = (
    Script(
        name="greets with versions",
        text="",
        expect=(
            r"Connected to .+ at ADDRESS:9042",
            r"\[cqlsh 6\.2\.2 \| Cassandra \S+ \| CQL spec 3\.\S+ \| Native protocol v\d\]",
        ),
        options=("--tty",),
    ),
    Script(name="SHOW VERSION", text="SHOW VERSION", expect=(r"\[cqlsh 6\.2\.2 \| Cassandra",)),
    Script(name="SHOW HOST", text="SHOW HOST", expect=(r"Connected to .+ at ADDRESS:9042",)),
    Script(
        name="SELECT",
        text="SELECT id, name FROM items WHERE id = 1;",
        expect=(r"nuts; bolts", r"\(1 rows\)"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="INSERT, UPDATE and DELETE",
        text="""INSERT INTO items (id, name) VALUES (3, 'saws');
UPDATE items SET name = 'big saws' WHERE id = 3;
SELECT name FROM items WHERE id = 3;
DELETE FROM items WHERE id = 3;
SELECT name FROM items WHERE id = 3;""",
        expect=(r"big saws", r"\(0 rows\)"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="USE",
        text=f"USE {KEYSPACE};\nSELECT name FROM items WHERE id = 2;",
        expect=("hammers",),
    ),
    Script(
        name="BEGIN BATCH",
        text="""BEGIN BATCH
INSERT INTO items (id, name) VALUES (10, 'a');
INSERT INTO items (id, name) VALUES (11, 'b');
APPLY BATCH;
SELECT COUNT(*) FROM items WHERE id IN (10, 11);
DELETE FROM items WHERE id IN (10, 11);""",
        expect=(r"^\s+2$",),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="PAGING",
        text="PAGING 1\nSELECT id FROM items;\nPAGING OFF\nSELECT id FROM items;",
        expect=(r"Page size: 1", r"\(2 rows\)", r"PAGING set to OFF"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="CONSISTENCY",
        text="""CONSISTENCY QUORUM
CONSISTENCY
INSERT INTO items (id, name) VALUES (4, 'c');
SELECT name FROM items WHERE id = 4;
SERIAL CONSISTENCY LOCAL_SERIAL
INSERT INTO items (id, name) VALUES (4, 'c') IF NOT EXISTS;
DELETE FROM items WHERE id = 4;""",
        expect=(r"Current consistency level is QUORUM", r"\[applied\]"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="EXPAND",
        text="EXPAND ON\nSELECT id, name FROM items WHERE id = 1;",
        expect=(r"@ Row 1", r"name \| nuts; bolts"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="CAPTURE",
        text="CAPTURE 'FOLDER/captured'\nSELECT name FROM items WHERE id = 1;\nCAPTURE OFF\nSOURCE 'FOLDER/empty.cql'",
        expect=(r"Now capturing query output",),
        options=("-k", KEYSPACE),
    ),
    Script(name="SOURCE", text="SOURCE 'FOLDER/select.cql'", expect=(r"hammers",)),
    Script(
        name="COPY TO and FROM",
        text="""COPY items (id, name) TO 'FOLDER/items.csv' WITH HEADER = true AND NUMPROCESSES = 1;
CREATE TABLE copied (id int PRIMARY KEY, name text);
COPY copied (id, name) FROM 'FOLDER/items.csv' WITH HEADER = true AND NUMPROCESSES = 1;
SELECT name FROM copied WHERE id = 1;""",
        expect=(r"2 rows exported to 1 files", r"2 rows imported from 1 files", r"nuts; bolts"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="TRACING",
        text="TRACING ON\nSELECT id FROM items WHERE id = 1;",
        expect=(r"Tracing session: ",),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="a syntax error",
        text="SELEKT 1;\nSELECT name FROM items WHERE id = 2;",
        expect=(r"SyntaxException", r"hammers"),
        never="Traceback",
        options=("-k", KEYSPACE),
    ),
    Script(
        name="an unknown table",
        text="SELECT * FROM nowhere;",
        expect=(r"InvalidRequest",),
        never="Traceback",
        options=("-k", KEYSPACE),
    ),
    Script(name="DESCRIBE KEYSPACES", text="DESCRIBE KEYSPACES", expect=(KEYSPACE, "system_schema")),
    Script(
        name="DESCRIBE KEYSPACE",
        text=f"DESCRIBE KEYSPACE {KEYSPACE}",
        expect=(f"CREATE KEYSPACE {KEYSPACE} ", f"CREATE TABLE {KEYSPACE}.items "),
    ),
    Script(name="DESCRIBE TABLES", text="DESCRIBE TABLES", expect=("items",), options=("-k", KEYSPACE)),
    Script(
        name="DESCRIBE TABLE",
        text="DESCRIBE TABLE items",
        expect=(f"CREATE TABLE {KEYSPACE}.items ", "home frozen<address>"),
        options=("-k", KEYSPACE),
    ),
    Script(
        name="DESCRIBE an object",
        text="DESCRIBE items",
        expect=(f"CREATE TABLE {KEYSPACE}.items ",),
        options=("-k", KEYSPACE),
    ),
    Script(name="DESCRIBE TYPES", text="DESCRIBE TYPES", expect=("address",), options=("-k", KEYSPACE)),
    Script(
        name="DESCRIBE TYPE",
        text="DESCRIBE TYPE address",
        expect=(f"CREATE TYPE {KEYSPACE}.address ",),
        options=("-k", KEYSPACE),
    ),
    Script(name="DESCRIBE SCHEMA", text="DESCRIBE SCHEMA", expect=(f"CREATE KEYSPACE {KEYSPACE} ",)),
    Script(name="DESCRIBE CLUSTER", text="DESCRIBE CLUSTER", expect=("Cluster: ", "Partitioner: Murmur3Partitioner")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cqlsh:
    """cqlsh of this environment."""

    name: str = "cqlsh"

    @property
    def version(self) -> str:
        """See Suite."""
        return metadata.version("cqlsh")

    @property
    def command(self) -> str:
        """See Suite."""
        return "cqlsh ADDRESS"

    def prepare(self) -> None:
        """See Suite; it is installed by `make setup`."""

    def run(self, address: str, only: Sequence[str] = ()) -> Results:
        """See Suite."""
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            folder.joinpath("select.cql").write_text(f"SELECT name FROM {KEYSPACE}.items WHERE id = 2;\n")
            folder.joinpath("empty.cql").write_text("")
            said = cqlsh(address, _SET_UP, folder)
            if re.search(_TROUBLE, said):
                return {script.name: _failed(script, said) for script in SCRIPTS}
            return {script.name: _run(script, address, folder) for script in SCRIPTS if not only or script.name in only}


def cqlsh(address: str, text: str, home: Path, options: Sequence[str] = ()) -> str:
    """What cqlsh prints for a script, to both of its outputs."""
    program = Path(sys.executable).with_name("cqlsh")
    settings = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb"}
    command = [program, "--connect-timeout=60", "--request-timeout=60", *options, address]
    return run_program(command, settings=settings, given=text + "\n", seconds=SECONDS, both=True)


def _run(script: Script, address: str, folder: Path) -> Result:
    said = cqlsh(address, script.text.replace("FOLDER", str(folder)), folder, script.options)
    wanted = [pattern.replace("ADDRESS", re.escape(address)) for pattern in script.expect]
    if all(re.search(pattern, said, re.MULTILINE) for pattern in wanted) and not re.search(script.never, said):
        return Result(name=script.name, outcome=Outcome.PASSED)
    return _failed(script, said)


def _failed(script: Script, said: str) -> Result:
    return Result(name=script.name, outcome=Outcome.FAILED, message=" ".join(said.split())[-600:])

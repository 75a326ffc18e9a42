import pytest

from keyward_api.consistency import ConsistencyLevel as Level
from keyward_api.consistency import accepted, effective
from keyward_api.resources.database import Consistency


@pytest.mark.parametrize("level", [Level.ONE, Level.LOCAL_ONE, Level.LOCAL_QUORUM])
def test_reads_keep_what_keyspaces_accepts(level: Level) -> None:
    assert effective(level, write=False) is level


@pytest.mark.parametrize("level", [Level.ANY, Level.TWO, Level.THREE, Level.QUORUM, Level.ALL, Level.EACH_QUORUM])
@pytest.mark.parametrize("write", [True, False])
def test_what_keyspaces_refuses_becomes_local_quorum(level: Level, write: bool) -> None:
    assert not accepted(level, write=write)
    assert effective(level, write=write) is Level.LOCAL_QUORUM


@pytest.mark.parametrize("level", [Level.ONE, Level.LOCAL_ONE])
def test_writes_become_local_quorum(level: Level) -> None:
    assert effective(level, write=True) is Level.LOCAL_QUORUM


@pytest.mark.parametrize("level", [Level.SERIAL, Level.LOCAL_SERIAL])
@pytest.mark.parametrize("write", [True, False])
def test_serial_levels_pass(level: Level, write: bool) -> None:
    assert effective(level, write=write) is level


@pytest.mark.parametrize("write", [True, False])
def test_levels_pass_only_where_the_database_says_so(write: bool) -> None:
    assert not Consistency().passes(write=write)
    assert Consistency(writes="PassThrough").passes(write=write) is write
    assert Consistency(reads="PassThrough").passes(write=write) is not write

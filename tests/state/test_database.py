"""Opening a store: settings, locks, keys, schemas."""

import asyncio
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from state import migrate, schema
from state.database import Database
from state.errors import Unusable
from state.store import Store
from tests.state.samples import SteppingClock, received


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_files_are_for_their_owner_alone(store: Store, path: Path) -> None:
    await store.journal.append("r-1", 0, [received()])
    assert {each.name: oct(mode(each)) for each in path.parent.iterdir()} == {
        "countersign.sqlite": "0o600",
        "countersign.sqlite-shm": "0o600",
        "countersign.sqlite-wal": "0o600",
        "countersign.sqlite.key": "0o600",
        "countersign.sqlite.lock": "0o600",
    }


async def test_the_boot_number_grows_with_each_exclusive_opening(path: Path, clock: SteppingClock) -> None:
    boots = []
    for exclusive in (True, True, False, True):
        store = await Store.open(path, clock=clock, exclusive=exclusive)
        boots.append(store.boot)
        await store.close()
    assert boots == [1, 2, 2, 3]


async def test_a_second_serve_is_refused_with_the_holders_pid(path: Path, clock: SteppingClock, store: Store) -> None:
    with pytest.raises(Unusable, match=r"countersign.sqlite is in use by process \d+"):
        await Store.open(path, clock=clock)
    beside = await Store.open(path, clock=clock, exclusive=False)
    await beside.close()
    assert store.boot == 1


@pytest.fixture
def holder(path: Path) -> Iterator[int]:
    """Another process holds the lock."""
    script = f"""
import sys
from pathlib import Path
from state.lock import InstanceLock
InstanceLock(Path({str(path)!r} + ".lock")).take()
print("held", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process.pid
    process.kill()
    process.communicate()


@pytest.fixture
def old(path: Path) -> Path:
    """A file of the first schema."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    with engine.connect() as connection:
        migrate.upgrade(connection, "0001")
        assert migrate.revision_of(connection) == "0001"
    engine.dispose()
    return path


async def test_the_lock_ends_with_its_process(path: Path, clock: SteppingClock, holder: int) -> None:
    with pytest.raises(Unusable, match=f"in use by process {holder}:"):
        await Store.open(path, clock=clock)
    os.kill(holder, signal.SIGKILL)
    await asyncio.sleep(0.1)
    store = await Store.open(path, clock=clock)
    await store.close()


async def test_another_databases_key_is_refused(path: Path, clock: SteppingClock, store: Store) -> None:
    await store.close()
    key = path.with_name(path.name + ".key")
    other = path.with_name("other.key")
    other.write_text("ab" * 32)
    other.chmod(0o600)
    with pytest.raises(Unusable, match="is another database's key"):
        await Store.open(path, clock=clock, key_file=other)
    key.chmod(0o644)
    with pytest.raises(Unusable, match="can be read by others"):
        await Store.open(path, clock=clock)
    key.unlink()
    with pytest.raises(Unusable, match="is missing"):
        await Store.open(path, clock=clock)
    assert not key.exists()


@pytest.mark.parametrize("content", ["", "abcd", "not hexadecimal"])
async def test_a_broken_key_is_refused(path: Path, clock: SteppingClock, content: str) -> None:
    key = path.with_name("my.key")
    key.write_text(content)
    key.chmod(0o600)
    with pytest.raises(Unusable, match="does not hold a key"):
        await Store.open(path, clock=clock, key_file=key)


async def test_a_place_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path, clock: SteppingClock) -> None:
    with pytest.raises(Unusable, match="cannot be opened: No such file or directory"):
        await Store.open(tmp_path / "nowhere" / "x.sqlite", clock=clock)


async def test_a_file_that_is_no_database_is_refused(path: Path, clock: SteppingClock) -> None:
    await asyncio.to_thread(path.write_text, "These are not the pages you are looking for. " * 30)
    with pytest.raises(Unusable, match="is not a database"):
        await Store.open(path, clock=clock)


async def test_the_settings_that_promises_rest_on_are_on(store: Store) -> None:
    def ask(raw: sqlite3.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "query_only")
        return {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert await store.database.write(ask) == {**expected, "query_only": 0}
    assert await store.database.read(ask) == {**expected, "query_only": 1}


async def test_a_file_of_the_first_schema_is_brought_up_to_date(old: Path, clock: SteppingClock) -> None:
    store = await Store.open(old, clock=clock)
    await store.journal.append("r-1", 0, [received()])
    assert await store.outbox.position("thread") == 0
    await store.close()


async def test_a_newer_schema_is_refused(path: Path, clock: SteppingClock, store: Store) -> None:
    await store.database.write(lambda raw: raw.execute("UPDATE alembic_version SET version_num = '0099'"))
    await store.close()
    with pytest.raises(Unusable, match="schema 0099, written by a newer Countersign; this one knows up to"):
        await Store.open(path, clock=clock)


async def test_a_migration_that_dies_half_way_leaves_nothing(path: Path, clock: SteppingClock) -> None:
    """Killed between the statements of the migration, then opened again."""
    script = f"""
import os, signal
from sqlalchemy import create_engine, event
from state import migrate
engine = create_engine("sqlite:///{path}", connect_args={{"isolation_level": None}})

@event.listens_for(engine, "before_cursor_execute")
def die(conn, cursor, statement, *rest):
    if "CREATE TABLE outbox" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

with engine.connect() as connection:
    migrate.upgrade(connection)
"""
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=False)
    assert died.returncode == -9
    left = sqlite3.connect(path)
    assert left.execute("SELECT name FROM sqlite_master").fetchall() == []
    left.close()
    store = await Store.open(path, clock=clock)
    await store.journal.append("r-1", 0, [received()])
    await store.close()


async def test_a_command_beside_a_server_does_not_change_its_schema(
    old: Path, clock: SteppingClock, holder: int
) -> None:
    with pytest.raises(Unusable, match=f"in use by process {holder}:"):
        await Store.open(old, clock=clock, exclusive=False)
    os.kill(holder, signal.SIGKILL)
    await asyncio.sleep(0.1)
    store = await Store.open(old, clock=clock, exclusive=False)
    await store.close()


async def test_the_migrations_make_what_the_schema_says(path: Path) -> None:
    database = await Database.open(path)
    await database.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        made: dict[str, str] = dict(
            connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        )
    engine.dispose()
    for table in schema.metadata.sorted_tables:
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            found = re.search(r"WHERE (.*)", made[str(index.name)])
            assert (found[1] if found else None) == (None if where is None else str(where))


async def test_errors_show_nothing_of_what_was_bound(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError) as caught:
        await store.database.write(lambda raw: raw.execute("INSERT INTO meta VALUES ('boot', ?)", ("s3cret",)))
    assert "s3cret" not in str(caught.value)
    assert store.database._connections[0].engine.sync_engine.hide_parameters

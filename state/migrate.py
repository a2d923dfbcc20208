"""Brings a database's schema up to date, whole or not at all."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from state.errors import Unusable

REVISIONS: Final = ("0001", "0002", "0003", "0004")
NEWEST: Final = REVISIONS[-1]


def revision_of(connection: Connection) -> str | None:
    """The schema's revision; None: there is none yet."""
    found = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    if found is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return str(row[0]) if row else None


def refuse_newer(revision: str | None) -> None:
    """Raise Unusable where the schema is one that this program does not know."""
    if revision is not None and revision not in REVISIONS:
        raise Unusable(
            f"this database has schema {revision}, written by a newer Countersign; this one knows up to {NEWEST}: "
            "start the newer version, or restore a backup from before it"
        )


def upgrade(connection: Connection, to: str = NEWEST) -> None:
    """Run what is missing, in one transaction: a crash half-way leaves the schema as it was."""
    from alembic import command  # noqa: PLC0415 - a tenth of a second that only a schema that is behind need cost
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    refuse_newer(revision_of(connection))  # again: another process may have been quicker
    command.upgrade(config, to)
    connection.commit()

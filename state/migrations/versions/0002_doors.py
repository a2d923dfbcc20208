"""The ways in and out: inbox, outbox, readers, tokens."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STATEMENTS = (
    """CREATE TABLE inbox (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        door TEXT NOT NULL, key TEXT NOT NULL, lane TEXT NOT NULL, "order" TEXT NOT NULL, body TEXT,
        received_at INTEGER NOT NULL, urgent INTEGER NOT NULL, status TEXT NOT NULL, why TEXT,
        UNIQUE (door, key)) STRICT""",
    "CREATE INDEX inbox_pending ON inbox (id) WHERE status = 'pending'",
    """CREATE TABLE outbox (
        key TEXT NOT NULL PRIMARY KEY, place INTEGER NOT NULL UNIQUE, run_id TEXT NOT NULL, body TEXT NOT NULL,
        guaranteed INTEGER NOT NULL, replaces TEXT, status TEXT NOT NULL, due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL, uncertain INTEGER NOT NULL, revision INTEGER NOT NULL, trying INTEGER,
        channel TEXT, ts TEXT, why TEXT) STRICT""",
    "CREATE INDEX outbox_queued ON outbox (place) WHERE status = 'queued'",
    "CREATE INDEX outbox_run ON outbox (run_id, place) WHERE status = 'queued'",
    "CREATE INDEX outbox_message ON outbox (channel, ts)",
    "CREATE TABLE readers (reader TEXT NOT NULL PRIMARY KEY, position INTEGER NOT NULL) STRICT",
    """CREATE TABLE tokens (
        name TEXT NOT NULL PRIMARY KEY, hash BLOB NOT NULL UNIQUE, created_at INTEGER NOT NULL,
        act_as INTEGER NOT NULL, revoked_at INTEGER, last_used_at INTEGER) STRICT""",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)

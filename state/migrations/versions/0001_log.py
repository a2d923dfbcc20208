"""The log, and what is computed from it."""

from alembic import op

revision = "0001"
down_revision = None

_STATEMENTS = (
    "CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """CREATE TABLE events (
        position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL,
        payload_hash BLOB NOT NULL, hash BLOB NOT NULL,
        UNIQUE (stream, seq)) STRICT""",
    """CREATE TABLE payloads (
        position INTEGER NOT NULL PRIMARY KEY REFERENCES events (position), payload BLOB NOT NULL) STRICT""",
    """CREATE TABLE runs (
        run_id TEXT NOT NULL PRIMARY KEY, organization TEXT NOT NULL, correlation TEXT, agent TEXT NOT NULL,
        status TEXT NOT NULL, outcome TEXT, seq INTEGER NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT""",
    "CREATE INDEX runs_updated ON runs (updated)",
    "CREATE INDEX runs_status ON runs (status, updated)",
    "CREATE INDEX runs_open ON runs (created) WHERE status <> 'finished'",
    "CREATE INDEX runs_correlated ON runs (organization, correlation, created)",
    """CREATE TABLE approvals (
        run_id TEXT NOT NULL, approval_id TEXT NOT NULL, call_id TEXT NOT NULL, status TEXT NOT NULL,
        requested INTEGER NOT NULL, expires_at INTEGER NOT NULL,
        PRIMARY KEY (run_id, approval_id)) STRICT""",
    "CREATE INDEX approvals_open ON approvals (requested) WHERE status = 'open'",
    """CREATE TABLE switch (
        id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), stopped INTEGER NOT NULL, position INTEGER NOT NULL) STRICT""",
    "INSERT INTO switch (id, stopped, position) VALUES (1, 0, 0)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)

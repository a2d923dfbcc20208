"""The tables, as they stand after the last migration. Migrations are frozen text; a test holds the two equal."""

from sqlalchemy import (
    BLOB,
    INTEGER,
    TEXT,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData()

meta = Table("meta", metadata, Column("key", TEXT, primary_key=True), Column("value", TEXT, nullable=False))

# The log. `position` orders all streams and grows with every commit; `at` is in microseconds since 1970.
events = Table(
    "events",
    metadata,
    Column("position", INTEGER, primary_key=True, autoincrement=True),
    Column("stream", TEXT, nullable=False),
    Column("seq", INTEGER, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("version", INTEGER, nullable=False),
    Column("payload_hash", BLOB, nullable=False),
    Column("hash", BLOB, nullable=False),
    UniqueConstraint("stream", "seq"),
    sqlite_autoincrement=True,
)
payloads = Table(
    "payloads",
    metadata,
    Column("position", INTEGER, ForeignKey("events.position"), primary_key=True),
    Column("payload", BLOB, nullable=False),
)

# Projections: `countersign state rebuild` computes them anew from the log.
runs = Table(
    "runs",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("organization", TEXT, nullable=False),
    Column("correlation", TEXT),
    Column("agent", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("outcome", TEXT),
    Column("seq", INTEGER, nullable=False),
    Column("created", INTEGER, nullable=False),  # positions
    Column("updated", INTEGER, nullable=False),
)
Index("runs_updated", runs.c.updated)
Index("runs_status", runs.c.status, runs.c.updated)
Index("runs_open", runs.c.created, sqlite_where=text("status <> 'finished'"))
Index("runs_correlated", runs.c.organization, runs.c.correlation, runs.c.created)

approvals = Table(
    "approvals",
    metadata,
    Column("run_id", TEXT, nullable=False),
    Column("approval_id", TEXT, nullable=False),
    Column("call_id", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),  # open | granted | consumed | closed
    Column("requested", INTEGER, nullable=False),
    Column("expires_at", INTEGER, nullable=False),
    PrimaryKeyConstraint("run_id", "approval_id"),
)
Index("approvals_open", approvals.c.requested, sqlite_where=text("status = 'open'"))

# What came of each call above READ that people or the world met: `domain.records`.
deeds = Table(
    "deeds",
    metadata,
    Column("run_id", TEXT, nullable=False),
    Column("call_id", TEXT, nullable=False),
    Column("agent", TEXT, nullable=False),
    Column("tool", TEXT, nullable=False),
    Column("approved", INTEGER, nullable=False),
    Column("edited", INTEGER, nullable=False),
    Column("denied", INTEGER, nullable=False),
    Column("held", INTEGER),
    Column("rolled_back", INTEGER, nullable=False),
    Column("at", INTEGER, nullable=False),
    PrimaryKeyConstraint("run_id", "call_id"),
)
Index("deeds_agent", deeds.c.agent, deeds.c.at)

# What was drawn from the accounts of budgets: `domain.budgets`. Windows add up rows, so a row never changes.
spending = Table(
    "spending",
    metadata,
    Column("account", TEXT, nullable=False),
    Column("at", INTEGER, nullable=False),
    Column("position", INTEGER, nullable=False),
    Column("run_id", TEXT, nullable=False),
    Column("amount", INTEGER, nullable=False),
    PrimaryKeyConstraint("account", "at", "position"),
    sqlite_with_rowid=False,
)
Index("spending_run", spending.c.run_id)

switch = Table(
    "switch",
    metadata,
    Column("id", INTEGER, CheckConstraint("id = 1"), primary_key=True),
    Column("stopped", INTEGER, nullable=False),
    Column("position", INTEGER, nullable=False),
)

# Sources: what they hold is nowhere else.
inbox = Table(
    "inbox",
    metadata,
    Column("id", INTEGER, primary_key=True, autoincrement=True),
    Column("door", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("lane", TEXT, nullable=False),
    Column("order", TEXT, nullable=False),
    Column("body", TEXT),  # NULL once done: the key stays for late redeliveries
    Column("received_at", INTEGER, nullable=False),
    Column("urgent", INTEGER, nullable=False),
    Column("status", TEXT, nullable=False),  # pending | done | aside
    Column("why", TEXT),
    UniqueConstraint("door", "key"),
    sqlite_autoincrement=True,
)
Index("inbox_pending", inbox.c.id, sqlite_where=text("status = 'pending'"))

outbox = Table(
    "outbox",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("place", INTEGER, nullable=False, unique=True),  # the order of delivery
    Column("run_id", TEXT, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("guaranteed", INTEGER, nullable=False),
    Column("replaces", TEXT),
    Column("status", TEXT, nullable=False),  # queued | sent | dropped
    Column("due_at", INTEGER, nullable=False),
    Column("attempts", INTEGER, nullable=False),
    Column("uncertain", INTEGER, nullable=False),
    Column("revision", INTEGER, nullable=False),  # grows when a coalesced post is replaced
    Column("trying", INTEGER),  # the revision that is being sent
    Column("channel", TEXT),
    Column("ts", TEXT),
    Column("why", TEXT),
)
Index("outbox_queued", outbox.c.place, sqlite_where=text("status = 'queued'"))
Index("outbox_run", outbox.c.run_id, outbox.c.place, sqlite_where=text("status = 'queued'"))
Index("outbox_message", outbox.c.channel, outbox.c.ts)

readers = Table(
    "readers", metadata, Column("reader", TEXT, primary_key=True), Column("position", INTEGER, nullable=False)
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", TEXT, primary_key=True),
    Column("hash", BLOB, nullable=False, unique=True),
    Column("created_at", INTEGER, nullable=False),
    Column("act_as", INTEGER, nullable=False),
    Column("revoked_at", INTEGER),
    Column("last_used_at", INTEGER),
)

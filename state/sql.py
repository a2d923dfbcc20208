"""Every statement of the hot paths, named, with what it is for. They run on the driver's own connection, a whole batch
in one hop to its thread; what they bind is never part of their text.
"""

# ── The log ───────────────────────────────────────────────────────────────────────────────────────────────────────────

# The parts of a statement that writes many rows at once: before VALUES, how many columns, after them.
# Positions are handed out by the writer, who holds the write lock; AUTOINCREMENT keeps the high-water mark.
APPEND_EVENTS = ("INSERT INTO events (position, stream, seq, at, type, version, payload_hash, hash)", 8, "")
APPEND_PAYLOADS = ("INSERT INTO payloads (position, payload)", 2, "")

# The largest position ever used. No row before the first event.
LAST_POSITION = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"

# The end of a stream, by its unique index.
HEAD = "SELECT seq, hash FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1"

# A stream's events in order. A NULL payload has been erased.
READ_STREAM = """
SELECT e.position, e.stream, e.seq, e.at, e.type, e.version, e.hash, p.payload
FROM events e LEFT JOIN payloads p USING (position)
WHERE e.stream = ? AND e.seq > ? ORDER BY e.seq"""

# The next events of all streams, for those who follow the log.
READ_LOG = """
SELECT e.position, e.stream, e.seq, e.at, e.type, e.version, e.hash, p.payload
FROM events e LEFT JOIN payloads p USING (position)
WHERE e.position > ? ORDER BY e.position LIMIT ?"""

# A stretch of the whole log, stream by stream, for verification; continues after (stream, seq).
READ_CHAIN = """
SELECT e.position, e.stream, e.seq, e.at, e.type, e.version,
    CAST(e.payload_hash AS BLOB), CAST(e.hash AS BLOB), CAST(p.payload AS BLOB)
FROM events e LEFT JOIN payloads p USING (position)
WHERE (e.stream, e.seq) > (?, ?) ORDER BY e.stream, e.seq LIMIT ?"""

# Every stream's name, for rebuilding one after the other.
STREAMS = "SELECT DISTINCT stream FROM events ORDER BY stream"

# Forget what a finished run said; that it said it stays in the chain.
ERASE_STREAM = "DELETE FROM payloads WHERE position IN (SELECT position FROM events WHERE stream = ?)"

# The last position there is; less than LAST_POSITION when the end of the log was cut off.
GREATEST_POSITION = "SELECT coalesce(max(position), 0) FROM events"

# ── Projections ───────────────────────────────────────────────────────────────────────────────────────────────────────

# A run's row after any append; `created` stays what it was at the first.
PUT_RUNS = (
    "INSERT INTO runs (run_id, organization, correlation, agent, status, outcome, seq, updated, created)",
    9,
    """ON CONFLICT (run_id) DO UPDATE SET
    organization = excluded.organization, correlation = excluded.correlation, agent = excluded.agent,
    status = excluded.status, outcome = excluded.outcome, seq = excluded.seq, updated = excluded.updated""",
)

# An approval's row; once it exists only its status changes.
PUT_APPROVALS = (
    "INSERT INTO approvals (run_id, approval_id, call_id, status, requested, expires_at)",
    6,
    "ON CONFLICT (run_id, approval_id) DO UPDATE SET status = excluded.status",
)

# A deed's row; the agent stays the first.
PUT_DEEDS = (
    "INSERT INTO deeds (run_id, call_id, agent, tool, approved, edited, denied, held, rolled_back, at)",
    10,
    """ON CONFLICT (run_id, call_id) DO UPDATE SET
    approved = excluded.approved, edited = excluded.edited, denied = excluded.denied, held = excluded.held,
    rolled_back = excluded.rolled_back, at = excluded.at""",
)

# What an agent's calls came to since a moment, oldest first.
DEEDS = """
SELECT run_id, call_id, agent, tool, approved, edited, denied, held, rolled_back, at
FROM deeds WHERE agent = ? AND at >= ? ORDER BY at, run_id, call_id"""

PUT_SPENDING = ("INSERT INTO spending (account, at, position, run_id, amount)", 5, "")

# What was drawn from an account after a moment.
SPENT = "SELECT coalesce(sum(amount), 0) FROM spending WHERE account = ? AND at > ?"

# Of an account with nothing left: when that was drawn whose lapse brings what was drawn below the limit again.
BLOCKED_BY = """
SELECT at FROM (
    SELECT at, position, sum(amount) OVER (ORDER BY at, position) AS lapsed
    FROM spending WHERE account = ?1 AND at > ?2)
WHERE lapsed > ?3 - ?4 ORDER BY at, position LIMIT 1"""

ACCOUNTS = "SELECT DISTINCT account FROM spending ORDER BY account"

# What finished runs drew before every window; the log's own time decides, so that a rebuild agrees.
FORGET_SPENDING = """
DELETE FROM spending WHERE at < (SELECT at FROM events ORDER BY position DESC LIMIT 1) - ?
AND run_id IN (SELECT run_id FROM runs WHERE status = 'finished')"""

SWITCH = "SELECT stopped FROM switch WHERE id = 1"
SET_SWITCH = "UPDATE switch SET stopped = ?, position = ? WHERE id = 1"

# Oldest first, so that what waited longest is resumed first.
OPEN_RUNS = "SELECT run_id FROM runs WHERE status <> 'finished' ORDER BY created"

CORRELATED = "SELECT run_id FROM runs WHERE organization = ? AND correlation = ? ORDER BY created DESC"

RUN_STATUS = "SELECT status FROM runs WHERE run_id = ?"

# A page of runs, the last updated first, before a position.
PAGE_OF_RUNS = "SELECT run_id, updated FROM runs WHERE updated < ? ORDER BY updated DESC LIMIT ?"
PAGE_OF_STATUS = "SELECT run_id, updated FROM runs WHERE updated < ? AND status = ? ORDER BY updated DESC LIMIT ?"

OPEN_APPROVALS = "SELECT run_id, approval_id FROM approvals WHERE status = 'open' ORDER BY requested"

# ── Rebuilding ────────────────────────────────────────────────────────────────────────────────────────────────────────

# How many events each run has had.
RUN_LENGTHS = "SELECT run_id, seq FROM runs"

# One run's rows, the primary key first, in the order of REPLACE_ROW.
RUNS_OF = """
SELECT run_id, organization, correlation, agent, status, outcome, seq, updated, created FROM runs WHERE run_id = ?"""
APPROVALS_OF = """
SELECT run_id, approval_id, call_id, status, requested, expires_at FROM approvals WHERE run_id = ?"""
DEEDS_OF = """
SELECT run_id, call_id, agent, tool, approved, edited, denied, held, rolled_back, at FROM deeds WHERE run_id = ?"""
SPENDING_OF = "SELECT account, at, position, run_id, amount FROM spending WHERE run_id = ?"
SWITCH_ROW = "SELECT id, stopped, position FROM switch WHERE id = 1"

# Every run that has rows, so that those without events are found.
PROJECTED_RUNS = """
SELECT run_id FROM runs UNION SELECT run_id FROM approvals UNION SELECT run_id FROM deeds
UNION SELECT run_id FROM spending"""

# When the last event was recorded.
LAST_AT = "SELECT at FROM events ORDER BY position DESC LIMIT 1"

REPLACE_ROW = {
    "runs": """
INSERT OR REPLACE INTO runs (run_id, organization, correlation, agent, status, outcome, seq, updated, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
    "approvals": """
INSERT OR REPLACE INTO approvals (run_id, approval_id, call_id, status, requested, expires_at)
VALUES (?, ?, ?, ?, ?, ?)""",
    "deeds": """
INSERT OR REPLACE INTO deeds (run_id, call_id, agent, tool, approved, edited, denied, held, rolled_back, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
    "spending": "INSERT OR REPLACE INTO spending (account, at, position, run_id, amount) VALUES (?, ?, ?, ?, ?)",
    "switch": "INSERT OR REPLACE INTO switch (id, stopped, position) VALUES (?, ?, ?)",
}
REMOVE_ROW = {
    "runs": "DELETE FROM runs WHERE run_id = ?",
    "approvals": "DELETE FROM approvals WHERE run_id = ? AND approval_id = ?",
    "deeds": "DELETE FROM deeds WHERE run_id = ? AND call_id = ?",
    "spending": "DELETE FROM spending WHERE account = ? AND at = ? AND position = ?",
    "switch": "DELETE FROM switch WHERE id = ?",
}

# ── Inbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# The insert is the dedupe: no row is written for a key that is known.
INBOX_PUT = """
INSERT INTO inbox (door, key, lane, "order", body, received_at, urgent, status)
VALUES (?, ?, ?, ?, ?, ?, ?, 'pending') ON CONFLICT (door, key) DO NOTHING"""

INBOX_PENDING = """
SELECT door, key, lane, "order", body, received_at, urgent FROM inbox WHERE status = 'pending' ORDER BY id"""

# The body goes, the key stays.
INBOX_DONE = "UPDATE inbox SET status = 'done', body = NULL, why = NULL WHERE door = ? AND key = ?"

INBOX_ASIDE = "UPDATE inbox SET status = 'aside', why = ? WHERE door = ? AND key = ? AND status <> 'done'"

# ── Outbox ────────────────────────────────────────────────────────────────────────────────────────────────────────────

READER = "SELECT position FROM readers WHERE reader = ?"

# A reader never goes back.
MOVE_READER = """
INSERT INTO readers (reader, position) VALUES (?, ?)
ON CONFLICT (reader) DO UPDATE SET position = max(position, excluded.position)"""

# A known guaranteed key is ignored. A coalesced one takes the new content: in its place while it waits, at the end of
# the line if it was out already; where it was posted stays known.
OUTBOX_PUT = """
INSERT INTO outbox (key, place, run_id, body, guaranteed, replaces, status, due_at, attempts, uncertain, revision)
VALUES (?1, (SELECT coalesce(max(place), 0) + 1 FROM outbox), ?2, ?3, ?4, ?5, 'queued', 0, 0, 0, 1)
ON CONFLICT (key) DO UPDATE SET
    body = excluded.body, replaces = excluded.replaces, revision = revision + 1, status = 'queued', why = NULL,
    place = CASE status WHEN 'queued' THEN place ELSE excluded.place END,
    due_at = CASE status WHEN 'queued' THEN due_at ELSE 0 END,
    attempts = CASE status WHEN 'queued' THEN attempts ELSE 0 END
WHERE guaranteed = 0 AND excluded.guaranteed = 0"""

# What may go out now: unsent, its time has come, and nothing of the same run before it still waits for its own time.
OUTBOX_DUE = """
SELECT key, run_id, body, guaranteed, replaces, attempts, uncertain FROM outbox o
WHERE status = 'queued' AND due_at <= ?1 AND NOT EXISTS (
    SELECT 1 FROM outbox b
    WHERE b.status = 'queued' AND b.run_id = o.run_id AND b.place < o.place AND b.due_at > ?1)
ORDER BY place LIMIT ?2"""

# From here until an answer comes nobody knows whether it is out.
OUTBOX_TRYING = """
UPDATE outbox SET trying = revision, attempts = attempts + 1, uncertain = 1 WHERE key = ? AND status = 'queued'"""

# Out, unless newer content came while it was being sent: then that content is still to go.
OUTBOX_SENT = """
UPDATE outbox SET channel = ?, ts = ?, uncertain = 0, trying = NULL, why = NULL,
    status = CASE WHEN status = 'dropped' OR coalesce(trying, revision) = revision THEN 'sent' ELSE status END
WHERE key = ?"""

OUTBOX_RETRY = """
UPDATE outbox SET due_at = ?, why = ?, uncertain = ?, trying = NULL WHERE key = ? AND status = 'queued'"""

OUTBOX_DROP = "UPDATE outbox SET status = 'dropped', why = ?, uncertain = 0, trying = NULL WHERE key = ?"

OUTBOX_WHERE = "SELECT channel, ts FROM outbox WHERE key = ? AND ts IS NOT NULL"

# Several posts may have become one message, by replacing each other; all of one run.
OUTBOX_RUN_AT = "SELECT run_id FROM outbox WHERE channel = ? AND ts = ? ORDER BY place LIMIT 1"

# ── API tokens, meta ──────────────────────────────────────────────────────────────────────────────────────────────────

ACCESS_CREATE = """
INSERT INTO tokens (name, hash, created_at, act_as) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"""
ACCESS_LIST = "SELECT name, created_at, act_as, revoked_at, last_used_at FROM tokens ORDER BY name"
ACCESS_REVOKE = "UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL"
ACCESS_VERIFY = """
SELECT name, created_at, act_as, revoked_at, last_used_at FROM tokens WHERE hash = ? AND revoked_at IS NULL"""
ACCESS_USED = "UPDATE tokens SET last_used_at = ? WHERE name = ?"

META = "SELECT value FROM meta WHERE key = ?"
SET_META = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

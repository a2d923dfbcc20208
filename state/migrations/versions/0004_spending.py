"""What was drawn from budgets, and when. Empty at first: no log from before draws on any."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """CREATE TABLE spending (
        account TEXT NOT NULL, at INTEGER NOT NULL, position INTEGER NOT NULL, run_id TEXT NOT NULL,
        amount INTEGER NOT NULL,
        PRIMARY KEY (account, at, position)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX spending_run ON spending (run_id)",
)


def upgrade() -> None:
    """Create the table."""
    for statement in _STATEMENTS:
        op.execute(statement)

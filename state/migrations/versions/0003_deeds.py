"""What calls came to: the evidence behind earned autonomy. `countersign state rebuild` fills it from the log."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """CREATE TABLE deeds (
        run_id TEXT NOT NULL, call_id TEXT NOT NULL, agent TEXT NOT NULL, tool TEXT NOT NULL,
        approved INTEGER NOT NULL, edited INTEGER NOT NULL, denied INTEGER NOT NULL, held INTEGER,
        rolled_back INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (run_id, call_id)) STRICT""",
    "CREATE INDEX deeds_agent ON deeds (agent, at)",
)


def upgrade() -> None:
    """Create the table."""
    for statement in _STATEMENTS:
        op.execute(statement)

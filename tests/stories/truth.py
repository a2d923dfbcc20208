"""What must be true after any story, whatever happened on the way: looked up in git, in the service's own records, in
Slack and in the log, never in what the operator says about itself.
"""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bot.clock import SystemClock
from loop.replay import rederive
from state.rebuild import rebuild
from state.store import Store
from state.verify import verify
from tests.stories.demo import Demo
from tests.stories.page import Json, Page, key_of

ENCRYPTION = 'resource "aws_s3_bucket_server_side_encryption_configuration" "exports"'


@dataclass(frozen=True)
class Infra:
    """The repository `acme/infra` as git itself tells it."""

    directory: Path

    def git(self, *arguments: str) -> str:
        bare = self.directory / "forge" / "acme" / "infra.git"
        return subprocess.run(["git", "-C", str(bare), *arguments], capture_output=True, text=True, check=True).stdout

    @property
    def branches(self) -> list[str]:
        """Every branch but `main`."""
        found = self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return [name for name in found if name != "main"]

    @property
    def changes(self) -> list[Json]:
        """The change requests that the forge has on record."""
        records = (self.directory / "forge" / "acme" / "infra.forge" / "changes").glob("*.json")
        return [json.loads(path.read_text())["change"] for path in sorted(records)]

    def encrypted(self, branch: str = "main") -> bool:
        return self.git("show", f"{branch}:storage.tf").count(ENCRYPTION) == 1

    @property
    def merges(self) -> int:
        return int(self.git("rev-list", "--merges", "--count", "main"))


def generation(demo: Demo) -> int:
    """As which generation the sample service runs: 1 at first, one more with each restart."""
    record = json.loads((demo.directory / "web" / "process.json").read_text())
    return int(record["generation"])


async def no_message_twice(page: Page) -> None:
    """A post has a key; in one channel it stands once."""
    found = Counter((m["channel"], key_of(m)) for m in await page.messages() if key_of(m))
    assert {key: count for key, count in found.items() if count > 1} == {}


async def sound(demo: Demo) -> dict[str, str | None]:
    """The log is whole, its fold is what the projections hold, and every step follows from it. Outcomes by run.

    Opens the store beside the running demo, as the commands of the same names do.
    """
    store = await Store.open(demo.directory / "state" / "countersign.sqlite", clock=SystemClock(), exclusive=False)
    try:
        outcomes: dict[str, str | None] = {}
        for run_id in (await store.views.runs(status=None, limit=200)).run_ids:
            replayed = rederive(run_id, await store.journal.read(run_id))
            assert [str(each) for each in replayed.divergences] == [], run_id
            outcomes[run_id] = replayed.run.outcome.value if replayed.run.outcome else None
        verified = await verify(store.database, store.key)
        assert verified.broken is None, verified.broken
        differences = (await rebuild(store.database)).differences
        assert differences == [], differences
        return outcomes
    finally:
        await store.close()

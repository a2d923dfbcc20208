"""An explicit opt-out for the sample organization on machines without any sandbox: bounds, but no isolation."""

import json
import tempfile
from dataclasses import dataclass

from tools.sandbox import places
from tools.sandbox.pids import tasks_of_the_machine
from tools.sandbox.port import Command, Completed
from tools.sandbox.process import run_process


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfined:
    """The same environment, limits and timeouts as a sandbox; the command can read and write what its user can."""

    @property
    def kind(self) -> str:
        return "unconfined"

    async def run(self, command: Command) -> Completed:
        cwd = places.directory(command)
        plan = {
            "limits": places.limits(command, beside=tasks_of_the_machine() or None),
            "landlock": None,
            "seccomp": None,
        }
        with tempfile.TemporaryDirectory(prefix="unconfined-", ignore_cleanup_errors=True) as tmp:
            env = places.environment(command, tmp=tmp)
            return await run_process(places.helper_argv(json.dumps(plan), command), command, env=env, cwd=cwd)

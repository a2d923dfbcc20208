"""The last rung: no sandbox, so nothing runs."""

from dataclasses import dataclass

from tools.sandbox.port import Command, Completed, SandboxRefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSandbox:
    """Refuses every command and says how to get a sandbox; `why` is what the probe found."""

    why: str = "no sandbox was found"

    @property
    def kind(self) -> str:
        return "none"

    async def run(self, command: Command) -> Completed:
        raise SandboxRefusedError(
            f"{command.argv[0]} was not run: {self.why}. Install bubblewrap (apt install bubblewrap) and allow user "
            "namespaces, or use a kernel with Landlock; `countersign doctor` shows what was tried"
        )

"""How to run the scanner in a sandbox: only `tools/` of our checkout is shown to it, never what lies beside it."""

import sys
from pathlib import Path

from tools.sandbox.port import Command

_TOOLS = Path(__file__).resolve().parent.parent
_BOOT = (
    "import runpy, sys, types; package = types.ModuleType('tools'); package.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['tools'] = package; runpy.run_module('tools.scanner', run_name='__main__', alter_sys=True)"
)


def scanner_command(workspace: Path, *arguments: str, max_output: int = 8 << 20, timeout_s: float = 60.0) -> Command:
    """`python -m tools.scanner ARGUMENTS` in `workspace`, without our checkout's root on the search path."""
    return Command(
        argv=(sys.executable, "-I", "-B", "-c", _BOOT, str(_TOOLS), *arguments),
        workspace=workspace,
        read_only=(_TOOLS,),
        max_output=max_output,
        timeout_s=timeout_s,
    )

"""Finds the strongest sandbox that works here, by trying: a rung counts only after it has refused what it must.

Each rung runs one small program that looks for a file outside its workspace, a variable of our environment, a TCP
listener on this machine, and a way to make a user namespace. A rung through which any of these leaks is not taken.
"""

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.sandbox.bubblewrap import Bubblewrap, find_bwrap
from tools.sandbox.landlock import Landlock, landlock_abi
from tools.sandbox.none import NoSandbox
from tools.sandbox.port import Command, Sandbox, SandboxError
from tools.sandbox.unconfined import Unconfined

_TRIAL = """
import json, os, socket, sys
outside, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
leaks = []
try:
    open(outside).read(); leaks.append("a file outside the workspace could be read")
except OSError: pass
try:
    open(outside + ".new", "w").close()
except OSError: pass
try:
    socket.create_connection(("127.0.0.1", port), 1).close(); leaks.append("a TCP connection was made")
except OSError: pass
if name in os.environ: leaks.append("the environment was inherited")
open("written", "w").close()
print(json.dumps(leaks))
"""
_CANARY = "COUNTERSIGN_SANDBOX_CANARY"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What the probe found; `tried` names every stronger rung that was passed over, and why."""

    kind: str
    version: str
    details: str
    tried: tuple[tuple[str, str], ...] = ()


async def probe(*, allow_unconfined: bool = False) -> tuple[Sandbox, SandboxReport]:
    """The strongest rung that works, and the report. Without one, a sandbox that refuses everything."""
    tried: list[tuple[str, str]] = []
    for name, candidate in (("bubblewrap", _bubblewrap), ("landlock", _landlock)):
        found = await candidate()
        if not isinstance(found, str):
            sandbox, version, details = found
            return sandbox, SandboxReport(kind=sandbox.kind, version=version, details=details, tried=tuple(tried))
        tried.append((name, found))
    why = "; ".join(f"{name}: {reason}" for name, reason in tried)
    if allow_unconfined:
        details = "no isolation: allowed by the configuration for the sample organization"
        return Unconfined(), SandboxReport(kind="unconfined", version="", details=details, tried=tuple(tried))
    return NoSandbox(why=why), SandboxReport(kind="none", version="", details=why, tried=tuple(tried))


async def _bubblewrap() -> tuple[Sandbox, str, str] | str:
    path = find_bwrap()
    if path is None:
        return "bwrap is not installed"
    version = await asyncio.to_thread(_version, path)
    reasons = []
    for nested_refused in (True, False):  # --disable-userns came with 0.8 and needs a second namespace
        sandbox = Bubblewrap(bwrap=path, nested_refused=nested_refused)
        reason = await trial(sandbox)
        if reason is None:
            details = f"{path}; no network; " + (
                "nested user namespaces refused" if nested_refused else "by filter only"
            )
            return sandbox, version, details
        reasons.append(reason)
    return reasons[0]


async def _landlock() -> tuple[Sandbox, str, str] | str:
    abi = landlock_abi()
    if abi == 0:
        return f"the kernel has no Landlock ({platform.system()} {platform.release()})"
    sandbox = Landlock(abi=abi)
    reason = await trial(sandbox)
    return reason or (sandbox, f"ABI {abi}", "file content and TCP by Landlock, sockets by filter")


async def trial(sandbox: Sandbox) -> str | None:
    """Why this sandbox cannot be trusted here; None when it held."""
    os.environ[_CANARY] = "1"
    try:
        with tempfile.TemporaryDirectory(prefix="probe-") as scratch, socket.create_server(("127.0.0.1", 0)) as server:
            outside, workspace = _scene(Path(scratch))
            argv = (sys.executable, "-I", "-c", _TRIAL, str(outside), str(server.getsockname()[1]), _CANARY)
            completed = await sandbox.run(Command(argv=argv, workspace=workspace, timeout_s=20))
            if not completed.ok:
                return f"exit {completed.exit_code}: {completed.stderr.strip()[-300:] or 'no message'}"
            return "; ".join((*json.loads(completed.stdout), *_traces(outside, workspace))) or None
    except (SandboxError, ValueError) as error:
        return str(error)
    finally:
        os.environ.pop(_CANARY, None)


def _scene(scratch: Path) -> tuple[Path, Path]:
    outside, workspace = scratch / "outside", scratch / "inside"
    outside.write_text("secret")
    workspace.mkdir()
    return outside, workspace


def _traces(outside: Path, workspace: Path) -> list[str]:
    """What the trial left on the real disk that it should not have, and what it should have and did not."""
    leaks = []
    if outside.with_name("outside.new").exists():
        leaks.append("a file outside the workspace could be written")
    if not (workspace / "written").exists():
        leaks.append("the workspace could not be written")
    return leaks


def _version(path: str) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unknown ({error})"
    return done.stdout.strip()

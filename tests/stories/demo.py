"""The real `countersign demo` as a process of its own: started, killed, started again, and always cleared away."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.sample.directory import lay_out
from tools.services.launch import born

ROOMS = tuple(f"C0ROOM{n:05}" for n in range(1, 25))
START_S = 60.0
_STEP_S = 0.02


@dataclass
class Demo:
    """One demo and its directory. `launcher` is what runs the command line: `-m bot`, or a fuse around it."""

    directory: Path
    alerts: bool = False
    launcher: Sequence[str] = ("-m", "bot")
    environ: dict[str, str] = field(default_factory=dict)
    port: int = 0
    http_port: int = 0
    process: subprocess.Popen[bytes] | None = None
    lives: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def token(self) -> str:
        return str(self.facts()["api_token"])

    def facts(self) -> dict[str, Any]:
        """What `demo.json` says."""
        facts: dict[str, Any] = json.loads((self.directory / "demo.json").read_text())
        return facts

    @property
    def said(self) -> str:
        """Standard error of the present life."""
        return self._file("err").read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> "Demo":
        """Start it, on the ports of the last life, and wait for its ready line."""
        if self.launch() and self.wait_ready():
            return self
        raise AssertionError(f"the demo did not become ready:\n{self.said}")

    def launch(self) -> bool:
        """Start it without waiting."""
        assert not self.alive
        self.port, self.http_port = self.port or free_port(), self.http_port or free_port()
        self.lives += 1
        more = () if self.alerts else ("--no-alerts",)
        with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *self.launcher, "demo", "--port", str(self.port), "--http-port", str(self.http_port),
                 "--dir", str(self.directory), *more],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL, env={**os.environ, **self.environ},
            )  # fmt: skip
        return True

    def wait_ready(self, within: float = START_S) -> bool:
        """Whether the ready line came; False when the process ended before."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if self._file("out").read_bytes().startswith(f"ready {self.url}\n".encode()):
                return True
            if not self.alive:
                return False
            time.sleep(_STEP_S)
        return False

    def wait_dead(self, within: float) -> bool:
        """Whether it ended by itself in time."""
        assert self.process is not None
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """`kill -9`, by process id."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """An orderly end; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def close(self) -> None:
        """End it and what it leaves behind: the sample service outlives a kill by design."""
        if self.alive:
            self.kill()
        record = self.directory / "web" / "process.json"
        if record.exists():
            known = json.loads(record.read_text())
            if born(known["pid"]) == known["born"]:
                os.kill(known["pid"], signal.SIGKILL)

    def cli(self, *words: str, within: float = 30) -> "Told":
        """`countersign WORDS --config DIR`, beside whatever runs."""
        return cli(*words, config=self.directory, within=within)

    def _file(self, name: str) -> Path:
        return self.directory.parent / f"{self.directory.name}.{name}"


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def cli(*words: str, config: Path | None = None, within: float = 30, environ: dict[str, str] | None = None) -> Told:
    """`countersign WORDS [--config DIR]`."""
    where = () if config is None else ("--config", str(config))
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words, *where],
        capture_output=True, text=True, timeout=within, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )  # fmt: skip
    return Told(done.returncode, done.stdout, done.stderr)


def laid_out(directory: Path, forge: Path | None = None) -> Path:
    """The demo's directory before its first start, with rooms of their own for tests: Slack takes one message a second
    in each channel, and the operator keeps to it. `forge` is one made before, which the demo adopts a copy of.
    """
    lay_out(directory)
    if forge is not None:
        shutil.copytree(forge, directory / "forge")
    seed = directory / "workspace.yaml"
    workspace = yaml.safe_load(seed.read_text())
    members = [user["id"] for user in workspace["users"]] + ["U0COUNTERS"]
    workspace["channels"] += [{"id": room, "name": room.lower(), "members": members} for room in ROOMS]
    seed.write_text(yaml.safe_dump(workspace, sort_keys=False))
    return directory


def slow_to_start(directory: Path, seconds: float) -> Path:
    """From its next restart on, the sample service takes this long to come up."""
    path = directory / "countersign.yaml"
    configuration = yaml.safe_load(path.read_text())
    service = configuration["services"]["web"]
    service["argv"] = ["/bin/sh", "-c", f'sleep {seconds}; exec "$0" "$@"', *service["argv"]]
    path.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return directory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

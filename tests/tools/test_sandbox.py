"""What a confined command can and cannot do; every probe runs in every rung that this machine has."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from tools.sandbox.none import NoSandbox
from tools.sandbox.port import Command, Completed, Limits, Sandbox, SandboxError, SandboxRefusedError, plain
from tools.sandbox.probe import probe


def workspace(room: Path) -> Path:
    path = room / "ws"
    path.mkdir(exist_ok=True)
    return path


async def python(sandbox: Sandbox, room: Path, program: str, **more: object) -> Completed:
    argv = (sys.executable, "-I", "-c", program)
    return await sandbox.run(Command(argv=argv, workspace=workspace(room), timeout_s=20, **more))  # type: ignore[arg-type]


async def shell(sandbox: Sandbox, room: Path, script: str, **more: object) -> Completed:
    command = Command(argv=("/bin/sh", "-c", script), workspace=workspace(room), **more)  # type: ignore[arg-type]
    return await sandbox.run(command)


async def test_probe_takes_a_rung_only_after_trying_it():
    sandbox, report = await probe()
    assert report.kind == sandbox.kind
    assert report.kind in ("bubblewrap", "landlock", "none")
    assert report.details


async def test_without_a_sandbox_nothing_runs(room: Path):
    with pytest.raises(SandboxRefusedError, match="apt install bubblewrap"):
        await shell(NoSandbox(why="bubblewrap: no user namespaces"), room, "true")


async def test_the_environment_is_not_inherited(sandbox: Sandbox, room: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    done = await shell(sandbox, room, "env", env={"GIVEN": "yes"})
    assert "xoxb-secret" not in done.stdout
    assert "GIVEN=yes" in done.stdout
    assert {line.partition("=")[0] for line in done.stdout.splitlines()} <= {
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "GIVEN", "PWD", "SHLVL", "_", "OLDPWD"),
    }


async def test_files_outside_cannot_be_read_or_written(confined: Sandbox, room: Path):
    secret = room / "secret"
    secret.write_text("hunter2")
    done = await shell(
        confined, room, f"cat {secret}; echo x > {secret}; echo x > {room}/new; cat /etc/shadow; echo ok > in"
    )
    assert "hunter2" not in done.stdout
    assert secret.read_text() == "hunter2"
    assert not (room / "new").exists()
    assert (room / "ws" / "in").read_text() == "ok\n"


async def test_read_only_paths_are_read_only(confined: Sandbox, room: Path):
    lent = room / "lent"
    lent.mkdir()
    (lent / "file").write_text("here")
    done = await shell(confined, room, f"cat {lent}/file; echo x > {lent}/file; rm -f {lent}/file", read_only=(lent,))
    assert done.stdout == "here"
    assert (lent / "file").read_text() == "here"


async def test_a_link_out_of_the_workspace_leads_nowhere(confined: Sandbox, room: Path):
    (room / "secret").write_text("hunter2")
    ws = workspace(room)
    (ws / "link").symlink_to(room / "secret")
    (ws / "up").symlink_to(room)
    done = await shell(confined, room, "cat link up/secret; echo x > link; echo x > up/new")
    assert "hunter2" not in done.stdout
    assert (room / "secret").read_text() == "hunter2"
    assert not (room / "new").exists()


async def test_the_working_directory_cannot_lie_outside(sandbox: Sandbox, room: Path):
    ws = workspace(room)
    (ws / "out").symlink_to(room)
    with pytest.raises(SandboxError, match="outside the workspace"):
        await sandbox.run(Command(argv=("true",), workspace=ws, cwd=ws / "out"))


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
async def test_there_is_no_network(confined: Sandbox, room: Path, family: str):
    program = f"""
import socket
try:
    socket.socket(socket.{family}, socket.SOCK_DGRAM)
except OSError as error:
    print("refused", error.errno)
"""
    assert (await python(confined, room, program)).stdout.startswith("refused")


async def test_a_listener_on_this_machine_is_out_of_reach(confined: Sandbox, room: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2)"
        done = await python(confined, room, program)
        assert done.exit_code != 0
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


async def test_no_power_is_left(confined: Sandbox, room: Path):
    done = await python(
        confined,
        room,
        """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *words):
    ctypes.set_errno(0)
    result = libc.syscall(*words)
    print(name, "refused" if result < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS) else "ALLOWED")
attempt("unshare", 272, 0x10000000)
attempt("mount", 165, 0, 0, 0, 0, 0)
attempt("ptrace", 101, 0, 0, 0, 0)
attempt("keyctl", 250, 0, 0, 0)
attempt("bpf", 321, 0, 0, 0)
attempt("clone user", 56, 0x10000000 | 17, 0, 0, 0, 0)
attempt("clone3", 435, 0, 0)
attempt("io_uring", 425, 1, 0)
""",
    )
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of the system calls are those of x86-64")
    assert done.stdout
    assert "ALLOWED" not in done.stdout


async def test_capabilities_are_empty(confined: Sandbox, room: Path):
    done = await python(
        confined,
        room,
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class H(ctypes.Structure): _fields_ = (("v", ctypes.c_uint32), ("p", ctypes.c_int))
data = (ctypes.c_uint32 * 6)()
assert libc.capget(ctypes.byref(H(0x20080522, 0)), ctypes.byref(data)) == 0
print([data[0], data[1], data[3], data[4]], libc.prctl(39, 0, 0, 0, 0))
""",
    )
    assert done.stdout.strip() == "[0, 0, 0, 0] 1"


async def test_other_processes_cannot_be_signalled(confined: Sandbox, room: Path):
    if confined.kind == "landlock" and getattr(confined, "abi", 0) < 6:
        pytest.skip("Landlock scopes signals from ABI 6 on")
    await shell(confined, room, f"kill -STOP {os.getpid()}; kill -9 {os.getppid()}")
    assert time.monotonic() > 0  # still here


async def test_a_hang_is_killed_with_all_its_children(sandbox: Sandbox, room: Path):
    nap = f"sleep 5{time.time_ns() % 1000000}"  # nobody else's, on the whole machine
    done = await shell(sandbox, room, f"({nap}; echo late > late) & echo $$; {nap}", timeout_s=0.6)
    assert done.timed_out
    assert not done.ok
    assert done.seconds < 5
    assert not _lives(nap)


async def test_background_children_do_not_outlive_the_command(sandbox: Sandbox, room: Path):
    marker = f"3{time.time_ns() % 1000000}"
    done = await shell(sandbox, room, f"sleep {marker} & echo started")
    assert done.stdout == "started\n"
    await asyncio.sleep(0.1)
    assert not _lives(f"sleep {marker}")


async def test_cancelling_kills_the_tree(sandbox: Sandbox, room: Path):
    marker = f"4{time.time_ns() % 1000000}"
    task = asyncio.create_task(shell(sandbox, room, f"sleep {marker} & sleep {marker}"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    assert not _lives(f"sleep {marker}")


async def test_output_is_bounded(sandbox: Sandbox, room: Path):
    done = await shell(sandbox, room, "yes 0123456789", max_output=10_000, timeout_s=20)
    assert done.truncated
    assert len(done.stdout) == 10_000
    assert not done.timed_out


async def test_a_fork_bomb_is_bounded(sandbox: Sandbox, room: Path):
    program = "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.05)"
    argv = (sys.executable, "-I", "-c", program)
    bomb = Command(argv=argv, workspace=workspace(room), timeout_s=1.5, limits=Limits(processes=40))
    done = await sandbox.run(bomb)
    assert done.overcrowded or done.timed_out
    assert done.seconds < 10


async def test_memory_and_file_size_are_bounded(sandbox: Sandbox, room: Path):
    limits = Limits(address_space=512 << 20, file_size=1 << 20)
    done = await python(sandbox, room, "x = bytearray(2 << 30)", limits=limits)
    assert "MemoryError" in done.stderr
    done = await python(sandbox, room, "open('big', 'wb').write(b'x' * (4 << 20))", limits=limits)
    assert not done.ok
    assert (room / "ws" / "big").stat().st_size <= 1 << 20


async def test_processor_time_is_bounded(sandbox: Sandbox, room: Path):
    done = await python(sandbox, room, "while True: pass", limits=Limits(cpu_s=1))
    assert not done.ok
    assert not done.timed_out


async def test_a_missing_program_is_an_answer(sandbox: Sandbox, room: Path):
    done = await sandbox.run(Command(argv=("no-such-program",), workspace=workspace(room)))
    assert done.exit_code == 127
    assert "no-such-program" in done.stderr


async def test_standard_input_is_given(sandbox: Sandbox, room: Path):
    done = await shell(sandbox, room, "cat; read x; echo end", stdin=b"a line\n" * 3)
    assert done.stdout == "a line\n" * 3 + "end\n"


async def test_the_event_loop_is_not_blocked(sandbox: Sandbox, room: Path):
    task, ticks = asyncio.create_task(shell(sandbox, room, "sleep 0.5")), 0
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 20


def test_terminal_escapes_are_stripped():
    assert plain("\x1b[31mred\x1b[0m\x1b]0;title\x07 \u202eback\x00\n\tend") == "red back\n\tend"


def _lives(command_line: str) -> bool:
    """Whether a process with this command line runs on the machine."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:
            continue
        if b" ".join(words) == command_line.encode():
            return True
    return False

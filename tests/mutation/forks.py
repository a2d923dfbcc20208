"""Processes that try one mutant each: so many at a time, with limits of their own on time and memory."""

import os
import resource
import signal
from collections.abc import Callable

from tests.mutation.mutants import Mutant

SURVIVED, KILLED, ELSEWHERE, BROKEN = range(4)  # how a fork ends; ELSEWHERE: it cannot show this mutant
MEMORY = 6 << 30  # bytes: a mutant that never stops collecting ends before the machine does

Body = Callable[[], tuple[int, str]]
Ended = Callable[[Mutant, int, str], None]


class Forks:
    """At most so many at a time; each with a limit of its own on time and memory."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._under_way: dict[int, tuple[Mutant, int, Ended]] = {}

    def run(self, mutant: Mutant, body: Body, seconds: float, ended: Ended) -> None:
        """Start one when there is room."""
        while len(self._under_way) >= self._jobs:
            self._reap()
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reads)
            _limit(seconds)
            os._exit(quietly(lambda: _told(body, writes)))
        os.close(writes)
        self._under_way[pid] = mutant, reads, ended

    def finish(self) -> None:
        """Wait for all."""
        while self._under_way:
            self._reap()

    def _reap(self) -> None:
        pid, status = os.waitpid(-1, 0)
        if pid not in self._under_way:
            return  # a process that a test left behind
        mutant, reads, ended = self._under_way.pop(pid)
        with os.fdopen(reads, encoding="utf-8") as pipe:
            word = pipe.read()
        ended(mutant, os.waitstatus_to_exitcode(status), word)


def _told(body: Body, pipe: int) -> int:
    status, word = body()
    os.write(pipe, word.encode()[:4000])
    return status


def _limit(seconds: float) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 3 * seconds)  # others may be at work on this machine
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def patience(seconds: float) -> None:
    """End this process if the next test computes many times longer than it did, traced, with the sound code."""
    signal.setitimer(signal.ITIMER_PROF, 1 + 4 * seconds)


def quietly(body: Callable[[], int]) -> int:
    """A fork never returns into its parent's stack, whatever happens in it; what tests print is nobody's concern."""
    told = os.dup(2)
    try:
        if not os.environ.get("MUTATION_LOUD"):
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
        return body()
    except BaseException as error:  # pytest catches what tests raise: this is the harness's own fault
        os.write(told, f"{type(error).__name__}: {error}\n".encode()[:500])
        return BROKEN

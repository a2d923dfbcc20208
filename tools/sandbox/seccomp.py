"""The system call filter: everything is allowed but what no tool of ours needs and escapes are made of."""

import errno
import os
from functools import cache

from tools.sandbox.port import SandboxRefusedError

_DENIED = (
    *("mount", "umount2", "pivot_root", "chroot", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("open_tree", "mount_setattr", "unshare", "setns", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("kcmp", "pidfd_getfd", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff"),
    *("settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "acct", "quotactl", "syslog", "vhangup"),
    *("iopl", "ioperm", "modify_ldt", "sethostname", "setdomainname", "nfsservctl", "lookup_dcookie"),
)
_LEAVING_THE_GROUP = ("setsid", "setpgid")  # where a process group is all that holds the tree together
_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone takes
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the caller's terminal


@cache
def program(*, network: bool, keep_group: bool) -> bytes:
    """The filter as BPF. With `network=False` no socket of any family can be made (pairs can)."""
    try:
        import pyseccomp as seccomp  # noqa: PLC0415 - loads libseccomp, which a machine may lack
    except (ImportError, OSError, RuntimeError) as error:
        raise SandboxRefusedError(f"the system call filter needs libseccomp ({error}): install libseccomp2") from error
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    denied = (*_DENIED, *(_LEAVING_THE_GROUP if keep_group else ()), *(() if network else ("socket",)))
    for name in denied:
        _deny(seccomp, rules, name, errno.EPERM)
    _deny(seccomp, rules, "clone3", errno.ENOSYS)  # its flags lie in memory; the C library then uses clone
    for bit in range(32):
        flag = 1 << bit
        if _NAMESPACES & flag:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for request in _TERMINAL_INPUT:
        match = seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request)
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "ioctl", match)
    return _exported(rules)


def memfd(content: bytes, name: str) -> int:
    """An inheritable descriptor at the start of `content`; the caller closes it."""
    fd = os.memfd_create(name, 0)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _deny(seccomp: object, rules: object, name: str, number: int) -> None:
    """Deny one call; a kernel or architecture that does not know it has nothing to deny."""
    try:
        rules.add_rule(seccomp.ERRNO(number), name)  # type: ignore[attr-defined]
    except (OSError, ValueError, RuntimeError):
        return


def _exported(rules: object) -> bytes:
    fd = os.memfd_create("seccomp", 0)
    with os.fdopen(fd, "w+b") as file:
        rules.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()

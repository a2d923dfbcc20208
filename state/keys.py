"""The key of the hash chain: 32 random bytes in a file that only its owner can read."""

import hashlib
import os
import secrets
from pathlib import Path

from state.errors import Unusable

_LENGTH = 32


def key_id(key: bytes) -> str:
    """Names a key without giving it away; stored in the database, so that a wrong key is noticed."""
    return hashlib.sha256(b"countersign/key-id/1\0" + key).hexdigest()[:16]


def load_key(path: Path, *, create: bool) -> bytes:
    """The key in `path`, made now if `create`. Raises Unusable."""
    if not path.exists():
        if not create:
            raise Unusable(f"{path} is missing: without it the log can be neither verified nor continued; restore it")
        _create(path)
    if path.stat().st_mode & 0o077:
        raise Unusable(f"{path} can be read by others: chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) < _LENGTH:
        raise Unusable(f"{path} does not hold a key of {_LENGTH} bytes in hexadecimal: restore it")
    return key


def _create(path: Path) -> None:
    """Whole or not at all; of two processes at once, one makes it and both use it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_hex(_LENGTH).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

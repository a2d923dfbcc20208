"""The bytes of uploaded files: in a folder, or in memory without one."""

import asyncio
import shutil
from pathlib import Path


class Blobs:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}

    async def put(self, file_id: str, data: bytes) -> None:
        if self._folder is None:
            self._memory[file_id] = data
        else:
            await asyncio.to_thread(_write, self._folder / file_id, data)

    async def get(self, file_id: str) -> bytes | None:
        if self._folder is None:
            return self._memory.get(file_id)
        return await asyncio.to_thread(_read, self._folder / file_id)

    def clear(self) -> None:
        self._memory.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None

"""An append-only JSONL journal of `[table, key, document | null]`, compacted at start."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playground.errors import JournalDamaged

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Journal:
    """One `write(2)` per record: what was written survives the death of the process, not of the machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = None

    def read(self) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
        """Yields every whole record. A torn last line (the process died while writing it) is dropped."""
        if not self.path.exists():
            return
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                table, key, document = json.loads(line)
            except ValueError as error:
                if number == len(lines):  # no newline after it: torn
                    return
                raise JournalDamaged(
                    f"{self.path}, line {number}: not a record; remove the line or start in an empty folder"
                ) from error
            yield table, key, document

    def rewrite(self, tables: Tables) -> None:
        """Replaces the journal by one record per document, atomically, and opens it for appending."""
        self.close()
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            for table, documents in tables.items():
                for key, document in documents.items():
                    file.write(_line(table, key, document))
        fresh.replace(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def append(self, table: str, key: str, document: Mapping[str, Any] | None) -> None:
        if self._file is not None:
            os.write(self._file, _line(table, key, document).encode())

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _line(table: str, key: str, document: Mapping[str, Any] | None) -> str:
    return json.dumps([table, key, document], ensure_ascii=False, separators=(",", ":")) + "\n"

"""Named tables of JSON documents: all that the workspace remembers. Documents are replaced, never edited in place."""

from collections import defaultdict
from collections.abc import Callable

from playground.errors import Json
from playground.journal import Journal


class Store:
    def __init__(self, journal: Journal | None = None) -> None:
        self._tables: defaultdict[str, dict[str, Json]] = defaultdict(dict)
        self._journal = journal
        self.version = 0
        self.on_change: Callable[[], None] = lambda: None

    def load(self) -> None:
        """Reads the journal; call `compact` before the first change."""
        if self._journal is None:
            return
        for table, key, document in self._journal.read():
            if document is None:
                self._tables[table].pop(key, None)
            else:
                self._tables[table][key] = document

    def compact(self) -> None:
        if self._journal is not None:
            self._journal.rewrite(self._tables)

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def names(self, prefix: str) -> list[str]:
        return [name for name in self._tables if name.startswith(prefix)]

    def rows(self, table: str) -> list[Json]:
        return list(self._tables[table].values())

    def items(self, table: str) -> list[tuple[str, Json]]:
        return list(self._tables[table].items())

    def get(self, table: str, key: str) -> Json | None:
        return self._tables[table].get(key)

    def put(self, table: str, key: str, document: Json) -> Json:
        self._tables[table][key] = document
        if self._journal is not None:
            self._journal.append(table, key, document)
        self.touch()
        return document

    def drop(self, table: str, key: str) -> None:
        if self._tables[table].pop(key, None) is not None:
            if self._journal is not None:
                self._journal.append(table, key, None)
            self.touch()

    def clear(self, *, keep: tuple[str, ...]) -> None:
        """Forgets every table but those in `keep`."""
        kept = {name: self._tables[name] for name in keep}
        self._tables.clear()
        self._tables.update(kept)
        self.compact()
        self.touch()

    def touch(self) -> None:
        """Says that something visible changed, also things that are not documents (sockets, faults)."""
        self.version += 1
        self.on_change()

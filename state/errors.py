"""What can go wrong in the store, by whom to blame.

StoreError
├── Unusable        the place: another process holds it, a wrong key, a newer schema, unsafe settings
├── Damaged         the data: a row that this program cannot have written, or cannot read any more
│   └── PayloadErased   its payload was erased on purpose
├── Unencodable     the caller: a value that JSON cannot carry back unchanged
├── StoreBusy       another process wrote for too long; nothing was written, try again
├── StoreClosed     the caller: the store was closed first
└── StoreFailed     the disk: whether the last writes are kept is unknown; the program must exit
"""


class StoreError(Exception):
    """Something is wrong with the store, or with how it was used."""


class Unusable(StoreError):
    """The store cannot be opened as it stands; the message says what to do about it."""


class Damaged(StoreError):
    """A row that cannot be what was written. `stream` and `seq` name it."""

    def __init__(self, stream: str, seq: int, why: str) -> None:
        super().__init__(f"{stream} event {seq}: {why}")
        self.stream, self.seq, self.why = stream, seq, why


class PayloadErased(Damaged):
    """What the event said was erased; that it happened is still in the chain."""


class Unencodable(StoreError, ValueError):
    """The value would not come back from the store as it went in."""


class StoreBusy(StoreError):
    """Another process kept the write lock for too long. Nothing was written."""


class StoreClosed(StoreError):
    """The store has been closed."""


class StoreFailed(StoreError):
    """Reading or writing the disk failed. Nothing is acknowledged from here on; the program must exit."""

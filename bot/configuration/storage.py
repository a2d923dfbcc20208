"""Where the database is. Found without the rest, so that the switch can be moved whatever else is at fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.configuration import files
from policy.reading.files import Faults, Fields, Node, read, text


def default_storage(directory: Path) -> Path:
    """Where it is unless the configuration says otherwise."""
    return directory / "state" / "countersign.sqlite"


@dataclass(frozen=True, slots=True)
class ReadStorage:
    """Reads `storage: {path: state/countersign.sqlite}`."""

    directory: Path

    def __call__(self, node: Node, faults: Faults) -> Path | None:
        said = Fields(node, faults, "path").need("path", text)
        return None if said is None else self.directory / Path(said).expanduser()


def storage_in(directory: Path) -> Path:
    """The database of this configuration directory, by `storage:` alone; the rest may be at fault.

    Where even that cannot be read, the usual place if a database is there. Raises Invalid.
    """
    faults = Faults()
    said = files.main_file(directory, faults)
    node = read(files.MAIN, said, faults) if said is not None else None
    usual = default_storage(directory)
    if node is None or not isinstance(node.value, Mapping):
        if not usual.exists():
            faults.check()
        return usual
    child = node.value.get("storage")
    found = usual if child is None else ReadStorage(directory)(child, faults)
    faults.check()
    return found or usual

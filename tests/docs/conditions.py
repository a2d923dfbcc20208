"""The tables of docs/conditions.md, from the code that they describe. `python -m tests.docs.conditions` prints them."""

from collections.abc import Iterator

from policy.conditions.functions import GLOBALS, HAS, METHODS
from policy.conditions.shapes import RULE_ROOTS, Leaf, Listing, OneOf, Ranked, Shape, Struct, Table, words


def variables() -> str:
    """Every path that rules may read, with its type."""
    rows = [(path, spelled) for root, shape in RULE_ROOTS.items() for path, spelled in _paths(root, shape)]
    return _table(("path", "type"), rows)


def functions() -> str:
    """Every function, with an example."""
    rows = [(each.like, each.says) for each in (*METHODS.values(), *GLOBALS.values())]
    rows.append((f"{HAS}(call.arguments.count)", "whether the field is there"))
    return _table(("like", "says"), rows)


def _paths(path: str, shape: Shape) -> Iterator[tuple[str, str]]:
    if isinstance(shape, Struct):
        for name, below in shape.fields.items():
            yield from _paths(f"{path}.{name}", below)
    else:
        yield path, _spelled(shape)


def _spelled(shape: Shape) -> str:
    match shape:
        case OneOf(words=known):
            return f"one of {', '.join(f'`{word}`' for word in known)}"
        case Ranked(names=names):
            return f"a whole number: {', '.join(f'{rank} {name}' for rank, name in enumerate(names))}"
        case Table(of=below):
            return f"a map from text to {_spelled(below)}"
        case Listing(of=below):
            return f"a list of {_spelled(below)}"
        case Leaf() | Struct():
            return words(shape)


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {heads[0]} | {heads[1]} |", "|---|---|", *(f"| `{first}` | {second} |" for first, second in rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(variables(), functions(), sep="\n")

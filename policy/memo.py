"""Answers kept for the very same questions: by identity, bounded, and never a different answer than asking again."""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_MOST = 1024


class Memo(Generic[T]):
    """Value by the identity of its question's parts. The parts are held, so that an identity is not used again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], T]] = OrderedDict()

    def get(self, *parts: Any) -> T | None:
        """The answer to exactly this question, if it is still kept. Texts and tuples are the same if they are equal."""
        found = self._kept.get(_key(parts))
        return None if found is None else found[1]

    def keep(self, value: T, *parts: Any) -> T:
        """Keep an answer."""
        self._kept[_key(parts)] = (parts, value)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return value


def _key(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([part if type(part) in _BY_VALUE else id(part) for part in parts])


_BY_VALUE = (str, tuple, bool)  # an int would be taken for an identity

"""The stories' page and rooms, for attacks on a whole demo."""

from tests.stories.conftest import page, room, rooms, session

__all__ = ["page", "room", "rooms", "session"]

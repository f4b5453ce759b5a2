"""Reading a stream of server-sent events, whatever way its bytes arrive."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One event of the stream: its id and its data, either may be empty."""

    id: str
    data: str


class Frames:
    """Takes lines and answers a frame at each empty one."""

    def __init__(self) -> None:
        self._id, self._data = "", list[str]()

    def line(self, line: str) -> Iterator[Frame]:
        """A frame when this line ends one."""
        if not line:
            if self._id or self._data:
                yield Frame(self._id, "\n".join(self._data))
            self._id, self._data = "", []
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self._id = value
        elif name == "data":
            self._data.append(value)

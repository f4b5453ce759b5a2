"""Reading a stream of server-sent events, whatever way its bytes arrive."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One event of the stream: its id and its data, either may be empty."""

    id: str
    data: str


class Frames:
    """Takes bytes and answers a frame at each empty line.

    Only LF and CRLF end a line: what else ends one elsewhere (U+2028, U+0085) is text of the data.
    """

    def __init__(self) -> None:
        self._id, self._data = "", list[str]()
        self._rest = b""

    def take(self, piece: bytes) -> Iterator[Frame]:
        """The frames that this piece ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from self._line(line.removesuffix(b"\r").decode())

    def _line(self, line: str) -> Iterator[Frame]:
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

"""Errors of the JSON-RPC methods."""

from __future__ import annotations

INVALID_PARAMS = -32602
INVALID_REQUEST = -32600


class RpcError(Exception):
    """A refused call: JSON-RPC code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

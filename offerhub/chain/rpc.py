"""One call of a Stellar RPC server (JSON-RPC 2.0)."""

from typing import Any

import orjson

from offerhub.chain import http
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable


class RpcRefused(ChainUnavailable):
    """The server's own words of why it does not answer this."""


def call(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """The result. Raises RpcRefused with the server's message, else ChainUnavailable."""
    url = current().rpc_url
    if not url:
        raise ChainUnavailable("no RPC server is configured; set OFFERHUB_RPC_URL")
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    answer = http.call("POST", url, content=orjson.dumps(request))
    if not answer.ok:
        raise ChainUnavailable(
            f"RPC answered {answer.status}", retry_after=answer.retry_after or http.DEFAULT_PAUSE
        )
    with http.in_known_shape(f"RPC's answer to {method}"):
        error = answer.body.get("error")
        if error:
            raise RpcRefused(str(error.get("message", "")))
        return dict(answer.body["result"])

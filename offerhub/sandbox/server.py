"""Starting and stopping the sandbox, alone or inside a test."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.keys import PASSPHRASE
from offerhub.sandbox.options import Options
from offerhub.sandbox.web import Connection

HOST = "127.0.0.1"
DEFAULT_PORT = 8400

EXAMPLE = """example:
  python -m offerhub.sandbox --port 8400 --data var/sandbox.db --seed demo

  curl -s http://127.0.0.1:8400/control/health
  curl -s 'http://127.0.0.1:8400/friendbot?addr=G...'
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m offerhub.sandbox",
        description="A Stellar network of its own on this machine: Horizon, RPC (/rpc), friendbot"
        " and the Trustless Work v1 API on one port. Listens on 127.0.0.1 only.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    # fmt: off
    add("--port", type=int, default=DEFAULT_PORT,
        help=f"port to listen on; 0 picks a free one (default {DEFAULT_PORT})")
    add("--data", default="", metavar="FILE",
        help="file that keeps the network over restarts; without it, it lives in memory")
    add("--seed", default="offerhub",
        help="everything derives from it: issuer, factory, API key (default offerhub)")
    add("--passphrase", default=PASSPHRASE, help=f"network passphrase (default {PASSPHRASE!r})")
    add("--protocol-fee-bps", type=int, default=0, metavar="BPS",
        help="the escrow vendor's fee; the real one is 30 (default 0)")
    add("--provider-limit", type=int, default=0, metavar="N",
        help="escrow API calls per window; the real one is 50, 0 is none (default 0)")
    add("--provider-window", type=float, default=60.0, metavar="SECONDS",
        help="the window of that limit (default 60)")
    add("--retention", type=int, default=120_960, metavar="LEDGERS",
        help="how far back RPC remembers (default 120960, about 7 days)")
    add("--patience", type=float, default=30.0, metavar="SECONDS",
        help="how long a submission waits for a ledger before it answers 504 (default 30)")
    add("--scenarios", action="store_true",
        help="amounts and destinations that go wrong on purpose (see README.md)")
    # fmt: on
    return made


def options(arguments: argparse.Namespace) -> Options:
    """The options of a parsed command line."""
    if not 0 <= arguments.protocol_fee_bps <= 100:
        raise ValueError("--protocol-fee-bps is between 0 and 100")
    if arguments.data:
        Path(arguments.data).parent.mkdir(parents=True, exist_ok=True)
    return Options(
        data=arguments.data,
        seed=arguments.seed,
        passphrase=arguments.passphrase,
        protocol_fee_bps=arguments.protocol_fee_bps,
        provider_limit=arguments.provider_limit,
        provider_window=arguments.provider_window,
        retention=arguments.retention,
        patience=arguments.patience,
        scenarios=arguments.scenarios,
    )


async def serve(sandbox: Sandbox, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests on a bound socket until told to stop."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    open_ones: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(sandbox.handle, tasks, open_ones), sock=listener
    )
    await stop.wait()
    server.close()
    for task in list(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for connection in list(open_ones):
        connection.close()
    await asyncio.sleep(0)
    sandbox.network.store.close()


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


class Running:
    """A sandbox in a thread of this process, for tests. ``url`` is where it listens."""

    def __init__(self, options: Options, port: int = 0) -> None:
        self.sandbox = Sandbox(options)
        self._listener = bind(port)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve(self.sandbox, self._listener, self._stop))
        self._loop.close()

    def close(self) -> None:
        """Stop listening and release the file."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


async def _forever(sandbox: Sandbox, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    sys.stdout.write(f"sandbox network on {address} (seed {sandbox.network.options.seed})\n")
    sys.stdout.flush()
    # The ledger only grows, and nothing in it forms cycles: looking through it often is waste.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    await serve(sandbox, listener, stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; answers the exit status."""
    arguments = parser().parse_args(argv)
    try:
        chosen = options(arguments)
        with bind(arguments.port) as listener:
            asyncio.run(_forever(Sandbox(chosen), listener))
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"cannot start the sandbox: {problem}\n")
        return 1
    return 0

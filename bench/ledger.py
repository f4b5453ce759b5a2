"""Postings per second through `ledger.services`, beside pgbench calling the same SQL function.

    python -m bench.ledger --seconds 4 --rounds 3

Each posting moves money between two random users of 10,000 and books a network fee in the same
entry: four lines, all guards on, one transaction, fsync on. Clients are processes. The machine may
be busy with other things, so the ways are measured in turns and what counts is their ratio; the
value shown is each one's best turn. Processor time is the client's own and that of its connection.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import psutil
from rich.console import Console

from bench.ledger_database import MARKETS, SERVER, USERS, prepared_database
from offerhub import postgres

CLIENTS = (1, 8)
HALF, WITHIN = 0.5, 0.75  # limits: at least half of pgbench; hot within 25 % of spread

Row = dict[str, Any]


def run(seconds: float = 4.0, rounds: int = 3) -> list[Row]:
    """Every figure as {name, value, unit, ratio, limit}: ratio and limit are None where none is."""
    url = prepared_database()
    clients = Clients(url, max(CLIENTS))
    try:
        turns: dict[str, list[Turn]] = {}
        for _ in range(rounds):
            for name, measure in ways(url, clients).items():
                turns.setdefault(name, []).append(measure(seconds))
    finally:
        clients.stop()
        postgres.stop_if_unused(SERVER)
    return rows(turns)


class Turn:
    """What one turn of one way gave."""

    def __init__(self, postings: int, seconds: float, client_cpu: float, server_cpu: float) -> None:
        self.rate = postings / seconds
        used = {"client": client_cpu, "server": server_cpu}
        self.cpu_ms = {side: cpu * 1000 / max(postings, 1) for side, cpu in used.items()}


def ways(url: str, clients: "Clients") -> dict[str, Callable[[float], Turn]]:
    """The measurements of one round, in an order that puts those side by side that are compared."""
    found: dict[str, Callable[[float], Turn]] = {}
    for count in CLIENTS:
        found[f"pgbench {count}"] = lambda s, n=count: pgbench(url, n, s)  # type: ignore[misc]
        found[f"Django {count}"] = lambda s, n=count: clients.run("hot", n, s)  # type: ignore[misc]
    found["Django spread"] = lambda s: clients.run("spread", max(CLIENTS), s)
    return found


def rows(turns: dict[str, list[Turn]]) -> list[Row]:
    """The figures of all rounds."""
    found = []
    for count in CLIENTS:
        django, floor = turns[f"Django {count}"], turns[f"pgbench {count}"]
        plural = f"{count} client{'s' if count > 1 else ''}"
        found.append(_row(f"pgbench, {plural}", best(floor)))
        found.append(_row(f"pgbench, {plural}: server CPU", least(floor, "server"), unit="ms each"))
        found.append(_row(f"Django, {plural}", best(django), between(django, floor), HALF))
        for side in ("client", "server"):
            cost = least(django, side)
            found.append(_row(f"Django, {plural}: {side} CPU", cost, unit="ms each"))
    most = max(CLIENTS)
    hot, spread = turns[f"Django {most}"], turns["Django spread"]
    found.append(
        _row(f"one hot fee account, {most} clients", best(hot), between(hot, spread), WITHIN)
    )
    found.append(_row(f"{MARKETS} fee accounts, {most} clients", best(spread)))
    return found


def _row(
    name: str, value: float, ratio: float | None = None, limit: float | None = None, unit: str = ""
) -> Row:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit or "postings/s",
        "ratio": None if ratio is None else round(ratio, 2),
        "limit": limit,
    }


def best(turns: list[Turn]) -> float:
    """The rate of the quietest turn."""
    return max(turn.rate for turn in turns)


def least(turns: list[Turn], side: str) -> float:
    """The processor time of a posting in the quietest turn: milliseconds of client or server."""
    return min(turn.cpu_ms[side] for turn in turns)


def between(these: list[Turn], those: list[Turn]) -> float:
    """The middle of the rounds' ratios: neighbours in time share the machine's mood."""
    return statistics.median(a.rate / b.rate for a, b in zip(these, those, strict=True))


# --- the entry ---------------------------------------------------------------------------------


def entry(number: str, market: str, payer: str, payee: str, fee_account: str) -> Row:
    """The parameter of `ledger_post`, as `services` makes it too."""
    lines = [
        ("available", payer, "USDC", payer, 100),
        ("available", payee, "USDC", payee, -100),
        ("expense:network_fee", "", "XLM", None, 100),
        ("xlm", fee_account, "XLM", None, -100),
    ]
    names = ("kind", "owner", "asset", "user", "amount")
    return {
        "id": f"ent_{number}",
        "marketplace": market,
        "kind": "reserve",
        "source": f"bench:{number}",
        "lines": [dict(zip(names, line, strict=True)) for line in lines],
        "operation": "",
        "description": "",
        "actor": "system:bench",
        "meta": {},
    }


def pgbench(url: str, clients: int, seconds: float) -> Turn:
    """The floor: the database's own client calls the function, one transaction each."""
    told = entry("b:client_id-:n-:run", "mkt_hot", "hot:a", "hot:b", "GHOT")
    script = (
        f"\\set a random(1, {USERS})\n\\set b 1 + (:a + random(0, {USERS - 3})) % {USERS}\n"
        f"\\set n :n + 1\nSELECT * FROM ledger_post('{json.dumps(told, separators=(',', ':'))}');\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        variables = ["-D", "n=10000000", "-D", f"run={random.getrandbits(32)}"]
        flags = ["-n", "-f", file.name, "-c", str(clients), "-T", str(max(1, round(seconds)))]
        command = [str(postgres.binaries() / "pgbench"), *flags, *variables, url]
        before = server_cpu(url)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    words = done.stdout.split()
    postings = int(words[words.index("processed:") + 1])
    rate = float(words[words.index("tps") + 2])
    time.sleep(0.5)  # until the server has seen its connections end
    return Turn(postings, postings / rate, 0.0, server_cpu(url) - before)


def server_cpu(url: str) -> float:
    """Processor seconds of the server's connections that have ended."""
    pid = int((SERVER / "postmaster.pid").read_text().splitlines()[0])
    times = psutil.Process(pid).cpu_times()
    return float(times.children_user + times.children_system)


# --- Django's clients --------------------------------------------------------------------------


class Clients:
    """Processes with Django set up and a connection each, which post on command."""

    def __init__(self, url: str, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ends: list[Connection] = []
        self._processes = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=client, args=(url, number, theirs), daemon=True)
            process.start()
            self._ends.append(ours)
            self._processes.append(process)
        for end in self._ends:
            end.recv()  # ready

    def run(self, workload: str, clients: int, seconds: float) -> Turn:
        """Let so many post for so long, all at once."""
        ends = self._ends[:clients]
        for end in ends:
            end.send((workload, seconds))
        answers = [end.recv() for end in ends]
        postings = sum(answer[0] for answer in answers)
        longest = max(answer[1] for answer in answers)
        return Turn(postings, longest, sum(a[2] for a in answers), sum(a[3] for a in answers))

    def stop(self) -> None:
        """End the processes."""
        for end in self._ends:
            end.send(None)
        for process in self._processes:
            process.join()


def client(url: str, number: int, commands: Connection) -> None:
    """One process: (workload, seconds) in; (postings, seconds, own CPU, server's CPU) out."""
    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "offerhub.settings"}
    import django
    from django.db import connection

    django.setup()
    connection.ensure_connection()
    server = psutil.Process(connection.connection.info.backend_pid)
    pick = random.Random(number)  # noqa: S311  (which accounts, nothing secret)
    commands.send("ready")
    while (command := commands.recv()) is not None:
        workload, seconds = command
        cpu, server_before = time.process_time(), _used(server)
        began, postings = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - began) < seconds:
            _post(workload, pick)
            postings += 1
        own = time.process_time() - cpu
        commands.send((postings, elapsed, own, _used(server) - server_before))


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _post(workload: str, pick: random.Random) -> None:
    """One posting as a service makes it: in a transaction of its own, through `post`."""
    from django.db import transaction

    from ledger.chart import AccountKind as K
    from ledger.kinds import EntryKind
    from ledger.legs import credit, debit
    from ledger.services import post
    from offerhub.core.actor import system

    if workload == "hot":
        market, fee_account = "mkt_hot", "GHOT"
        payer, payee = (f"hot{n}" for n in pick.sample(range(1, USERS + 1), 2))
    else:
        place = pick.randrange(MARKETS)
        market, fee_account = f"mkt_{place}", f"G{place}"
        payer, payee = (f"spread{place}-{n}" for n in pick.sample(range(USERS // MARKETS), 2))
    with transaction.atomic():
        post(
            marketplace_id=market,
            kind=EntryKind.RESERVE,
            source=f"bench:{pick.getrandbits(96):x}",
            legs=[
                debit(K.AVAILABLE, payer, 100, "USDC", payer),
                credit(K.AVAILABLE, payee, 100, "USDC", payee),
                debit(K.NETWORK_FEE, "", 100, "XLM"),
                credit(K.XLM, fee_account, 100, "XLM"),
            ],
            actor=system("bench"),
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.ledger",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    console = Console()
    for row in run(options.seconds, options.rounds):
        ratio = "" if row["ratio"] is None else f"ratio {row['ratio']:.2f}"
        limit = "" if row["limit"] is None else f"(at least {row['limit']})"
        console.print(
            f"{row['name']:38} {row['value']:9.2f} {row['unit']:11} {ratio} {limit}", soft_wrap=True
        )


if __name__ == "__main__":
    main()

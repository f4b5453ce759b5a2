"""One run of schemathesis over the API's document, in a process of its own."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.shop import Shop

HERE = Path(__file__).parent
# So often a value of a path, a query or a body is the id of something that is there.
REAL = 0.6
# Fields of bodies that name something, and by which id of the shop.
FIELDS = {
    "orderId": "orderId",
    "buyerId": "userId",
    "sellerId": "userId",
    "creatorId": "userId",
    "userId": "userId",
    "campaignId": "campaignId",
    "destinationId": "destinationId",
    "proofId": "proofId",
    "batchId": "batchId",
    "scheduleId": "scheduleId",
    "items[*].userId": "userId",
    "items[*].destinationId": "destinationId",
}


@dataclass(frozen=True)
class Plan:
    """What to ask. `paths` is a regular expression, of those that are asked or (with `but`) not."""

    name: str
    phases: str
    examples: int
    seed: int
    only: str = ""
    but: str = ""
    key: str = ""
    workers: int = 2


@dataclass
class Found:
    """What came of it."""

    status: int
    report: str
    counts: list[tuple[str, str, int, int]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(row[3] for row in self.counts)

    @property
    def operations(self) -> set[str]:
        """Such as `GET /api/v1/me`: all that were asked."""
        return {row[1] for row in self.counts}

    def by(self, column: int) -> Counter:
        """Requests by phase (0), operation (1) or status (2)."""
        total: Counter = Counter()
        for row in self.counts:
            total[row[column]] += row[3]
        return total


def fuzz(plan: Plan, base_url: str, folder: Path, shop: Shop | None, *, quiet: bool) -> Found:
    """Ask all of it; what schemathesis says goes to the terminal or, when `quiet`, is kept."""
    config, counts = folder / "schemathesis.toml", folder / "counts.json"
    config.write_text(configuration(plan, shop))
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config)),
        *("run", f"{base_url}/api/v1/schema", "--url", base_url, "--phases", plan.phases),
        *("--max-examples", str(plan.examples), "--seed", str(plan.seed)),
        *("--workers", str(plan.workers), "--warnings", "off", "--continue-on-failure"),
        *(["--include-path-regex", plan.only] if plan.only else []),
        *(["--exclude-path-regex", plan.but] if plan.but else []),
        *(["--no-color"] if quiet else []),
    ]
    environment = os.environ | {
        "FUZZ_COUNTS": str(counts),
        "FUZZ_ANONYMOUS": "" if plan.key else "1",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        check=False,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT,
    )
    rows = [tuple(row) for row in json.loads(counts.read_text())] if counts.exists() else []
    return Found(done.returncode, done.stdout or "", rows)


def configuration(plan: Plan, shop: Shop | None) -> str:
    """schemathesis.toml: the key, real ids, and what a refusal may be."""
    lines = [
        f"hooks = {_text(HERE / 'hooks.py')}",
        "request-timeout = 30",
        "[output.sanitization]",
        "enabled = false  # the key is of an instance that is gone at the end",
        "[generation]",
        'database = "none"',
        "[checks.positive_data_acceptance]",
        "expected-statuses = [200, 201, 202, 204, 401, 403, 404, 409, 422, 429]",
        "[checks.negative_data_rejection]",
        "expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]",
        "[[operations]]",
        'include-path = "/api/v1/events/stream"  # it never ends',
        "request-timeout = 1",
        "max-stream-events = 2",
    ]
    if plan.key:
        lines += ["[headers]", f"Authorization = {_text(f'Bearer {plan.key}')}"]
    if shop is not None:
        lines += _dictionaries(shop)
    return "\n".join(lines) + "\n"


def _dictionaries(shop: Shop) -> list[str]:
    lines = [
        line
        for name, id in shop.ids.items()
        for line in (f"[dictionaries.{name}]", f"values = [{_text(id)}]")
    ]
    lines.append("[parameters]")
    bound = {f"path.{name}": name for name in shop.ids if name != "reportRunId"}
    bound |= {f"query.{name}": id for name, id in FIELDS.items() if "[" not in name}
    bound |= {f"body.{name}": id for name, id in FIELDS.items()}
    for place, name in bound.items():
        lines.append(f'"{place}" = {{ dictionary = "{name}", probability = {REAL} }}')
    return lines


def _text(value: object) -> str:
    return json.dumps(str(value))

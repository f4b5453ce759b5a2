"""What the demo has done so far: `var/demo.json`, written after every step.

A step that was broken off is done again from its beginning; each is written so that this changes
nothing twice. The file holds the key of the wallet that receives the withdrawal: mode 0600.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from offerhub import runfile


class Diary:
    """One run of one scenario in one marketplace."""

    def __init__(self, path: Path, scenario: str, marketplace: str, *, fresh: bool) -> None:
        self._path, self._scenario = path, scenario
        self._all: dict[str, Any] = {}
        with suppress(FileNotFoundError, json.JSONDecodeError):
            self._all = json.loads(path.read_text())
        self._mine: dict[str, Any] = self._all.get(scenario) or {"run": 0, "marketplace": ""}
        if self._mine["marketplace"] != marketplace or (fresh and self.is_over):
            number = self._mine["run"] + 1
            self._mine = {"run": number, "marketplace": marketplace, "done": [], "facts": {}}
            self._all[scenario] = self._mine
        self.resumed = bool(self._mine["done"]) and not self.is_over
        self._save()

    @property
    def is_over(self) -> bool:
        """Whether the scenario came to its end."""
        return "over" in self._mine["done"]

    @property
    def run(self) -> int:
        return int(self._mine["run"])

    def name(self, word: str) -> str:
        """A name that no other run has: ids, references, idempotency keys are made of it."""
        return f"{self._scenario}-{self.run}-{word}"

    def has_done(self, step: str) -> bool:
        return step in self._mine["done"]

    def done(self, step: str) -> None:
        """Write that a step has reached its end."""
        self._mine["done"].append(step)
        self._save()

    def fact(self, name: str) -> str:
        """Something that an earlier step found out."""
        return str(self._mine["facts"][name])

    def facts(self, prefix: str) -> list[str]:
        """All whose name begins so."""
        found = self._mine["facts"].items()
        return [str(value) for name, value in found if name.startswith(prefix)]

    def knows(self, name: str) -> bool:
        return name in self._mine["facts"]

    def keep(self, name: str, value: str) -> str:
        """Remember something for later steps, and for a run that goes on after a crash."""
        self._mine["facts"][name] = value
        self._save()
        return value

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        runfile.write_private(self._path, json.dumps(self._all, indent=2))


class Notes(Diary):
    """The same for somebody who makes one deal after another and is not gone on with: in memory.

    Names of the parties stay, whatever else is named anew with each deal.
    """

    def __init__(self, scenario: str, parties: tuple[str, ...]) -> None:
        self._scenario, self._parties = scenario, parties
        self._mine = {"run": 0, "marketplace": "", "done": [], "facts": {}}
        self.resumed = False

    def turn(self) -> None:
        """Begin the next deal."""
        self._mine["run"] += 1

    def name(self, word: str) -> str:
        return f"{self._scenario}-{word}" if word in self._parties else super().name(word)

    def _save(self) -> None:
        """Nothing is written."""

"""Playing the scenarios with a progress bar, and ending with balances that add up."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from offerhub import runfile
from offerhub.demo import campaign, snippet
from offerhub.demo.client import Api, Patience, Sandbox
from offerhub.demo.diary import Diary
from offerhub.demo.freelance import Freelance
from offerhub.demo.gig import Gig
from offerhub.demo.scenario import DoesNotAddUp, Row, Scenario
from offerhub.demo.service import Service
from offerhub.demo.shop import Shop
from offerhub.demo.subscription import Subscription
from offerhub.supervisor import leftovers
from offerhub.supervisor.console import Screen

SCENARIOS: list[type[Scenario]] = [
    Freelance,
    Shop,
    Service,
    Gig,
    Subscription,
    campaign.Funded,
    campaign.Missed,
]
# The first start plays the main job, and leaves something to do at the desk.
FIRST = (Freelance, Service)


class NotRunning(Exception):
    """There is nothing to play on."""


def resume(screen: Screen) -> None:
    """Play what was never played or was broken off; what is over is only shown."""
    _play_all(screen, FIRST, fresh=False)
    facts = _facts()
    with screen.step("Users of the SDKs' first lines") as notes:
        api = Api(facts["baseUrl"], facts["apiKey"], lambda why: None)
        notes.append(snippet.make_ready(api, Sandbox(facts["sandboxUrl"])))


def play_again(screen: Screen) -> None:
    """A new run of every scenario, with users of its own; a run that was broken off goes on."""
    if not leftovers.is_running(runfile.path().parent):
        raise NotRunning("Nothing is running here. Start it with `make run` in another terminal.")
    patience = Patience("the start of the installation")
    while runfile.read() is None:
        patience.wait("it has not said yet where it is")
    screen.console.print(_summary(_play_all(screen, SCENARIOS, fresh=True)))


def _play_all(
    screen: Screen, scenarios: Sequence[type[Scenario]], *, fresh: bool
) -> list[Scenario]:
    facts = _facts()
    diary_path = runfile.path().with_name("demo.json")
    played = []
    for scenario in scenarios:
        diary = Diary(diary_path, scenario.name, facts["marketplaceId"], fresh=fresh)
        player = _Player(screen, scenario, diary, facts)
        player.play()
        played.append(player.scenario)
    return played


def _facts() -> runfile.RunFile:
    facts = runfile.read()
    if facts is None:
        raise NotRunning("The installation has not said where it is")
    return facts


class _Player:
    """One scenario on the screen."""

    def __init__(
        self, screen: Screen, scenario: type[Scenario], diary: Diary, facts: runfile.RunFile
    ) -> None:
        self.screen, self.diary = screen, diary
        self.progress = Progress(
            TextColumn("   [dim]{task.description}[/dim]"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=screen.console,
            transient=True,
        )
        self.title = ""
        self.task = self.progress.add_task("")
        api = Api(facts["baseUrl"], facts["apiKey"], self._waiting)
        self.scenario = scenario(api, Sandbox(facts["sandboxUrl"]), diary)

    def play(self) -> None:
        steps = self.scenario.steps()
        already = "  [dim](played earlier)[/dim]" if self.diary.is_over else ""
        goes_on = "  [dim](going on where it stopped)[/dim]" if self.diary.resumed else ""
        self.screen.line(
            f"\n[bold]{self.scenario.title}[/bold], run {self.diary.run}{already}{goes_on}"
        )
        with self.progress:
            self.progress.update(self.task, total=len(steps))
            for step in steps:
                self.title = step.title
                self.progress.update(self.task, description=step.title)
                if not self.diary.has_done(step.name):
                    step.do()
                    self.diary.done(step.name)
                    self.screen.console.print(f"   [green]✓[/green] {step.title}")
                self.progress.advance(self.task)
        rows = self.scenario.rows()
        self.screen.console.print(_table(rows))
        if any(row.books != row.chain for row in rows):
            raise DoesNotAddUp("The books and the chain differ")
        if not self.diary.is_over:
            self.diary.done("over")

    def _waiting(self, why: str) -> None:
        self.progress.update(self.task, description=f"{self.title} ({why}; waiting)")


def _table(rows: list[Row]) -> Table:
    table = Table(show_footer=True, box=None, padding=(0, 3), title_justify="left")
    totals = sum((r.books for r in rows), Decimal(0)), sum((r.chain for r in rows), Decimal(0))
    table.add_column("")
    table.add_column("USDC", footer="together")
    table.add_column("books", justify="right", footer=_amount(totals[0]))
    table.add_column("chain", justify="right", footer=_amount(totals[1]))
    table.add_column("difference", justify="right", footer=_amount(totals[0] - totals[1]))
    for row in rows:
        numbers = (row.books, row.chain, row.books - row.chain)
        table.add_row(row.who, row.where, *(_amount(number) for number in numbers))
    return table


def _summary(played: Sequence[Scenario]) -> Table:
    """One line for each scenario: what came in, where it is now, and that nothing is missing."""
    table = Table(box=None, padding=(0, 3), title_justify="left")
    for name in ("", "orders", "states", "money in", "accounted for", "difference"):
        money = name in ("orders", "money in", "accounted for", "difference")
        table.add_column(name, justify="right" if money else "left")
    for scenario in played:
        states = Counter(scenario.orders())
        came, there = scenario.deposited(), sum((r.chain for r in scenario.rows()), Decimal(0))
        table.add_row(
            scenario.title,
            str(sum(states.values())),
            ", ".join(f"{n} {state}" for state, n in sorted(states.items())),
            *(_amount(value) for value in (came, there, came - there)),
        )
    return table


def _amount(value: Decimal) -> str:
    """Seven places when they say something, two when they do not."""
    text = f"{value:.7f}"
    return text[:-5] if text.endswith("00000") else text

"""What a person sees while the processes start: one line a step, a spinner on the present one."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape


class Screen:
    """Lines for people. Without a terminal the same lines come without colour and spinner."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Show a step and how long it took. What is put into the list is shown after its title."""
        begun, notes = time.monotonic(), list[str]()
        with self.console.status(f"{title} …"):
            yield notes
        took = f"[dim]{time.monotonic() - begun:.1f} s[/dim]"
        self.console.print(f" [green]✓[/green] {title:<24} {took:>6}  {escape(' · '.join(notes))}")

    def say(self, text: str) -> None:
        """Something that happened meanwhile."""
        self.console.print(f" [yellow]•[/yellow] {escape(text)}")

    def problem(self, text: str) -> None:
        """Why it did not work, and what to do."""
        self.console.print(f" [red]✗[/red] {escape(text)}", soft_wrap=True)

    def line(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True)

"""Where the product has threads, the simulator does the same work in the one that there is."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Protocol, Self

from offerhub.chain import accounts
from offerhub.chain.types import ChainUnavailable
from offerhub.core import jobs


class _AtOnce:
    """A pool that does everything in its turn."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """There is nothing to start."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to stop."""

    def map(self, work: Callable[[Any], Any], each: Iterable[Any]) -> Iterator[Any]:
        """The results in the order of their arguments."""
        return iter([work(one) for one in each])


class Log:
    """What the product writes into its log: read by nobody, and no secret is in it (I11)."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage

    def write(self, text: str) -> None:
        """One record, or the end of its line."""
        if self._stage.secrets.search(text):
            self._stage.wrong("a secret was logged")

    def flush(self) -> None:
        """Nothing is kept."""


class _Hears(Protocol):
    def wrong(self, what: str) -> None:
        """Something that must not be."""


def install(stage: _Hears) -> None:
    """Stand where the threads of waiting requests and of look-ups stand."""

    def submit(work: Callable[..., None], *args: Any) -> "Future[None]":
        future: Future[None] = Future()
        try:
            work(*args)
            future.set_result(None)
        except ChainUnavailable as away:
            future.set_exception(away)
        except Exception as error:
            stage.wrong(f"a waiting {args[0]} raised {type(error).__name__}: {str(error)[:300]}")
            future.set_exception(error)
        return future

    vars(accounts)["ThreadPoolExecutor"] = _AtOnce
    vars(jobs)["_executor"] = lambda: SimpleNamespace(submit=submit)
    vars(jobs)["close_old_connections"] = lambda: None

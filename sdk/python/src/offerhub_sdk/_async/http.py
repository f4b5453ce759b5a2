"""Carrying out calls with httpx."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypedDict, TypeVar

import httpx

from offerhub_sdk import _core
from offerhub_sdk._frames import Frames
from offerhub_sdk.errors import ApiError, NoAnswer

T = TypeVar("T")


class Options(TypedDict, total=False):
    """Of one change. `idempotency_key`: a key of your own; `wait=False`: answer the 202 at once."""

    idempotency_key: str
    wait: bool


def at_once(options: Options) -> Options:
    """For long work with a progress of its own: its 202 is not followed unless asked for."""
    return {"wait": False, **options}


class AsyncHttp:
    """One key on one server. `transport` is httpx's, for tests and proxies."""

    def __init__(
        self, api_key: str, base_url: str, policy: _core.Policy, transport: Any = None
    ) -> None:
        if not api_key:
            raise ValueError("api_key is missing: make one with manage.py keys create")
        self.policy = policy
        self._client = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=policy.timeout,
            transport=transport,
        )

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return await self._carry_out(_core.read(self.policy, path, query))

    async def post(
        self, path: str, body: Any, options: Options, files: Mapping[str, Any] | None = None
    ) -> Any:
        call = _core.post(
            self.policy,
            path,
            body,
            idempotency_key=options.get("idempotency_key"),
            wait=options.get("wait", True),
            files=files,
        )
        return await self._carry_out(call)

    async def change(self, method: str, path: str, body: Any = None) -> Any:
        return await self._carry_out(_core.change(self.policy, method, path, body))

    async def _carry_out(self, call: _core.Call) -> Any:
        answer: _core.Answer | None = None
        try:
            step = next(call)
            while True:
                if isinstance(step, _core.Pause):
                    await asyncio.sleep(step.seconds)
                    step = call.send(None)
                    continue
                try:
                    answer = await self._send(step)
                except httpx.TransportError as error:
                    lost = NoAnswer(str(error) or type(error).__name__, None)
                    lost.__cause__ = error
                    step = call.throw(lost)
                else:
                    step = call.send(answer)
        except StopIteration as end:
            return end.value

    async def _send(self, send: _core.Send) -> _core.Answer:
        answer = await self._client.request(
            send.method,
            send.path,
            params=send.query or None,
            headers=send.headers,
            content=send.content,
            data=send.form,
            files=send.files,
        )
        return _core.Answer(answer.status_code, answer.headers, answer.content)

    async def follow(
        self, path: str, query: Mapping[str, Any], last: str | None
    ) -> AsyncIterator[Any]:
        """Each event of a stream, without end; after a break it goes on behind the last one."""
        pause = _core.FIRST_PAUSE
        while True:
            try:
                headers = {"Accept": "text/event-stream"}
                if last:
                    headers["Last-Event-ID"] = last
                async with self._client.stream(
                    "GET", path, params=_core.words(query), headers=headers
                ) as answer:
                    await self._refuse_if_wrong(answer)
                    frames = Frames()
                    async for piece in answer.aiter_bytes():
                        for frame in frames.take(piece):
                            pause = _core.FIRST_PAUSE
                            last = frame.id or last
                            if frame.data:
                                yield json.loads(frame.data)
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    raise
            except httpx.TransportError:
                pass
            await asyncio.sleep(pause)
            pause = min(pause * 2, _core.LONGEST_PAUSE)

    async def pieces(self, path: str) -> AsyncIterator[bytes]:
        """A file, piece by piece. One that breaks off raises httpx's error: begin it again."""
        async with self._client.stream("GET", path) as answer:
            await self._refuse_if_wrong(answer)
            async for piece in answer.aiter_bytes():
                yield piece

    @staticmethod
    async def _refuse_if_wrong(answer: httpx.Response) -> None:
        if answer.status_code >= 400:
            body = await answer.aread()
            raise _core.refusal(_core.Answer(answer.status_code, answer.headers, body))

    async def close(self) -> None:
        await self._client.aclose()


class AsyncList(Generic[T]):
    """A list of the API: `await … .page()` is its first page, `async for` walks through all."""

    def __init__(self, http: AsyncHttp, path: str, query: Mapping[str, Any]) -> None:
        self._http, self._path, self._query = http, path, query

    async def page(self, cursor: str | None = None) -> dict[str, Any]:
        """`{"data", "hasMore", "nextCursor"}`, newest first."""
        found: dict[str, Any] = await self._http.get(self._path, {**self._query, "cursor": cursor})
        return found

    async def __aiter__(self) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            page = await self.page(cursor)
            for row in page["data"]:
                yield row
            cursor = page["nextCursor"]
            if not page["hasMore"] or cursor is None:
                return


class AsyncResource:
    """Some routes of the API."""

    def __init__(self, http: AsyncHttp) -> None:
        self._http = http

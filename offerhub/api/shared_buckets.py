"""The same buckets for all processes, in Redis, when there is one.

One script does it all in one step on the server, by the server's clock. While Redis does not
answer, nobody waits for it: it is left alone for a while and the caller counts on its own.
"""

import threading
import time
from typing import Any

import structlog
from django.conf import settings

from offerhub.api.buckets import Verdict, capacity_of

log = structlog.get_logger(__name__)

TIMEOUT = 0.1  # seconds that a request waits for Redis
PAUSE = 2.0  # seconds for which it is left alone after it failed

SCRIPT = """
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or capacity
local at = tonumber(kept[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
local admitted = 0
if tokens >= 1 then
  admitted = 1
  tokens = tokens - 1
end
local left = string.format('%.6f', tokens)
redis.call('HSET', KEYS[1], 'tokens', left, 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(capacity / rate * 1000) + 1000)
return {admitted, left}
"""

_lock = threading.Lock()
_script: Any = None
_script_url = ""
_leave_until = 0.0


def url() -> str:
    """The address of the Redis to use, empty when there is none."""
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        value: str = getattr(settings, name, "") or ""
        if value.startswith(("redis://", "rediss://", "unix://", "redis+socket://")):
            return value.replace("redis+socket://", "unix://", 1)
    return ""


def take(name: str, rate: float) -> Verdict | None:
    """Take a token of the bucket that all processes share; None when Redis can not say."""
    global _leave_until
    if time.monotonic() < _leave_until:
        return None
    from redis.exceptions import RedisError

    try:
        admitted, tokens = _script_at(url())(
            keys=[f"offerhub:rate:{name}"], args=[rate, capacity_of(rate)]
        )
    except (RedisError, OSError) as error:
        _leave_until = time.monotonic() + PAUSE
        log.warning("rate_limit_on_its_own", error=type(error).__name__)
        return None
    return Verdict(bool(admitted), float(tokens), rate)


def _script_at(address: str) -> Any:
    global _script, _script_url
    with _lock:
        if _script is None or _script_url != address:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            client = Redis.from_url(
                address,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
            _script, _script_url = client.register_script(SCRIPT), address
        return _script

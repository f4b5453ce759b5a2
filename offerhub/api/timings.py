"""How many requests were answered, how, and how fast: counted by each process.

With PROMETHEUS_MULTIPROC_DIR the counts of all processes are files in that folder (`manage.py up`
sets it for the web server), and `/metrics` adds them up, those of dead processes too.
"""

from prometheus_client import CollectorRegistry, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# For a process that is alone; with the folder it is not read.
ALONE = Histogram(
    "offerhub_http_request_duration_seconds",
    "Requests by what they were answered, and how long that took.",
    labelnames=["method", "area", "status"],
    buckets=BUCKETS,
    registry=CollectorRegistry(),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def note(method: str | None, path: str, status: int, seconds: float) -> None:
    """Count one request. Anybody can make up paths and methods, and so neither is a label."""
    shown = method if method in _METHODS else "other"
    area = "api" if path.startswith("/api/") else "desk" if path.startswith("/admin/") else "other"
    ALONE.labels(shown, area, f"{status // 100}xx").observe(seconds)

"""How connections to the database are made. What DATABASE_URL says of limits goes before this."""

from typing import Any

OPTIONS = {
    "options": "-c statement_timeout=30s -c lock_timeout=10s"
    " -c idle_in_transaction_session_timeout=60s",
    # A server that vanished without a word is given up: it is not reached within ten seconds, or
    # leaves what was sent, or a probe, unanswered for thirty and sixty. The kernel's own limit is
    # two hours.
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def database(told: dict[str, Any], *, behind_pooler: bool) -> dict[str, Any]:
    """Django's settings of a database, from those that its URL told.

    Statements that a connection sends often are planned once. A pooler that hands connections
    around between transactions does not keep them.
    """
    options = OPTIONS | told.get("OPTIONS", {})
    options |= {
        "server_side_binding": not behind_pooler,
        "prepare_threshold": None if behind_pooler else 3,
    }
    return told | {
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": behind_pooler,
        "OPTIONS": options,
    }

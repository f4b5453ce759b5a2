"""Finding out whether a port is free, before a server says so in its own words."""

import socket


class PortTaken(Exception):
    """Another program has the port."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def any_free(host: str = "127.0.0.1") -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def first_free(wanted: list[int], host: str = "127.0.0.1") -> int:
    """The first of the wanted ports that is free, else any."""
    return next((port for port in wanted if is_free(port, host)), 0) or any_free(host)

"""Become another program that ends when the one that started it ends.

Run as a script, with the standard library only, so that it costs milliseconds:

    python -I -S launch.py PARENT_PID DEATH_SIGNAL USER -- command …

The wish is made here and not between fork and exec of the supervisor, where a process with
threads may run no Python safely. Elsewhere than on Linux nothing is promised: there the pid file
finds what a killed supervisor left (see leftovers.py).
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, user, _, *command = arguments
    if user:
        _become(user)
    # After the change of user: the kernel forgets the wish when the user changes.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the supervisor ended before its child began")
    os.execvp(command[0], command)  # noqa: S606 (that is the purpose)


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(sys.argv[1:])

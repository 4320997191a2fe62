"""A command that runs in our place: it has our terminal, and gets the signals that are sent to us."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_ENDING: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
_PASSED_ON: Final = (*_ENDING, signal.SIGUSR1, signal.SIGUSR2)
_HELD: Final = (*_PASSED_ON, signal.SIGCHLD)
# Those that a key press sends to everybody in the foreground of a terminal, and so to the command too.
_FROM_KEYS: Final = frozenset({signal.SIGINT, signal.SIGQUIT})
_SI_KERNEL: Final = 0x80
# What Python ignores for itself, and the command is to find as any other program does.
_AS_USUAL: Final = (signal.SIGPIPE, signal.SIGXFSZ)
_KILLED: Final = 128


@contextmanager
def signals_held() -> Iterator[Collection[signal.Signals]]:
    """Hold back the signals that `run_child` passes on, for as long as the block; gives the mask from before.

    Those that came too late for the command are forgotten, so that its end alone says how we end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield [one for one in before if isinstance(one, signal.Signals)]
    finally:
        while late := signal.sigpending() & set(_HELD):
            signal.sigwait(late)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_child(
    program: str,
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    mask: Collection[signal.Signals],
) -> int:
    """Run a program to its end within `signals_held`, and give its exit code: 128 + n where signal n ended it.

    Signals that are sent to us are passed on to it. Where a terminal may have sent one to both, it is passed on only
    if somebody sent it to us alone. Raises `Failed` where the program cannot be started.
    """
    early = signal.sigpending() & set(_ENDING)
    if early:
        return _KILLED + signal.sigwait(early)
    shared = _has_terminal()
    try:
        # Without a terminal nobody can press keys, and in a group of its own it gets each signal once: from us.
        child = os.posix_spawn(
            program,
            arguments,
            environment,
            setsigmask=mask,
            setsigdef=_AS_USUAL,
            setpgroup=os.getpgrp() if shared else 0,
        )
    except OSError as error:
        raise Failed(
            f"{printable(program)} cannot be started: {error.strerror}.",
            Exit.NOT_RUN,
            "Look whether it is a program for this machine, and whether you may execute it.",
        ) from None
    while True:
        number, from_keys = _next_signal(shared=shared)
        if number == signal.SIGCHLD:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _KILLED - code
        elif not from_keys:
            with suppress(ProcessLookupError):
                os.kill(child, number)


def _next_signal(*, shared: bool) -> tuple[int, bool]:
    """Wait for a signal; tells with it whether the terminal that we share with the command sent it to both."""
    if hasattr(signal, "sigwaitinfo"):
        found = signal.sigwaitinfo(_HELD)
        return found.si_signo, found.si_signo in _FROM_KEYS and found.si_code == _SI_KERNEL
    number = signal.sigwait(_HELD)  # macOS does not tell who sent it
    return number, number in _FROM_KEYS and shared


def _has_terminal() -> bool:
    """Whether there is a terminal that we and the command belong to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True

"""Signals held back while folders are being exchanged, and delivered afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_HELD = (signal.SIGINT, signal.SIGTERM)


class _Stopped(BaseException):
    """Unwinds the held block before the signal itself is delivered."""


@contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold SIGINT and SIGTERM; the yielded function stops the block if one has arrived.

    A mask would not do: threads of numerical libraries receive the signal in our stead. Handlers
    run in the main thread only, so elsewhere there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    arrived: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    def check() -> None:
        if arrived:
            raise _Stopped

    before: dict[signal.Signals, Any] = {}
    try:
        for number in _HELD:
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                before[number] = signal.signal(number, note)
        yield check
    except _Stopped:
        _restore(before)
        signal.raise_signal(arrived.pop(0))
        raise KeyboardInterrupt from None  # the handler returned; the block did not finish
    finally:
        _restore(before)
        if arrived:
            signal.raise_signal(arrived[0])


def _restore(before: dict[signal.Signals, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)

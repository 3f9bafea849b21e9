"""Waiting for a condition with a deadline."""

import threading
import time

_never = threading.Event()


def wait_until(condition, what: str, seconds: float, interval: float = 0.05):
    """Returns the first true answer of `condition`; fails if there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        _never.wait(interval)


def poll_for(condition, seconds: float, interval: float = 0.02) -> bool:
    """Polls until `condition` holds or `seconds` are over; tells which of the two it was."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        _never.wait(min(interval, max(0.0, deadline - time.monotonic())))
    return bool(condition())

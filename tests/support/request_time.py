"""Timestamps of requests."""

from datetime import datetime, timedelta, timezone


def timestamp(shift_seconds: int = 0) -> str:
    """Now, or now shifted, in the form of the API."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=shift_seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Which hosts the paging tests list, and how they are found."""

from dataclasses import dataclass

from support.api_client import ApiClient

HOSTS = ("alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")


@dataclass(frozen=True)
class ManyServers:
    """An API client, and the UUID of each host by its name."""

    api: ApiClient
    uuids: dict

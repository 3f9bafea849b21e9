"""The callers that the SDK tests speak as."""

from dataclasses import dataclass

import pytest

from sdk import node_clients, python_clients
from support.access_key import AccessKey

READ_ONLY = "AliyunYundunSASReadOnlyAccess"
ALL_CLIENTS = [*python_clients.CLIENTS, *node_clients.CLIENTS]

_DENY_IMAGES = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "yundun-sas:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "yundun-sas:DescribeImageInfoList", "Resource": "*"},
    ],
}


@dataclass(frozen=True)
class Callers:
    """Keys of users with different rights."""

    reader: AccessKey
    nobody: AccessKey
    denied: AccessKey
    disabled: AccessKey
    unknown: AccessKey
    session: AccessKey
    other_session: AccessKey
    expired_session: AccessKey
    narrowed_session: AccessKey
    user_ids: dict


@pytest.fixture(scope="session")
def callers(running_fleet) -> Callers:
    """Makes all users while the server runs."""
    manage = running_fleet.installation
    reader = manage.user("reader", system_policies=[READ_ONLY])
    manage.policy("deny-images", _DENY_IMAGES)
    disabled = manage.key_of("reader")
    manage.do("key", "disable", disabled.id)
    only_servers = {
        "Version": "1",
        "Statement": {
            "Effect": "Allow",
            "Action": "yundun-sas:DescribeCloudCenterInstances",
            "Resource": "*",
        },
    }
    return Callers(
        reader=reader,
        nobody=manage.user("nobody"),
        denied=manage.user("denied", policies=["deny-images"]),
        disabled=disabled,
        unknown=AccessKey("LTAI5tNobodyHasThisKey00", "0" * 30),
        session=manage.session("reader", 3600),
        other_session=manage.session("reader", 3600),
        expired_session=manage.session("reader", 1),
        narrowed_session=manage.session("reader", 3600, only_servers),
        user_ids={name: manage.user_id(name) for name in ("nobody", "denied")},
    )


@pytest.fixture(params=ALL_CLIENTS, ids=lambda client: client.name)
def client(request):
    """Each official client in turn."""
    return request.param

"""A request that an official client signed is worth one call, as it left the client."""

from dataclasses import replace

import pytest

from sdk.recorder import record
from support.raw_http import send

ACTION = "DescribeImageInfoList"


@pytest.fixture
def recorded(client, running_fleet, callers):
    """What the client sends for a call that is allowed."""
    return record(client, callers.reader, ACTION, {"Uuids": running_fleet.first})


def _replaced(request, old: str, new: str):
    """The request with a text replaced wherever it carries parameters."""
    changed = replace(
        request,
        target=request.target.replace(old, new),
        body=request.body.replace(old.encode(), new.encode()),
    )
    assert changed != request, f"{old} is not in the request"
    return changed


def test_a_request_sent_again_is_a_replay(recorded, running_fleet):
    assert send(running_fleet.address, recorded).status == 200
    again = send(running_fleet.address, recorded)
    assert (again.status, again.code) == (400, "SignatureNonceUsed")
    assert again.json()["Message"] == "Specified signature nonce was used already."


def test_a_changed_parameter_does_not_match(recorded, running_fleet):
    uuid = running_fleet.first
    other = uuid[:-1] + ("0" if uuid[-1] != "0" else "1")
    answer = send(running_fleet.address, _replaced(recorded, uuid, other))
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")


def test_an_added_parameter_does_not_match(recorded, running_fleet):
    joiner = "&" if "?" in recorded.target else "/?"
    target = f"{recorded.target.rstrip('/')}{joiner}Lang=en"
    answer = send(running_fleet.address, replace(recorded, target=target))
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")


def test_another_method_does_not_match(recorded, running_fleet):
    other = "GET" if recorded.method == "POST" else "POST"
    answer = send(running_fleet.address, replace(recorded, method=other))
    assert (answer.status, answer.code) == (400, "SignatureDoesNotMatch")


def test_a_refused_forgery_does_not_burn_the_nonce(recorded, running_fleet):
    uuid = running_fleet.first
    other = uuid[:-1] + ("0" if uuid[-1] != "0" else "1")
    send(running_fleet.address, _replaced(recorded, uuid, other))
    assert send(running_fleet.address, recorded).status == 200

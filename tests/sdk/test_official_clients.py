"""Every official client gets the same answers and the documented errors."""

import uuid

import pytest

from sdk.expectations import check, refusal
from sdk.refusal import Refused
from support.polling import wait_until

ACTION = "DescribeImageInfoList"


@pytest.fixture
def address(running_fleet):
    return running_fleet.address


@pytest.fixture
def uuids(running_fleet):
    return {"Uuids": running_fleet.uuids}


def infos(answer: dict) -> list:
    return answer["ImageInfos"]


def test_the_answer_is_the_same_through_every_client(
    client, running_fleet, callers, address, uuids
):
    expected = running_fleet.api.call(ACTION, **uuids)
    answer = client.call(address, callers.reader, ACTION, uuids)
    assert infos(answer) == infos(expected)
    assert len(infos(answer)) == 5
    assert answer["RequestId"] != expected["RequestId"]


def test_servers_can_be_listed(client, running_fleet, callers, address):
    answer = client.call(
        address, callers.reader, "DescribeCloudCenterInstances", {"CurrentPage": 1, "PageSize": 20}
    )
    listed = {instance["Uuid"] for instance in answer["Instances"]}
    assert listed == {running_fleet.first, running_fleet.second}


def test_a_wrong_secret_does_not_match(client, callers, address, uuids):
    refused = refusal(client, address, callers.reader.with_secret("wrong"), parameters=uuids)
    assert (refused.code, refused.status) == (client.wrong_secret_code, 400)


def test_an_unknown_key_is_not_found(client, callers, address, uuids):
    refused = refusal(client, address, callers.unknown, parameters=uuids)
    check(refused, "InvalidAccessKeyId.NotFound")


def test_a_disabled_key_is_inactive(client, callers, address, uuids):
    refused = refusal(client, address, callers.disabled, parameters=uuids)
    check(refused, "InvalidAccessKeyId.Inactive")


@pytest.mark.parametrize("caller, denial", [("nobody", "ImplicitDeny"), ("denied", "ExplicitDeny")])
def test_policies_decide_who_may_call(client, callers, address, uuids, caller, denial):
    refused = refusal(client, address, getattr(callers, caller), parameters=uuids)
    check(refused, "NoPermission")
    # aliyun-python-sdk-core does not show the detail to its caller.
    if not client.name.startswith(("core", "sas package")):
        detail = refused.access_denied_detail
        assert detail["NoPermissionType"] == denial
        assert detail["AuthAction"] == "yundun-sas:DescribeImageInfoList"
        assert detail["AuthPrincipalType"] == "SubUser"
        assert detail["AuthPrincipalDisplayName"] == callers.user_ids[caller]
        assert detail["PolicyType"] == "AccountLevelIdentityBasedPolicy"


def test_a_denied_action_leaves_the_others_allowed(client, callers, address):
    answer = client.call(address, callers.denied, "DescribeCloudCenterInstances", {})
    assert len(answer["Instances"]) == 2


@pytest.mark.parametrize("shift", [-16 * 60, 16 * 60], ids=["16 minutes late", "16 minutes early"])
def test_a_clock_that_is_far_off_is_expired(client, callers, address, uuids, shift):
    refused = refusal(client, address, callers.reader, parameters=uuids, shift=shift)
    check(refused, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("shift", [-14 * 60, 14 * 60], ids=["14 minutes late", "14 minutes early"])
def test_a_clock_that_is_a_little_off_is_accepted(client, callers, address, uuids, shift):
    assert infos(client.call(address, callers.reader, ACTION, uuids, shift=shift))


def test_uuids_are_mandatory(client, callers, address):
    check(refusal(client, address, callers.reader), "MissingUuids")


def test_an_unknown_action_is_not_found(client, callers, address):
    refused = refusal(client, address, callers.reader, "DescribeWhatNobodyKnows")
    check(refused, "InvalidAction.NotFound")


def test_an_unknown_version_is_refused(client, callers, address, uuids):
    refused = refusal(client, address, callers.reader, parameters=uuids, version="2016-01-01")
    check(refused, "InvalidVersion")


def test_a_thousand_uuids_are_answered(client, running_fleet, callers, address):
    many = [running_fleet.first, running_fleet.second] + [str(uuid.uuid4()) for _ in range(998)]
    answer = client.call(address, callers.reader, ACTION, {"Uuids": ",".join(many)})
    assert len(infos(answer)) == 5


def test_more_than_a_thousand_uuids_are_refused(client, callers, address):
    many = ",".join(str(uuid.uuid4()) for _ in range(1001))
    refused = refusal(client, address, callers.reader, parameters={"Uuids": many})
    check(refused, "InvalidUuids")


def test_a_uuid_given_twice_is_answered_once(client, running_fleet, callers, address):
    twice = f"{running_fleet.first},{running_fleet.first}"
    once = client.call(address, callers.reader, ACTION, {"Uuids": running_fleet.first})
    assert infos(client.call(address, callers.reader, ACTION, {"Uuids": twice})) == infos(once)


def test_an_unknown_uuid_has_no_images(client, callers, address):
    answer = client.call(address, callers.reader, ACTION, {"Uuids": str(uuid.uuid4())})
    assert infos(answer) == []


def test_a_session_has_the_rights_of_its_user(client, callers, address, uuids):
    assert len(infos(client.call(address, callers.session, ACTION, uuids))) == 5


def test_the_policy_of_a_session_narrows_its_rights(client, callers, address, uuids):
    refused = refusal(client, address, callers.narrowed_session, parameters=uuids)
    check(refused, "NoPermission")


def test_an_invented_token_is_malformed(client, callers, address, uuids):
    key = callers.session.with_token("this-token-was-never-issued")
    check(refusal(client, address, key, parameters=uuids), "InvalidSecurityToken.Malformed")


def test_the_token_of_another_session_does_not_fit(client, callers, address, uuids):
    key = callers.session.with_token(callers.other_session.security_token)
    refused = refusal(client, address, key, parameters=uuids)
    check(refused, "InvalidSecurityToken.MismatchWithAccessKey")


def test_a_temporary_key_without_its_token_is_refused(client, callers, address, uuids):
    refused = refusal(client, address, callers.session.with_token(None), parameters=uuids)
    check(refused, "MissingSecurityToken")


def test_an_expired_token_is_refused(client, running_fleet, callers, address, uuids):
    def refused():
        try:
            client.call(address, callers.expired_session, ACTION, uuids)
        except Refused as error:
            return error
        return None

    error = wait_until(refused, "the session of one second is over", 15)
    check(error, "InvalidSecurityToken.Expired")

"""What a refused call must look like to an official client."""

import re

import pytest

from sdk.refusal import Refused

UPPER_UUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")

MESSAGES = {
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "MissingUuids": (400, "Uuids is mandatory for this action."),
    "InvalidUuids": (400, "Specified parameter Uuids is not valid"),
    "InvalidAction.NotFound": (
        404,
        "Specified api is not found, please check your url and method.",
    ),
    "InvalidVersion": (400, "Specified parameter Version is not valid."),
    "NoPermission": (403, "caller has no permission"),
    "InvalidSecurityToken.Expired": (400, ""),
    "InvalidSecurityToken.Malformed": (400, ""),
    "InvalidSecurityToken.MismatchWithAccessKey": (400, ""),
    "MissingSecurityToken": (400, ""),
}


def refusal(client, address, key, action="DescribeImageInfoList", parameters=None, **options):
    """Makes a call that must be refused and returns the client's error."""
    with pytest.raises(Refused) as caught:
        client.call(address, key, action, parameters or {}, **options)
    return caught.value


def check(refused: Refused, code: str):
    """Checks code, status, message and request id."""
    status, message = MESSAGES[code]
    assert (refused.code, refused.status) == (code, status), str(refused)
    assert message in refused.message
    assert UPPER_UUID.fullmatch(refused.request_id or ""), refused.request_id

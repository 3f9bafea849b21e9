"""What no official client sends: each malformed or forged request has its documented error."""

import uuid
from dataclasses import replace

import pytest

from sdk.expectations import UPPER_UUID
from support import signature_v1, signature_v3
from support.raw_http import RawRequest, send

ACTION = "DescribeImageInfoList"


@pytest.fixture
def address(running_fleet):
    return running_fleet.address


@pytest.fixture
def v1(running_fleet, callers):
    """Signs a V1 request of the reader."""

    def sign(key=callers.reader, action=ACTION, parameters=None, **options):
        given = {"Uuids": running_fleet.first} if parameters is None else parameters
        return signature_v1.sign(key, action, given, **options)

    return sign


@pytest.fixture
def v3(running_fleet, callers):
    """Signs a V3 request of the reader."""

    def sign(key=callers.reader, action=ACTION, parameters=None, **options):
        given = {"Uuids": running_fleet.first} if parameters is None else parameters
        return signature_v3.sign(key, action, given, host=running_fleet.address, **options)

    return sign


@pytest.fixture
def refused(address):
    """Sends a request that must be refused with a status and a code; returns the error."""

    def check(request: RawRequest, status: int, code: str) -> dict:
        answer = send(address, request)
        assert (answer.status, answer.code) == (status, code), answer.body[:2000]
        return answer.json()

    return check


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_v1_request_may_be_get_or_post(v1, address, method):
    assert send(address, v1(method=method)).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_v3_request_may_be_get_or_post(v3, address, method):
    assert send(address, v3(method=method)).status == 200


def test_parameters_may_be_in_a_form(v1, v3, address):
    assert send(address, v1(in_body=True)).status == 200
    assert send(address, v3(in_body=True)).status == 200


def test_the_v1_mismatch_ends_with_the_string_to_sign(v1, callers, refused):
    request = v1(callers.reader.with_secret("wrong"))
    error = refused(request, 400, "SignatureDoesNotMatch")
    text = signature_v1.string_to_sign(request.method, signature_v1.pairs_of(request))
    assert error["Message"] == (
        f"Specified signature is not matched with our calculation. server string to sign is:{text}"
    )


def test_the_v3_mismatch_shows_both_strings(v3, callers, refused):
    request = v3(callers.reader.with_secret("wrong"))
    error = refused(request, 400, "SignatureDoesNotMatch")
    names = sorted(name for name, _ in request.headers if name != "Authorization")
    canonical = signature_v3.canonical_request(
        request, names, signature_v3.sha256_hex(request.body)
    )
    assert error["Message"] == (
        "Specified signature does not match our calculation. "
        f"server StringToSign is [{signature_v3.string_to_sign(canonical)}] "
        f"server CanonicalRequest is [{canonical}]"
    )


def test_an_error_has_the_documented_fields(v1, address):
    answer = send(address, v1(action="DescribeWhatNobodyKnows"))
    error = answer.json()
    assert set(error) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert all(isinstance(value, str) for value in error.values())
    assert UPPER_UUID.fullmatch(error["RequestId"])
    assert answer.headers["x-acs-request-id"] == error["RequestId"]
    assert error["HostId"] == address
    assert error["Recommend"] == (
        "https://api.aliyun.com/troubleshoot?q=InvalidAction.NotFound&product=Sas"
        f"&requestId={error['RequestId']}"
    )


def test_a_denial_says_what_was_denied_to_whom(v3, callers, refused):
    detail = refused(v3(callers.nobody), 403, "NoPermission")["AccessDeniedDetail"]
    owner, diagnostic = detail.pop("AuthPrincipalOwnerId"), detail.pop("EncodedDiagnosticMessage")
    assert detail == {
        "PolicyType": "AccountLevelIdentityBasedPolicy",
        "AuthPrincipalType": "SubUser",
        "AuthPrincipalDisplayName": callers.user_ids["nobody"],
        "NoPermissionType": "ImplicitDeny",
        "AuthAction": "yundun-sas:DescribeImageInfoList",
    }
    assert owner.isdigit()
    assert isinstance(diagnostic, str)


def test_a_success_carries_the_request_id_in_body_and_header(v3, address):
    answer = send(address, v3())
    assert answer.headers["x-acs-request-id"] == answer.json()["RequestId"]
    assert UPPER_UUID.fullmatch(answer.json()["RequestId"])
    assert "Code" not in answer.json()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(v3, refused, method):
    refused(v3(method=method), 400, "UnsupportedHTTPMethod")


@pytest.mark.parametrize(
    "name",
    [
        "Action",
        "Version",
        "AccessKeyId",
        "SignatureMethod",
        "SignatureVersion",
        "SignatureNonce",
        "Timestamp",
    ],
)
def test_a_missing_common_parameter_of_v1_is_named(v1, refused, name):
    error = refused(v1(**{name: None}), 400, f"Missing{name}")
    assert error["Message"] == f"{name} is mandatory for this action."


def test_a_v1_request_without_a_signature_is_refused(v1, refused):
    request = v1()
    target = "&".join(p for p in request.target.split("&") if not p.startswith("Signature="))
    refused(replace(request, target=target), 400, "MissingSignature")


def test_a_v3_request_without_authorization_is_incomplete(v3, refused):
    refused(v3().without_header("Authorization"), 400, "IncompleteSignature")


@pytest.mark.parametrize(
    "value",
    ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=x", "ACS3-HMAC-SHA256 nonsense,,=,"],
)
def test_an_authorization_that_cannot_be_read_is_incomplete(v3, refused, value):
    refused(v3().with_header("Authorization", value), 400, "IncompleteSignature")


@pytest.mark.parametrize(
    "header",
    [
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    ],
)
def test_headers_that_the_server_acts_on_must_be_signed(v3, refused, header):
    refused(v3(unsigned=(header,)), 400, "SignatureDoesNotMatch")


def test_a_security_token_must_be_signed(v3, callers, refused):
    request = v3(callers.session, unsigned=("x-acs-security-token",))
    refused(request, 400, "SignatureDoesNotMatch")


def test_the_body_must_have_the_digest_that_was_signed(v3, refused):
    request = v3(in_body=True)
    refused(replace(request, body=request.body + b"&Lang=en"), 400, "SignatureDoesNotMatch")


def test_the_digest_header_must_be_that_of_the_body(v3, refused):
    request = v3(x_acs_content_sha256=signature_v3.sha256_hex(b"another body"))
    refused(request, 400, "SignatureDoesNotMatch")


def test_the_order_of_the_authorization_fields_does_not_matter(v3, address):
    request = v3()
    scheme, fields = request.header("Authorization").split(" ", 1)
    credential, headers, signature = fields.split(",")
    value = f"{scheme} {credential}, {signature}, {headers}"
    assert send(address, request.with_header("Authorization", value)).status == 200


def test_the_v1_action_header_has_no_say(v1, refused):
    # The signature does not cover it: with the header in charge, one call could become another.
    request = v1(action="DescribeWhatNobodyKnows").with_header("x-acs-action", ACTION)
    refused(request, 404, "InvalidAction.NotFound")


@pytest.mark.parametrize(
    "shift, code",
    [
        (-901, "InvalidTimeStamp.Expired"),
        (905, "InvalidTimeStamp.Expired"),
        (-(10**8), "InvalidTimeStamp.Expired"),
        (10**8, "InvalidTimeStamp.Expired"),
    ],
)
def test_the_window_of_the_timestamp_is_fifteen_minutes(v1, v3, refused, shift, code):
    refused(v1(shift_seconds=shift), 400, code)
    refused(v3(shift_seconds=shift), 400, code)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-24", "2026-11-24 02:30:00", "1795487400", "2026-13-01T00:00:00Z"]
)
def test_a_timestamp_in_another_form_is_refused(v1, v3, refused, text):
    refused(v1(Timestamp=text), 400, "InvalidTimeStamp.Format")
    refused(v3(x_acs_date=text), 400, "InvalidTimeStamp.Format")


def test_unknown_signature_methods_are_refused(v1, refused):
    refused(v1(SignatureMethod="HMAC-MD5"), 400, "InvalidSignatureMethod")
    refused(v1(SignatureVersion="2.0"), 400, "InvalidSignatureVersion")


def test_bearer_tokens_are_refused_cleanly(address):
    headers = (
        ("x-acs-action", ACTION),
        ("x-acs-version", "2018-12-03"),
        ("x-acs-bearer-token", "token"),
    )
    answer = send(address, RawRequest("POST", "/?SignatureType=BEARERTOKEN", headers))
    assert (answer.status, answer.code) == (400, "InvalidSignatureMethod")


def test_a_parameter_sent_twice_is_refused(v1, refused):
    request = v1()
    refused(replace(request, target=request.target + "&Uuids=x"), 400, "InvalidParameter.Duplicate")


def test_a_parameter_in_query_and_form_is_refused(v3, refused):
    request = v3(in_body=True)
    refused(replace(request, target="/?Uuids=x"), 400, "InvalidParameter.Duplicate")


@pytest.mark.parametrize("text", ["%FF%FE", "%C3%28", "%GG", "%"])
def test_bad_escapes_are_refused(v1, address, text):
    request = v1()
    answer = send(address, replace(request, target=f"{request.target}&Other={text}"))
    assert answer.status == 400
    assert answer.code.startswith("InvalidParameter")


@pytest.mark.parametrize("text", ["", "not-a-uuid!", "a b", "../../etc/passwd", "x" * 129])
def test_uuids_that_cannot_be_uuids_are_refused(v3, address, text):
    answer = send(address, v3(parameters={"Uuids": text}))
    assert answer.status == 400
    assert answer.code in ("InvalidUuids", "MissingUuids")


def test_unknown_parameters_are_ignored(v3, running_fleet, address):
    parameters = {"Uuids": running_fleet.first, "NobodyKnows": "this", "Blank": ""}
    assert send(address, v3(parameters=parameters)).status == 200


def test_a_nonce_belongs_to_one_key(v3, callers, address):
    nonce = uuid.uuid4().hex
    assert send(address, v3(x_acs_signature_nonce=nonce)).status == 200
    assert send(address, v3(callers.session, x_acs_signature_nonce=nonce)).status == 200
    again = send(address, v3(x_acs_signature_nonce=nonce))
    assert again.code == "SignatureNonceUsed"


def test_a_nonce_is_shared_by_both_signatures(v1, v3, callers, address):
    nonce = uuid.uuid4().hex
    assert send(address, v1(SignatureNonce=nonce)).status == 200
    assert send(address, v3(x_acs_signature_nonce=nonce)).code == "SignatureNonceUsed"


@pytest.mark.parametrize(
    "request_options, code",
    [
        # Each request is wrong in several ways; the first check in the documented order answers.
        ({"key": "unknown", "shift_seconds": -3600}, "InvalidTimeStamp.Expired"),
        ({"key": "unknown", "action": "DescribeWhatNobodyKnows"}, "InvalidAccessKeyId.NotFound"),
        ({"key": "forged", "action": "DescribeWhatNobodyKnows"}, "SignatureDoesNotMatch"),
        ({"key": "nobody", "action": "DescribeWhatNobodyKnows"}, "InvalidAction.NotFound"),
        ({"key": "nobody", "parameters": {}}, "NoPermission"),
    ],
)
def test_checks_come_in_the_documented_order(v3, callers, address, request_options, code):
    options = dict(request_options)
    name = options.pop("key")
    key = callers.reader.with_secret("x") if name == "forged" else getattr(callers, name)
    assert send(address, v3(key, **options)).code == code

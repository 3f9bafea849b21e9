"""Answers in JSON and XML."""

import json
import warnings
import xml.etree.ElementTree as ElementTree

import pytest

from sdk.python_clients import Core, core_client
from sdk.xml_answer import flatten_json, flatten_xml
from support import signature_v1
from support.raw_http import send

ACTION = "DescribeImageInfoList"


def _raw(fleet, key, parameters=None, **common):
    given = {"Uuids": fleet.uuids} if parameters is None else parameters
    return send(fleet.address, signature_v1.sign(key, ACTION, given, **common))


@pytest.mark.parametrize("spelling", ["XML", "xml", "Xml"])
def test_an_answer_in_xml_says_what_the_json_says(running_fleet, callers, spelling):
    as_json = _raw(running_fleet, callers.reader).json()
    answer = _raw(running_fleet, callers.reader, Format=spelling)
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "DescribeImageInfoListResponse"
    as_json.pop("RequestId")
    leaves = [leaf for leaf in flatten_xml(root) if leaf[0] != ("RequestId",)]
    assert sorted(leaves) == sorted(flatten_json(as_json))


def test_an_error_in_xml_has_the_documented_elements(running_fleet, callers):
    answer = _raw(running_fleet, callers.reader, {}, Format="XML")
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "Error"
    assert [child.tag for child in root] == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert root.findtext("Code") == "MissingUuids"
    assert root.findtext("Message") == "Uuids is mandatory for this action."


def test_v1_answers_in_xml_unless_asked_for_another_format(running_fleet, callers):
    answer = _raw(running_fleet, callers.reader, Format=None)
    assert ElementTree.fromstring(answer.body).tag == "DescribeImageInfoListResponse"


@pytest.mark.parametrize("spelling", ["JSON", "json", "None"])
def test_json_may_be_asked_for_in_several_spellings(running_fleet, callers, spelling):
    answer = _raw(running_fleet, callers.reader, Format=spelling)
    assert answer.headers["content-type"].startswith("application/json")
    assert len(answer.json()["ImageInfos"]) == 5


def test_an_unknown_format_is_refused(running_fleet, callers):
    answer = _raw(running_fleet, callers.reader, Format="YAML")
    assert (answer.status, answer.code) == (400, "InvalidFormat")


@pytest.mark.parametrize(
    "method, in_body",
    [("GET", False), ("POST", False), ("POST", True)],
    ids=["GET", "POST", "POST form"],
)
@pytest.mark.parametrize("accept", [None, "JSON", "XML"])
def test_the_core_client_returns_the_bytes_of_the_format(
    running_fleet, callers, method, in_body, accept
):
    request = Core(method, in_body).request(
        running_fleet.address, ACTION, {"Uuids": running_fleet.first}
    )
    if accept:
        request.set_accept_format(accept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        body = core_client(callers.reader).do_action(request)
    if accept == "XML":
        assert ElementTree.fromstring(body).tag == "DescribeImageInfoListResponse"
    else:
        assert len(json.loads(body)["ImageInfos"]) == 3

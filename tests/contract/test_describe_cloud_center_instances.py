"""DescribeCloudCenterInstances: names, types, values, paging and filters."""

import json
import os
import platform
from pathlib import Path

import pytest
from alibabacloud_sas20181203 import models

from contract.answer_shape import declared_answer, differences, nothings
from contract.many_servers import HOSTS

ACTION = "DescribeCloudCenterInstances"

ALWAYS_KNOWN = {
    "Uuid",
    "InstanceId",
    "InstanceName",
    "Os",
    "OsName",
    "Kernel",
    "Cores",
    "Mem",
    "ClientStatus",
    "RiskCount",
}


@pytest.fixture(scope="module")
def answer(running_fleet):
    return running_fleet.api.call(ACTION)


@pytest.fixture(scope="module")
def instances(running_fleet, answer):
    """The items by the role of their server in the fleet."""
    items = {item["Uuid"]: item for item in answer["Instances"]}
    return {"first": items[running_fleet.first], "second": items[running_fleet.second]}


def _names(answer: dict) -> list:
    return [instance["InstanceName"] for instance in answer["Instances"]]


def test_the_answer_has_only_names_and_types_of_the_contract(answer):
    assert differences(answer, declared_answer(ACTION)) == []


def test_absent_facts_are_left_out_and_not_blank(answer):
    assert nothings(answer["Instances"]) == []


def test_the_model_of_the_sdk_loses_nothing(answer):
    body = models.DescribeCloudCenterInstancesResponseBody().from_map(answer)
    assert body.to_map() == answer


def test_the_call_says_that_it_succeeded(answer):
    assert answer["Success"] is True


def test_nothing_that_is_known_is_missing(instances):
    for role, item in instances.items():
        assert ALWAYS_KNOWN - set(item) == set(), role
    # All images of the first server could be judged.
    assert {"AlarmStatus", "VulStatus", "RiskStatus"} - set(instances["first"]) == set()


def test_a_server_with_an_image_that_was_not_analysed_is_not_called_clean(instances):
    judged = {instances["second"].get(name) for name in ("AlarmStatus", "VulStatus", "RiskStatus")}
    assert "NO" not in judged


def test_values_equal_what_the_host_says_of_itself(instances):
    memory = Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0]
    item = instances["first"]
    told = {name: item[name] for name in ("InstanceName", "Os", "Kernel", "Cores", "Mem")}
    assert told == {
        "InstanceName": "first-host",
        "Os": "linux",
        "Kernel": platform.release(),
        "Cores": os.cpu_count(),
        "Mem": int(memory) // 1024,
    }


def test_a_server_that_has_just_reported_is_online(instances):
    assert {item["ClientStatus"] for item in instances.values()} == {"online"}


def test_a_server_with_a_vulnerable_image_is_at_risk(instances):
    item = instances["first"]
    assert (item["VulStatus"], item["RiskStatus"]) == ("YES", "YES")
    assert item["VulCount"] > 0


def test_the_risk_counters_are_json_in_a_string(instances):
    counters = json.loads(instances["first"]["RiskCount"])
    assert counters.pop("uuid") == instances["first"]["Uuid"]
    assert all(isinstance(count, int) for count in counters.values())
    assert counters["vul"] == instances["first"]["VulCount"]


def test_servers_with_clean_images_are_not_at_risk(many_servers):
    items = many_servers.api.call(ACTION, PageSize=100)["Instances"]
    assert {(item["VulStatus"], item["RiskStatus"]) for item in items} == {("NO", "NO")}


def test_pages_hold_every_server_once(many_servers):
    pages = [many_servers.api.call(ACTION, CurrentPage=n, PageSize=3) for n in (1, 2, 3, 4)]
    assert [len(page["Instances"]) for page in pages] == [3, 3, 1, 0]
    listed = [name for page in pages for name in _names(page)]
    assert sorted(listed) == sorted(HOSTS)


def test_a_page_says_where_it_is(many_servers):
    pages = [many_servers.api.call(ACTION, CurrentPage=n, PageSize=3)["PageInfo"] for n in (1, 3)]
    told = [(p["CurrentPage"], p["PageSize"], p["Count"], p["TotalCount"]) for p in pages]
    assert told == [(1, 3, 3, 7), (3, 3, 1, 7)]


def test_the_first_page_of_twenty_is_the_default(many_servers):
    page = many_servers.api.call(ACTION)["PageInfo"]
    assert (page["CurrentPage"], page["PageSize"]) == (1, 20)


def test_tokens_lead_through_every_server_once(many_servers):
    listed, token, calls = [], "", 0
    while calls == 0 or token:
        page = many_servers.api.call(ACTION, UseNextToken=True, NextToken=token, PageSize=3)
        assert "TotalCount" not in page["PageInfo"]
        listed += _names(page)
        token = page["PageInfo"].get("NextToken", "")
        calls += 1
        assert calls <= 4, "the tokens do not come to an end"
    assert sorted(listed) == sorted(HOSTS)


def test_an_invented_token_is_refused(many_servers):
    answer = many_servers.api.try_call(ACTION, UseNextToken=True, NextToken="invented")
    assert (answer.status, answer.code) == (400, "InvalidNextToken")


@pytest.mark.parametrize("flag", ["True", "true"])
def test_booleans_are_understood_as_every_client_writes_them(many_servers, flag):
    page = many_servers.api.call(ACTION, UseNextToken=flag, PageSize=3)
    assert page["PageInfo"]["NextToken"]


@pytest.mark.parametrize(
    "name, value",
    [
        ("CurrentPage", "0"),
        ("CurrentPage", "x"),
        ("PageSize", "0"),
        ("PageSize", "-1"),
        ("PageSize", "99999999999999999999"),
        ("UseNextToken", "perhaps"),
        ("Criteria", "not json"),
        ("Criteria", '{"name":1}'),
        ("LogicalExp", "XOR"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(many_servers, name, value):
    answer = many_servers.api.try_call(ACTION, **{name: value})
    assert (answer.status, answer.code) == (400, f"Invalid{name}")


def _criteria(*conditions) -> str:
    return json.dumps([{"name": name, "value": value} for name, value in conditions])


def test_a_criterion_selects_by_name(many_servers):
    answer = many_servers.api.call(ACTION, Criteria=_criteria(("instanceName", "delta")))
    assert _names(answer) == ["delta"]
    assert answer["PageInfo"]["TotalCount"] == 1


@pytest.mark.parametrize("criterion", ["uuid", "instanceId"])
def test_a_criterion_selects_by_uuid(many_servers, criterion):
    criteria = _criteria((criterion, many_servers.uuids["golf"]))
    assert _names(many_servers.api.call(ACTION, Criteria=criteria)) == ["golf"]


@pytest.mark.parametrize("logic", [{}, {"LogicalExp": "OR"}], ids=["default", "OR"])
def test_one_of_several_criteria_is_enough(many_servers, logic):
    criteria = _criteria(("instanceName", "alfa"), ("instanceName", "echo"))
    answer = many_servers.api.call(ACTION, Criteria=criteria, **logic)
    assert sorted(_names(answer)) == ["alfa", "echo"]


def test_all_criteria_must_hold_with_and(many_servers):
    uuid = many_servers.uuids["bravo"]
    fits = _criteria(("instanceName", "bravo"), ("uuid", uuid))
    differs = _criteria(("instanceName", "alfa"), ("uuid", uuid))
    call = many_servers.api.call
    assert _names(call(ACTION, Criteria=fits, LogicalExp="AND")) == ["bravo"]
    assert _names(call(ACTION, Criteria=differs, LogicalExp="AND")) == []


def test_a_criterion_that_nothing_fits_gives_an_empty_page(many_servers):
    answer = many_servers.api.call(ACTION, Criteria=_criteria(("instanceName", "nobody")))
    assert (answer["Instances"], answer["PageInfo"]["TotalCount"]) == ([], 0)


@pytest.mark.parametrize(
    "types, count", [("ecs", 7), ("ecs,cloud_product", 7), ("cloud_product", 0)]
)
def test_machine_types_select_servers(many_servers, types, count):
    answer = many_servers.api.call(ACTION, MachineTypes=types)
    assert answer["PageInfo"]["TotalCount"] == count


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_languages_are_answered(many_servers, language):
    assert len(many_servers.api.call(ACTION, Lang=language)["Instances"]) == 7


def test_the_order_is_stable(many_servers):
    first, second = (many_servers.api.call(ACTION)["Instances"] for _ in range(2))
    assert [i["Uuid"] for i in first] == [i["Uuid"] for i in second]

"""DescribeImageInfoList: names, types and values."""

import time

import pytest
from alibabacloud_sas20181203 import models

from contract.answer_shape import declared_answer, differences, nothings
from contract.image_facts import facts_in_layout
from support.fleet import REGISTRY

ACTION = "DescribeImageInfoList"

# What is known of every image that was read from a layout and has a reference.
ALWAYS_KNOWN = {
    "Uuid",
    "InstanceId",
    "ImageId",
    "Digest",
    "ImageUpdate",
    "ImageSize",
    "RepoNamespace",
    "RepoName",
    "Tag",
    "Endpoints",
    "RepoId",
    "RegionId",
    "Status",
}
JUDGED = {"VulCount", "VulStatus", "AlarmCount", "AlarmStatus", "RiskStatus"}


@pytest.fixture(scope="module")
def answer(running_fleet):
    return running_fleet.api.call(ACTION, Uuids=running_fleet.uuids)


@pytest.fixture(scope="module")
def info(running_fleet, answer):
    """Finds the item of a server and a reference."""

    def find(uuid: str, reference: str) -> dict:
        found = [
            item
            for item in answer["ImageInfos"]
            if item["Uuid"] == uuid and _reference(item) == reference
        ]
        assert len(found) == 1, f"{len(found)} items for {reference} on {uuid}"
        return found[0]

    return find


def _reference(item: dict) -> str:
    return f"{item['Endpoints']}/{item['RepoNamespace']}/{item['RepoName']}:{item['Tag']}"


def test_the_answer_has_only_names_and_types_of_the_contract(answer):
    assert differences(answer, declared_answer(ACTION)) == []


def test_absent_facts_are_left_out_and_not_blank(answer):
    assert nothings(answer) == []


def test_every_image_of_both_servers_is_listed(running_fleet, answer):
    listed = sorted((item["Uuid"], _reference(item)) for item in answer["ImageInfos"])
    names = list(running_fleet.images)
    expected = [(running_fleet.first, name) for name in names[:3]]
    expected += [(running_fleet.second, name) for name in (names[0], names[3])]
    assert listed == sorted(expected)


def test_nothing_that_is_known_is_missing(running_fleet, info):
    for name in list(running_fleet.images)[:3]:
        missing = (ALWAYS_KNOWN | JUDGED) - set(info(running_fleet.first, name))
        assert not missing, f"{name} lacks {missing}"


@pytest.mark.parametrize("reference", ["shop/web:1.4", "tools/clean:2.0", "tools/flagged:2.0"])
def test_values_equal_what_the_bytes_of_the_image_say(running_fleet, info, reference):
    name = f"{REGISTRY}/{reference}"
    facts = facts_in_layout(running_fleet.layouts["first"], name)
    item = info(running_fleet.first, name)
    told = (item["Digest"], item["ImageId"], item["ImageSize"], item.get("ImageCreate"))
    assert told == (facts.manifest_hex, facts.config_hex, facts.size_bytes, facts.created_ms)


def test_values_equal_what_the_reference_says(running_fleet, info):
    item = info(running_fleet.first, f"{REGISTRY}/shop/web:1.4")
    told = (item["Endpoints"], item["RepoNamespace"], item["RepoName"], item["Tag"])
    assert told == (REGISTRY, "shop", "web", "1.4")
    assert item["InstanceId"] == running_fleet.first


def test_a_plain_registry_has_no_invented_facts(running_fleet, info):
    item = info(running_fleet.first, f"{REGISTRY}/shop/web:1.4")
    assert {"RegistryType", "RepoType", "TagImmutable", "SourceBizTag"} & set(item) == set()


def test_an_image_was_last_seen_during_this_run(running_fleet, info):
    updated = info(running_fleet.first, f"{REGISTRY}/shop/web:1.4")["ImageUpdate"]
    now = time.time() * 1000
    assert now - 3_600_000 < updated <= now


def test_images_of_one_repository_share_its_id(running_fleet, info):
    name = f"{REGISTRY}/shop/web:1.4"
    first, second = info(running_fleet.first, name), info(running_fleet.second, name)
    assert first["RepoId"] == second["RepoId"]
    other = info(running_fleet.first, f"{REGISTRY}/tools/clean:2.0")
    assert first["RepoId"] != other["RepoId"]


def test_an_image_without_vulnerabilities_is_clean(running_fleet, info):
    item = info(running_fleet.first, f"{REGISTRY}/tools/clean:2.0")
    told = {name: item[name] for name in JUDGED}
    assert told == {
        "VulCount": 0,
        "VulStatus": "NO",
        "AlarmCount": 0,
        "AlarmStatus": "NO",
        "RiskStatus": "NO",
    }
    assert item["Status"] == "NORMAL"


def test_an_image_with_one_vulnerability_counts_one(running_fleet, info):
    item = info(running_fleet.first, f"{REGISTRY}/tools/flagged:2.0")
    told = (item["VulCount"], item["VulStatus"], item["RiskStatus"], item["AlarmStatus"])
    assert told == (1, "YES", "YES", "NO")


def test_the_count_is_that_of_the_different_vulnerabilities_of_a_scan(running_fleet, info):
    name = f"{REGISTRY}/shop/web:1.4"
    layout = f"oci:{running_fleet.layouts['second']}:{name}"
    report = running_fleet.installation.scan(layout).expect(0).json()
    different = {finding["id"] for package in report["packages"] for finding in package["findings"]}
    assert info(running_fleet.second, name)["VulCount"] == len(different) > 0


def test_an_image_that_could_not_be_analysed_is_not_called_clean(running_fleet, info):
    item = info(running_fleet.second, f"{REGISTRY}/broken/database:1")
    assert item["Status"] == "SCAN_FAILED"
    assert JUDGED & set(item) == set()
    assert ALWAYS_KNOWN - set(item) == set()


def test_the_order_is_the_same_whatever_the_order_of_the_uuids(running_fleet, answer):
    swapped = f"{running_fleet.second},{running_fleet.first}"
    assert running_fleet.api.image_infos(*swapped.split(",")) == answer["ImageInfos"]


def test_blanks_around_uuids_do_not_matter(running_fleet, answer):
    padded = f" {running_fleet.first} , {running_fleet.second} "
    assert running_fleet.api.call(ACTION, Uuids=padded)["ImageInfos"] == answer["ImageInfos"]


def test_the_model_of_the_sdk_loses_nothing(answer):
    body = models.DescribeImageInfoListResponseBody().from_map(answer)
    assert body.to_map() == answer

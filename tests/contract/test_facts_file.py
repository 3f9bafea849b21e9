"""The facts kept beside the tests agree with the full description of the API."""

import json

import pytest

from contract.answer_shape import declared_answer
from support.paths import TESTS


def _shape(declared: dict) -> dict:
    shape = {"type": declared["type"]}
    if "fields" in declared:
        shape["fields"] = {name: _shape(field) for name, field in declared["fields"].items()}
    if "items" in declared:
        shape["items"] = _shape(declared["items"])
    return shape


@pytest.mark.parametrize("action", ["DescribeImageInfoList", "DescribeCloudCenterInstances"])
def test_the_facts_kept_here_are_those_of_the_contract(action):
    kept = json.loads((TESTS / "contract" / "fields.json").read_text())["actions"][action]
    assert kept["response"] == _shape(declared_answer(action))

"""Compares an answer with the names and types that the contract declares."""

import json

from support.paths import contract_file

_JSON_TYPES = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}


def declared_answer(action: str) -> dict:
    """The response tree of an action."""
    return json.loads(contract_file().read_text())["actions"][action]["response"]


def differences(value, declared: dict, path: str = "answer") -> list:
    """What an answer has that the contract does not declare, each with its path."""
    kind = declared["type"]
    if kind == "object":
        if not isinstance(value, dict):
            return [f"{path} is {type(value).__name__}, not an object"]
        found = []
        for name, member in value.items():
            if name not in declared.get("fields", {}):
                found.append(f"{path}.{name} is unknown")
            else:
                found += differences(member, declared["fields"][name], f"{path}.{name}")
        return found
    if kind == "array":
        if not isinstance(value, list):
            return [f"{path} is {type(value).__name__}, not a list"]
        members = enumerate(value)
        return [d for n, m in members for d in differences(m, declared["items"], f"{path}[{n}]")]
    # In Python, True is an int.
    if kind == "integer" and isinstance(value, bool) or not isinstance(value, _JSON_TYPES[kind]):
        return [f"{path} is {json.dumps(value)}, not a {kind}"]
    return []


def nothings(value, path: str = "answer") -> list:
    """Paths of values that say nothing: null, and text that is empty. Absent facts are left out."""
    if value is None or value == "":
        return [path]
    if isinstance(value, dict):
        return [p for name, member in value.items() for p in nothings(member, f"{path}.{name}")]
    if isinstance(value, list):
        return [p for n, member in enumerate(value) for p in nothings(member, f"{path}[{n}]")]
    return []

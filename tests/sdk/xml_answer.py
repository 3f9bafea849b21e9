"""Reads an answer in XML into the shape that the same answer has in JSON."""

import xml.etree.ElementTree as ElementTree


def flatten_xml(element: ElementTree.Element) -> list:
    """All leaves in order as (path, text); lists are repeated siblings."""
    if len(element) == 0:
        return [((), element.text or "")]
    leaves = []
    for child in element:
        leaves += [((child.tag, *path), text) for path, text in flatten_xml(child)]
    return leaves


def flatten_json(value) -> list:
    """All leaves as (path, text), each list's members under the name of the list."""
    if isinstance(value, dict):
        leaves = []
        for name, member in value.items():
            members = member if isinstance(member, list) else [member]
            for item in members:
                leaves += [((name, *path), text) for path, text in flatten_json(item)]
        return leaves
    if isinstance(value, bool):
        return [((), "true" if value else "false")]
    return [((), str(value))]

"""Bills of materials against the official schemas, and the formats' own libraries.

CycloneDX publishes its schemas within its Python library, SPDX those of 2.3 and 3.0.1 within its
Java tools. The SPDX libraries check what no JSON schema can: references and cardinalities.
"""

import io
import json
import zipfile
from datetime import datetime

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_python_model import v3_0_1 as spdx3
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from support.paths import SPDX_TOOLS


def cyclonedx_errors(text: str) -> list:
    """What CycloneDX 1.6 has against a document."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return [] if found is None else [str(found)]


def spdx_errors(text: str) -> list:
    """What SPDX 2.3 has against a document."""
    document = json.loads(text)
    errors = _schema_errors(document, "spdx-schema-v2.3.json")
    parsed = JsonLikeDictParser().parse(document)
    messages = validate_full_spdx_document(parsed, "SPDX-2.3")
    return errors + [message.validation_message for message in messages]


def spdx3_errors(text: str) -> list:
    """What SPDX 3.0.1 has against a document."""
    errors = _schema_errors(json.loads(text), "spdx-schema-v3.0.1.json")
    objects = spdx3.SHACLObjectSet()
    # Reading checks types, linking references, and writing how often a property may be there.
    spdx3.JSONLDDeserializer().read(io.BytesIO(text.encode()), objects)
    errors += [f"{missing} is not in the document" for missing in objects.link()]
    spdx3.JSONLDSerializer().write(objects, io.BytesIO())
    return errors


def _schema_errors(document: dict, name: str) -> list:
    if not SPDX_TOOLS.is_file():
        raise FileNotFoundError(f"{SPDX_TOOLS} does not exist: run scripts/install-test-tools.sh")
    with zipfile.ZipFile(SPDX_TOOLS) as jar:
        schema = json.loads(jar.read(f"resources/{name}"))
    kind = jsonschema.validators.validator_for(schema)
    errors = kind(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def is_date(text: str) -> bool:
    """Whether a text is a date of the form that both formats demand."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") is not None

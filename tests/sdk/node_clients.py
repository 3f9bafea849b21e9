"""The official Node.js clients behind the same interface, each call in a process of its own."""

import json
import subprocess
from pathlib import Path

from sdk.refusal import Refused
from support.access_key import AccessKey
from support.paths import NODE_ENV
from support.program import environment

_SCRIPT = Path(__file__).with_name("official_clients.js")


class NodeClient:
    """One way to call through one of the packages."""

    wrong_secret_code = "SignatureDoesNotMatch"

    def __init__(self, name: str, signature: str):
        self.name = name
        self.signature = signature

    def call(self, address, key: AccessKey, action, parameters, *, version="2018-12-03", shift=0):
        if not (NODE_ENV / "node_modules").is_dir():
            raise FileNotFoundError(
                f"{NODE_ENV}/node_modules does not exist: run scripts/install-test-tools.sh"
            )
        call = {
            "client": self.name,
            "address": address,
            "accessKeyId": key.id,
            "accessKeySecret": key.secret,
            "securityToken": key.security_token,
            "action": action,
            "version": version,
            "parameters": parameters,
            "clockShiftSeconds": shift,
        }
        done = subprocess.run(
            ["node", str(_SCRIPT), str(NODE_ENV)],
            input=json.dumps(call),
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
        )
        if not done.stdout:
            raise RuntimeError(f"{self.name} ended with {done.returncode}:\n{done.stderr}")
        result = json.loads(done.stdout)
        if "answer" in result:
            return result["answer"]
        error = result["error"]
        if error["code"] is None:
            raise RuntimeError(f"{self.name}: {error['stack']}")
        raise Refused(
            error["code"],
            error["status"],
            error["message"],
            error["requestId"],
            error["accessDeniedDetail"],
        )


CLIENTS = [
    NodeClient("pop-core GET", "V1"),
    NodeClient("pop-core POST", "V1"),
    NodeClient("openapi-core", "V3"),
    NodeClient("openapi-core form", "V3"),
    NodeClient("openapi-client", "V3"),
]

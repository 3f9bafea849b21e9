"""A small signed client, for suites whose subject is not the signature."""

from support import signature_v3
from support.access_key import AccessKey
from support.raw_http import RawAnswer, send


class ApiClient:
    """Calls actions of one server with one key."""

    def __init__(self, address: str, key: AccessKey):
        self.address = address
        self.key = key

    def try_call(self, action: str, **parameters) -> RawAnswer:
        """Calls an action and returns whatever came."""
        request = signature_v3.sign(self.key, action, parameters, host=self.address)
        return send(self.address, request)

    def call(self, action: str, **parameters) -> dict:
        """Calls an action that must succeed."""
        answer = self.try_call(action, **parameters)
        assert answer.status == 200, f"{action}: status {answer.status}: {answer.body[:2000]!r}"
        return answer.json()

    def server_uuids(self) -> list:
        """The UUIDs of all servers."""
        answer = self.call("DescribeCloudCenterInstances", PageSize=100)
        return [instance["Uuid"] for instance in answer["Instances"]]

    def image_infos(self, *uuids) -> list:
        """The images on the servers named."""
        return self.call("DescribeImageInfoList", Uuids=",".join(uuids))["ImageInfos"]

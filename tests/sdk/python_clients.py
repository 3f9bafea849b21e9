"""The official Python clients behind one small interface."""

import asyncio
import json
from contextlib import contextmanager
from unittest import mock

from alibabacloud_sas20181203 import models
from alibabacloud_sas20181203.client import Client as SasClient
from alibabacloud_tea_openapi import utils_models
from alibabacloud_tea_openapi.utils import Utils
from aliyunsdkcore.acs_exception.exceptions import ServerException as CoreServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdksas.request.v20181203.DescribeCloudCenterInstancesRequest import (
    DescribeCloudCenterInstancesRequest as SasInstancesRequest,
)
from aliyunsdksas.request.v20181203.DescribeImageInfoListRequest import (
    DescribeImageInfoListRequest as SasImageRequest,
)
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from sdk.refusal import Refused
from support.access_key import AccessKey
from support.request_time import timestamp

API_VERSION = "2018-12-03"


@contextmanager
def _shifted(target, name: str, seconds: int):
    """Lets a client believe that it is `seconds` later."""
    if not seconds:
        yield
        return
    with mock.patch.object(target, name, lambda *_: timestamp(seconds)):
        yield


class PythonV3:
    """alibabacloud_sas20181203, synchronous."""

    name = "python V3"
    signature = "V3"
    wrong_secret_code = "SignatureDoesNotMatch"
    algorithm = None

    def call(self, address, key: AccessKey, action, parameters, *, version=API_VERSION, shift=0):
        config = utils_models.Config(
            endpoint=address,
            protocol="http",
            access_key_id=key.id,
            access_key_secret=key.secret,
            security_token=key.security_token,
            signature_algorithm=self.algorithm,
            region_id="cn-hangzhou",
        )
        with _shifted(Utils, "get_timestamp", shift):
            try:
                return self._send(SasClient(config), action, parameters, version)
            except TeaException as refused:
                raise _refused_by_tea(refused) from refused

    def _send(self, client, action, parameters, version):
        if version != API_VERSION or action not in _MODELS:
            answer = client.call_api(
                _params(action, version),
                utils_models.OpenApiRequest(query=dict(parameters)),
                RuntimeOptions(),
            )
            return answer["body"]
        model, method = _MODELS[action]
        request = model().from_map(parameters)
        return getattr(client, method)(request, RuntimeOptions()).body.to_map()


class PythonV3Async(PythonV3):
    """alibabacloud_sas20181203, asynchronous."""

    name = "python V3 async"

    def _send(self, client, action, parameters, version):
        return asyncio.run(self._send_async(client, action, parameters, version))

    async def _send_async(self, client, action, parameters, version):
        if version != API_VERSION or action not in _MODELS:
            answer = await client.call_api_async(
                _params(action, version),
                utils_models.OpenApiRequest(query=dict(parameters)),
                RuntimeOptions(),
            )
            return answer["body"]
        model, method = _MODELS[action]
        request = model().from_map(parameters)
        answer = await getattr(client, f"{method}_async")(request, RuntimeOptions())
        return answer.body.to_map()


class PythonV1(PythonV3):
    """The same package asked to sign with version 1."""

    name = "python V3 package, signature V1"
    signature = "V1"
    algorithm = "v2"


_MODELS = {
    "DescribeImageInfoList": (
        models.DescribeImageInfoListRequest,
        "describe_image_info_list_with_options",
    ),
    "DescribeCloudCenterInstances": (
        models.DescribeCloudCenterInstancesRequest,
        "describe_cloud_center_instances_with_options",
    ),
}


def _params(action: str, version: str):
    return utils_models.Params(
        action=action,
        version=version,
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )


def _refused_by_tea(refused: TeaException) -> Refused:
    data = getattr(refused, "data", None) or {}
    return Refused(
        code=refused.code,
        status=getattr(refused, "status_code", None) or data.get("statusCode"),
        message=refused.message,
        request_id=getattr(refused, "request_id", None) or data.get("RequestId"),
        access_denied_detail=getattr(refused, "accessDeniedDetail", None),
    )


class Core:
    """aliyun-python-sdk-core with a CommonRequest whose parameters are in the query."""

    signature = "V1"
    wrong_secret_code = "SignatureDoesNotMatch"

    def __init__(self, method: str, in_body: bool = False):
        self.method = method
        self.in_body = in_body
        self.name = f"core {method}{' form' if in_body else ''}"

    def call(self, address, key: AccessKey, action, parameters, *, version=API_VERSION, shift=0):
        request = self.request(address, action, parameters, version)
        with _shifted(_parameter_helper(), "get_iso_8061_date", shift):
            try:
                return json.loads(core_client(key).do_action_with_exception(request))
            except CoreServerException as refused:
                raise Refused(
                    code=refused.get_error_code(),
                    status=refused.get_http_status(),
                    message=refused.get_error_msg(),
                    request_id=refused.get_request_id(),
                ) from refused

    def request(self, address, action, parameters, version=API_VERSION):
        request = CommonRequest(domain=address, version=version, action_name=action)
        request.set_method(self.method)
        add = request.add_body_params if self.in_body else request.add_query_param
        for name, value in parameters.items():
            add(name, value)
        return request


class SasPackage(Core):
    """aliyun-python-sdk-sas: one class for each action."""

    # The client compares the server's string to sign with its own and, if they are equal, renames
    # the error; for a CommonRequest it has lost its own by then.
    wrong_secret_code = "InvalidAccessKeySecret"

    def __init__(self):
        super().__init__("POST")
        self.name = "sas package"

    def request(self, address, action, parameters, version=API_VERSION):
        classes = {
            "DescribeImageInfoList": SasImageRequest,
            "DescribeCloudCenterInstances": SasInstancesRequest,
        }
        if version != API_VERSION or action not in classes:
            return super().request(address, action, parameters, version)
        request = classes[action]()
        request.set_endpoint(address)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        return request


def core_client(key: AccessKey) -> AcsClient:
    """A client of aliyun-python-sdk-core for a key."""
    if key.security_token is None:
        credential = AccessKeyCredential(key.id, key.secret)
    else:
        credential = StsTokenCredential(key.id, key.secret, key.security_token)
    return AcsClient(region_id="cn-hangzhou", credential=credential)


def _parameter_helper():
    from aliyunsdkcore.utils import parameter_helper

    return parameter_helper


CLIENTS = [
    PythonV3(),
    PythonV3Async(),
    PythonV1(),
    Core("GET"),
    Core("POST"),
    Core("POST", in_body=True),
    SasPackage(),
]

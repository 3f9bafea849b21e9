//! Code to paste: the same call by the official SDK and by `tallyman call`.

use std::path::Path;

use crate::commands::setup::Access;

/// Says how to ask again.
pub(super) fn text(access: &Access, data: &Path) -> String {
    let data = data.display();
    let uuids = access.server_uuids.join(",");
    let endpoint = &access.endpoint;
    format!(
        r#"
Ask again from the command line:

  tallyman call DescribeImageInfoList --data {data} --Uuids {uuids}

Ask with the official Python SDK (pip install alibabacloud-sas20181203):

  import json
  from alibabacloud_sas20181203.client import Client
  from alibabacloud_sas20181203 import models
  from alibabacloud_tea_openapi.models import Config

  access = json.load(open("{data}/access.json"))
  client = Client(Config(access_key_id=access["access_key_id"],
                         access_key_secret=access["access_key_secret"],
                         endpoint="{endpoint}", protocol="http"))
  request = models.DescribeImageInfoListRequest(uuids=",".join(access["server_uuids"]))
  print(client.describe_image_info_list(request).body)

The key is in {data}/access.json, which only you can read.
"#
    )
}

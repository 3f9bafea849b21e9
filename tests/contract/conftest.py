"""An installation with more servers than fit on a page."""

import pytest

from contract.many_servers import HOSTS, ManyServers
from images.oci_builder import write_layout
from support import advisories
from support.agent import Agent
from support.api_client import ApiClient
from support.fleet import python_distribution
from support.installation import Installation
from support.server import Server


@pytest.fixture(scope="session")
def many_servers(tmp_path_factory, builder):
    """Seven hosts that share one image."""
    directory = tmp_path_factory.mktemp("many-servers")
    image = builder.image([builder.layer(python_distribution("iniconfig", "2.0.0"))])
    layout = write_layout(directory / "layout", {"registry.example.com/tools/clean:2.0": image})
    installation = Installation(directory / "data")
    installation.import_advisories(
        advisories.write(directory / "advisories", advisories.coverage())
    )
    server = Server(installation.data, directory / "server.log")
    try:
        key = installation.root_key()
        api = ApiClient(server.address, key)
        uuids = {}
        for name in HOSTS:
            Agent(directory / name, name).report(server.url, key, "--oci-layout", layout).expect(0)
            (added,) = set(api.server_uuids()) - set(uuids.values())
            uuids[name] = added
        yield ManyServers(api, uuids)
    finally:
        server.stop()

"""A running installation with two servers that have real images: what most suites ask about."""

from dataclasses import dataclass
from pathlib import Path

from images import real_packages
from images.oci_builder import ImageBuilder, LayerTar, write_layout
from support import advisories
from support.access_key import AccessKey
from support.agent import Agent
from support.api_client import ApiClient
from support.installation import Installation
from support.server import Server

REGISTRY = "registry.example.com:5000"
PROBE = "tallyman-probe"
PROBE_ADVISORY = "TALLY-2026-0001"


@dataclass
class Fleet:
    """The installation, its servers and the images on them by their names."""

    installation: Installation
    server: Server
    root: AccessKey
    first: str
    second: str
    images: dict
    layouts: dict

    @property
    def address(self) -> str:
        return self.server.address

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.address, self.root)

    @property
    def uuids(self) -> str:
        return f"{self.first},{self.second}"


def python_distribution(name: str, version: str) -> LayerTar:
    """A layer with the metadata of one Python distribution."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    directory = f"{real_packages.SITE_PACKAGES}/{name.replace('-', '_')}-{version}.dist-info"
    return LayerTar().file(f"{directory}/METADATA", metadata).file(f"{directory}/RECORD", "")


def debian_layer() -> LayerTar:
    """A layer with what a scanner reads of a real Debian 12."""
    return LayerTar().tree(real_packages.debian_metadata(), "")


def fleet_images(builder: ImageBuilder) -> dict:
    """The images of the fleet by name."""
    debian = builder.layer(debian_layer())
    python = builder.layer(
        LayerTar().tree(real_packages.python_packages(), real_packages.SITE_PACKAGES), "zstd"
    )
    clean = builder.layer(python_distribution("iniconfig", "2.0.0"))
    probe = builder.layer(python_distribution(PROBE, "1.0.0"))
    broken = builder.layer(
        LayerTar()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", b"\x00\xff\xfe not a database\x00\x01" * 50)
    )
    return {
        f"{REGISTRY}/shop/web:1.4": builder.image([debian, python]),
        f"{REGISTRY}/tools/clean:2.0": builder.image([clean], created="2023-01-02T03:04:05.678Z"),
        f"{REGISTRY}/tools/flagged:2.0": builder.image([clean, probe], created=None),
        f"{REGISTRY}/broken/database:1": builder.image([broken]),
    }


def start_fleet(directory: Path) -> Fleet:
    """Starts a server and reports the images of two hosts to it."""
    builder = ImageBuilder(directory / "blobs")
    images = fleet_images(builder)
    names = list(images)
    layouts = {
        "first": write_layout(directory / "first-layout", {n: images[n] for n in names[:3]}),
        "second": write_layout(
            directory / "second-layout", {n: images[n] for n in (names[0], names[3])}
        ),
    }
    installation = Installation(directory / "data")
    records = [
        *advisories.coverage(),
        advisories.record(PROBE_ADVISORY, "PyPI", PROBE, fixed="1.2.0"),
    ]
    installation.import_advisories(advisories.write(directory / "advisories", records))
    server = Server(installation.data, directory / "server.log")
    try:
        root = installation.root_key()
        api = ApiClient(server.address, root)
        uuids = []
        for name in ("first", "second"):
            before = set(api.server_uuids())
            agent = Agent(directory / f"{name}-host", f"{name}-host")
            agent.report(server.url, root, "--oci-layout", layouts[name]).expect(0)
            added = set(api.server_uuids()) - before
            assert len(added) == 1, f"the {name} agent made {len(added)} servers instead of one"
            uuids.append(added.pop())
    except BaseException:
        server.kill()
        raise
    return Fleet(installation, server, root, *uuids, images, layouts)

"""Foreign layers: read where they are stored, reported where they are not, fetched from nowhere."""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from images.oci_builder import FOREIGN_LAYERS, blob_path, write_layout
from images.registry import Pusher, Registry
from images.scan_report import ScanReport
from support.fleet import python_distribution

_ALLOW_URLS = "validation:\n  manifests:\n    urls:\n      allow:\n        - ^http://\n"


@pytest.fixture
def elsewhere():
    """A server that would give out anything, and the paths it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/layer.tar.gz", asked
    server.shutdown()
    thread.join()
    server.server_close()


def _image(builder, media_type: str, unique, *urls):
    """An image whose upper layer is foreign; what is known of a digest is not read again."""
    foreign = python_distribution("pluggy", "1.5.0").file("etc/unique", str(unique))
    base = builder.layer(python_distribution("iniconfig", "2.0.0"))
    return builder.image([base, builder.foreign_layer(foreign, media_type, *urls)])


def _assert_failed(outcome, image, url):
    report = ScanReport(outcome.expect(3).json())
    assert report.state == "failed"
    layer = image.layers[1]
    for word in (layer.digest, "foreign layer", layer.media_type, url):
        assert word in report.reason


@pytest.mark.parametrize("media_type", FOREIGN_LAYERS)
@pytest.mark.parametrize("kind", ["layout", "registry"])
def test_a_foreign_layer_that_is_not_stored_fails_and_is_not_fetched(
    covered, builder, tmp_path, elsewhere, media_type, kind
):
    url, asked = elsewhere
    image = _image(builder, media_type, tmp_path, url)
    if kind == "layout":
        layout = write_layout(tmp_path / "layout", {"x:1": image})
        outcome = covered.scan(layout)
    else:
        registry = Registry(tmp_path / "registry", _ALLOW_URLS)
        try:
            outcome = covered.scan(Pusher(registry.host).push("foreign", "1", image))
        finally:
            registry.stop()
    _assert_failed(outcome, image, url)
    assert asked == []


@pytest.mark.parametrize("media_type", FOREIGN_LAYERS)
def test_a_foreign_layer_that_is_stored_is_read(
    covered, builder, tmp_path, elsewhere, media_type
):
    url, asked = elsewhere
    image = _image(builder, media_type, tmp_path, url)
    layout = write_layout(tmp_path / "layout", {"x:1": image})
    shutil.copy(image.layers[1].path, blob_path(layout, image.layers[1].digest))
    report = ScanReport(covered.scan(layout).expect(0).json())
    assert report.versions("pypi") == {("iniconfig", "2.0.0"), ("pluggy", "1.5.0")}
    assert asked == []

"""The packages found are those that the package managers themselves list."""

from packaging.utils import canonicalize_name

from images import rich_image


def test_debian_packages_are_those_of_dpkg_query(scanned, rich):
    assert sorted(scanned.report.debian_packages()) == sorted(rich.debian_packages())


def test_python_packages_are_those_of_pip_list(scanned, rich):
    found = {(canonicalize_name(n), v) for n, v in scanned.report.versions("pypi")}
    assert found == rich.python_packages()


def test_node_packages_are_those_of_npm_ls(scanned, rich):
    assert scanned.report.versions("npm") == rich.node_packages()


def test_go_modules_are_those_of_go_version(scanned, rich):
    found = scanned.report.versions("golang")
    # The main module has no released version to judge.
    named = {(n, v.removeprefix("go")) for n, v in found if n != "example.com/greeter"}
    assert named == rich.go_modules()


def test_a_package_removed_in_an_upper_layer_is_gone(scanned, rich):
    assert "requests" not in dict(scanned.report.versions("pypi"))
    versions = [v for n, v in scanned.report.versions("npm") if n == "express"]
    assert versions == ["5.0.0"]


def test_every_package_knows_the_layer_that_brought_it(scanned, rich):
    report = scanned.report
    origin = [(n, layer.digest) for n, layer in enumerate(rich.image.layers)]
    assert set(report.layers_of("deb").values()) == {origin[rich_image.DEBIAN]}
    assert set(report.layers_of("pypi").values()) == {origin[rich_image.PYTHON]}
    assert set(report.layers_of("golang").values()) == {origin[rich_image.GO]}
    node = report.layers_of("npm")
    assert node.pop("express") == origin[rich_image.REMOVALS]
    assert set(node.values()) == {origin[rich_image.NODE]}


def test_every_package_knows_the_file_that_names_it(scanned):
    def path(ecosystem, name):
        return next(p["path"] for p in scanned.report.packages(ecosystem) if p["name"] == name)

    assert path("deb", "apt") == "var/lib/dpkg/status"
    assert path("npm", "lodash") == "usr/lib/node_modules/lodash/package.json"
    assert path("golang", "golang.org/x/text") == "usr/local/bin/greeter"
    assert path("pypi", "PyYAML") == (
        "opt/app/lib/python3.11/site-packages/PyYAML-5.1.dist-info/METADATA"
    )


def test_package_urls_follow_the_specification(scanned):
    urls = {package["purl"] for package in scanned.report.value["packages"]}
    assert {
        "pkg:pypi/jinja2@2.10",
        "pkg:npm/lodash@4.17.4",
        "pkg:npm/%40babel/traverse@7.22.0",
        "pkg:golang/golang.org/x/text@v0.3.7",
    } <= urls
    apt = next(url for url in urls if url.startswith("pkg:deb/debian/apt@"))
    name, _, qualifiers = apt.partition("?")
    assert set(qualifiers.split("&")) == {"arch=amd64", "distro=debian-12"}


def test_the_distribution_is_known(scanned):
    distribution = scanned.report.value["distribution"]
    assert (distribution["id"], distribution["version_id"]) == ("debian", "12")


def test_the_image_is_described_by_its_own_bytes(scanned, rich):
    image = scanned.report.value["image"]
    told = (image["config_digest"], image["platform"], image["size_bytes"])
    assert told == (rich.image.config.digest, "linux/amd64", rich.image.size_bytes)
    layers = [(layer["digest"], layer["size_bytes"]) for layer in image["layers"]]
    assert layers == [(layer.digest, layer.size) for layer in rich.image.layers]
    if scanned.kind == "docker archive":
        # The format has no manifest whose digest could be told.
        assert image.get("manifest_digest") is None
    else:
        assert image["manifest_digest"] == rich.image.manifest.digest


def test_everything_was_read(scanned):
    report = scanned.report
    assert (report.state, report.reason, report.value["diagnostics"]) == ("analyzed", "", [])

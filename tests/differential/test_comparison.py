"""The comparison itself: spelling, places, explanations. The scanners are not run here."""

import pytest

from differential import known
from differential.compare import compare
from differential.inventories import Inventory, Package, Place, from_purl, of_syft, of_trivy


@pytest.mark.parametrize(
    "purl, expected",
    [
        ("pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64", ("deb", "libc6", "2.36-9+deb12u14")),
        ("pkg:deb/debian/git@1%3A2.39.5-0?arch=amd64", ("deb", "git", "1:2.39.5-0")),
        ("pkg:deb/debian/git@2.39.5-0?epoch=1", ("deb", "git", "1:2.39.5-0")),
        ("pkg:rpm/rocky/bash@0:5.1-2.el9", ("rpm", "bash", "5.1-2.el9")),
        ("pkg:npm/%40babel/core@7.1.0", ("npm", "@babel/core", "7.1.0")),
        ("pkg:npm/@babel/core@7.1.0", ("npm", "@babel/core", "7.1.0")),
        ("pkg:pypi/Zope.Interface@5.0", ("pypi", "zope-interface", "5.0")),
        ("pkg:golang/github.com/BurntSushi/toml@v1.2.0#cmd", ("golang", "github.com/burntsushi/toml", "1.2.0")),
        ("pkg:golang/stdlib@go1.21.0", ("golang", "stdlib", "1.21.0")),
        ("pkg:maven/org.slf4j/slf4j-api@2.0.1", ("maven", "slf4j-api", "2.0.1")),
        ("pkg:composer/twig/twig@v3.5.1", ("composer", "twig/twig", "3.5.1")),
        ("pkg:generic/node", ("generic", "node", "")),
    ],
)
def test_two_spellings_of_one_package_become_one(purl, expected):
    package, _ = from_purl(purl)
    assert package == Package(*expected)


def test_what_is_no_package_url_is_no_package():
    assert from_purl("libc6@2.36") == (None, "")


def test_syft_s_supporting_files_are_not_places():
    locations = [
        {"path": "/var/lib/dpkg/status", "layerID": "l", "annotations": {"evidence": "primary"}},
        {"path": "/usr/share/doc/x/copyright", "annotations": {"evidence": "supporting"}},
    ]
    artifact = {"purl": "pkg:deb/debian/x@1", "locations": locations}
    found = of_syft({"artifacts": [artifact]})
    assert found.places == {Package("deb", "x", "1"): {Place("var/lib/dpkg/status", "l")}}


def test_a_jar_in_a_jar_is_shown_with_both_names():
    artifact = {
        "purl": "pkg:maven/g/inner@1",
        "locations": [{"path": "/srv/outer.jar"}],
        "metadata": {"virtualPath": "/srv/outer.jar:BOOT-INF/lib/inner.jar"},
    }
    found = of_syft({"artifacts": [artifact]})
    (places,) = found.places.values()
    assert places == {Place("srv/outer.jar:BOOT-INF/lib/inner.jar")}


def test_trivy_s_operating_system_is_not_a_package():
    bom = {"components": [{"type": "operating-system", "name": "debian", "version": "12"}]}
    assert of_trivy(bom).places == {}


def inventory(*packages) -> Inventory:
    return Inventory({package: {Place(f"srv/{package.name}")} for package in packages})


def compared(tallyman, syft, explanations=()):
    found = {"tallyman": tallyman, "syft": syft, "trivy": Inventory()}
    (comparison,) = compare("node", found, list(explanations), set())
    return comparison


def test_what_only_a_peer_finds_is_unexplained():
    shared, missed = Package("npm", "a", "1"), Package("npm", "b", "1")
    comparison = compared(inventory(shared), inventory(shared, missed))
    (difference,) = comparison.unexplained()
    assert (difference.tool, difference.package) == ("syft", missed)
    assert comparison.counts == {"tallyman": 1, "syft": 2, "trivy": 0}


def test_another_version_is_another_package():
    comparison = compared(inventory(Package("npm", "a", "1")), inventory(Package("npm", "a", "2")))
    assert len(comparison.unexplained()) == 1
    assert len(comparison.only_tallyman) == 1


def test_an_explanation_covers_only_what_it_names():
    missed = inventory(Package("npm", "b", "1"))
    explanation = known.Explanation("node", "npm", "syft", "b", "*", "srv/*", "no package")
    assert compared(Inventory(), missed, [explanation]).unexplained() == []
    for other in (
        known.Explanation("java", "npm", "syft", "b", "*", "srv/*", "another image"),
        known.Explanation("node", "npm", "trivy", "b", "*", "srv/*", "another peer"),
        known.Explanation("node", "npm", "syft", "c", "*", "srv/*", "another name"),
        known.Explanation("node", "npm", "syft", "b", "*", "opt/*", "another place"),
    ):
        assert len(compared(Inventory(), missed, [other]).unexplained()) == 1


def test_a_line_without_a_reason_is_refused(tmp_path):
    table = tmp_path / "known.tsv"
    table.write_text("# a remark\n\nnode\tnpm\tsyft\tb\t*\t*\t \n")
    with pytest.raises(SystemExit, match="known.tsv:3"):
        known.read(table)

"""Feeds of distributions, read from real documents: what `tallyman scan` finds in packages of many
versions equals what a plain reading of the same documents gives, which shares no code with it."""

import gzip
import json
import re
import subprocess
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import unquote

import pytest

from cli.rpm_order import is_before
from support.installation import Installation
from support.paths import REPOSITORY

DATA = REPOSITORY.parent / "shared" / "data"
FIXTURES = DATA / "samples" / "vuls-data-update-fixtures.tar.zst"
VEX = DATA / "samples" / "claircore-rhel-vex.tar.zst"
AZURE = DATA / "other" / "azurelinux-oval.tar.zst"

pytestmark = pytest.mark.skipif(not AZURE.is_file(), reason="the real documents are not there")


@dataclass(frozen=True)
class Said:
    """One line of a document: what is before the version has the vulnerability."""

    cve: str
    name: str
    fixed: str


def members(archive, pattern):
    """Yields (name, bytes) of what matches in an archive."""
    process = subprocess.Popen(["zstd", "-dcq", str(archive)], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for entry in tar:
            if entry.isfile() and re.search(pattern, entry.name):
                yield entry.name, tar.extractfile(entry).read()
    process.wait()


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def children(element, name):
    return [child for child in element.iter() if local(child) == name]


def without_epoch_0(version):
    return version.removeprefix("0:")


def of_oval(text):
    """What OVAL says, by the text of each definition's criteria and the tests behind them."""
    root = ET.fromstring(text)
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    for definition in children(root, "definition"):
        # Azure Linux says so of what it looked at and is not affected by.
        if any(child.text == "Not Applicable" for child in children(definition, "patchable")):
            continue
        cves = {
            found
            for reference in children(definition, "reference")
            for found in re.findall(r"CVE-\d+-\d+", reference.get("ref_id"))
        }
        cves |= {re.match(r"CVE-\d+-\d+", cve.text)[0] for cve in children(definition, "cve")}
        for criterion in children(definition, "criterion"):
            test = by_id.get(criterion.get("test_ref"))
            if test is None or local(test) != "rpminfo_test":
                continue
            object_ = by_id[children(test, "object")[0].get("object_ref")]
            state = by_id[children(test, "state")[0].get("state_ref")]
            evr = children(state, "evr")
            if not evr or evr[0].get("operation") != "less than":
                continue
            epoch, _, version = (part.strip() for part in evr[0].text.rpartition(":"))
            # A version and a release have no hyphen: what is before them is not theirs.
            version = "-".join(version.split("-")[-2:]).rpartition(",")[2]
            fixed = without_epoch_0(f"{epoch}:{version}")
            for cve in cves:
                yield Said(cve, children(object_, "name")[0].text, fixed)


def of_updateinfo(text):
    """What a list of updates says."""
    for update in ET.fromstring(text).iter("update"):
        cves = [reference.get("id") for reference in update.iter("reference")]
        for package in update.iter("package"):
            version = f"{package.get('version')}-{package.get('release')}"
            fixed = without_epoch_0(f"{package.get('epoch')}:{version}")
            is_debug = re.search("-debug(info|source)$", package.get("name"))
            if is_debug or package.get("arch") == "src":
                continue
            for cve in filter(lambda one: one.startswith("CVE-"), cves):
                yield Said(cve, package.get("name"), fixed)


def of_red_hat(text, major):
    """What Red Hat says is fixed in one major release, outside of modules."""
    document = json.loads(text)
    products, rest = {}, list(document["product_tree"]["branches"])
    while rest:
        branch = rest.pop()
        rest += branch.get("branches", [])
        if "product" in branch:
            helper = branch["product"].get("product_identification_helper", {})
            products[branch["product"]["product_id"]] = helper
    parts = {
        relationship["full_product_name"]["product_id"]: (
            products.get(relationship["product_reference"], {}).get("purl", ""),
            products.get(relationship["relates_to_product_reference"], {}).get("cpe", ""),
        )
        for relationship in document["product_tree"]["relationships"]
    }
    for vulnerability in document["vulnerabilities"]:
        for product in vulnerability["product_status"].get("fixed", []):
            purl, cpe = parts.get(product, ("", ""))
            found = re.match(r"pkg:rpm/redhat/([^@]+)@([^?]+)\?(.*)", purl)
            if not found or not re.match(rf"cpe:/[ao]:redhat:enterprise_linux:{major}\b", cpe):
                continue
            if "arch=src" in found[3] or re.search("-debug(info|source)$", found[1]):
                continue
            epoch = re.search(r"epoch=(\d+)", found[3])
            version = unquote(found[2])
            fixed = f"{epoch[1]}:{version}" if epoch else version
            yield Said(vulnerability["cve"], unquote(found[1]), fixed)


def versions_around(said):
    """For each package some versions: each fixed one, one before all, and neighbours of each."""
    for name in sorted({one.name for one in said}):
        versions = {"0.0.1-0"}
        for fixed in {one.fixed for one in said if one.name == name}:
            versions |= {fixed, fixed + ".1", re.sub(r"-[^-]*$", "-0", fixed)}
        for version in sorted(versions):
            yield name, version


def scanned(installation, distro, packages, path):
    """What the program finds: the vulnerabilities of each name and version."""
    system, _, number = distro.partition("-")
    purls = []
    for name, version in packages:
        epoch, _, rest = version.rpartition(":")
        epoch = f"&epoch={epoch}" if epoch else ""
        escaped = rest.replace("+", "%2B").replace("^", "%5E")
        qualifiers = f"arch=x86_64&distro={distro}{epoch}"
        purls.append(f"pkg:rpm/{system}/{name}@{escaped}?{qualifiers}")
    components = [{"type": "operating-system", "name": system, "version": number}]
    components += [{"type": "library", "name": purl, "purl": purl} for purl in purls]
    path.write_text(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})
    )
    report = installation.scan(f"sbom:{path}").expect(0).json()
    assert report["state"]["state"] == "analyzed", report["state"]
    return {
        (package["name"], package["version"]): {finding["id"] for finding in package["findings"]}
        for package in report["packages"]
    }


def is_fixed_for_minor(version, fixed_versions):
    """A fix of the minor release that the package was built for is enough."""
    minor = re.search(r"\.el(\d+_\d+)", version)
    own = [one for one in fixed_versions if minor and f".el{minor[1]}" in one]
    return bool(own) and not any(is_before(version, one) for one in own)


def expected(said, name, version, by_minor=False):
    found = set()
    for cve in {one.cve for one in said if one.name == name}:
        lines = [one for one in said if one.name == name and one.cve == cve]
        if by_minor and is_fixed_for_minor(version, [one.fixed for one in lines]):
            continue
        if any(is_before(version, one.fixed) for one in lines):
            found.add(cve)
    return found


def check(tmp_path, imported, distro, said, by_minor=False):
    said = set(said)
    assert said, "the document says something"
    installation = Installation(tmp_path / "data")
    installation.do("db", "import", imported)
    packages = list(versions_around(said))
    found = scanned(installation, distro, packages, tmp_path / "sbom.json")
    assert set(found) == set(packages)
    differences = {
        package: (found[package], want)
        for package in packages
        if found[package] != (want := expected(said, *package, by_minor=by_minor))
    }
    assert not differences, list(differences.items())[:2]
    return len(packages), sum(map(len, found.values()))


def one_member(tmp_path, archive, pattern, unpack=lambda content: content):
    [(name, content)] = list(members(archive, pattern))
    path = tmp_path / name.rsplit("/", 1)[-1]
    path.write_bytes(content)
    return path, unpack(content)


def test_azure_linux(tmp_path):
    path, text = one_member(tmp_path, AZURE, r"azurelinux-3\.0-oval\.xml$")
    packages, findings = check(tmp_path, path, "azurelinux-3", of_oval(text))
    assert packages > 600 and findings > 3000


def test_anolis_os(tmp_path):
    path, text = one_member(tmp_path, FIXTURES, r"fixtures/happy/anolis-23\.oval\.xml$")
    check(tmp_path, path, "anolis-23", of_oval(text))


def test_a_red_hat_document_with_streams_for_minor_releases(tmp_path):
    path, text = one_member(tmp_path, VEX, r"cve-2023-38545\.json$")
    check(tmp_path, path, "rhel-9", of_red_hat(text, 9), by_minor=True)


@pytest.mark.parametrize("cve", ["CVE-2023-6212", "CVE-2023-6237", "CVE-2023-6240"])
def test_red_hat_documents(tmp_path, cve):
    path, text = one_member(tmp_path, FIXTURES, rf"vex/v2/.*golden.*{cve}\.json$")
    check(tmp_path, path, "rhel-9", of_red_hat(text, 9), by_minor=True)


def test_amazon_linux(tmp_path):
    pattern = r"amazon/.*updateinfo_2023\.xml\.gz$"
    path, text = one_member(tmp_path, FIXTURES, pattern, gzip.decompress)
    check(tmp_path, path, "amzn-2023", of_updateinfo(text))


def test_a_broken_document_leaves_what_was_known(tmp_path):
    path, text = one_member(tmp_path, FIXTURES, r"fixtures/happy/anolis-23\.oval\.xml$")
    installation = Installation(tmp_path / "data")
    installation.do("db", "import", path)
    before = installation.do("db", "info", "--format", "json").json()
    for name, content in {
        "cut.xml": text[: len(text) // 2],
        "bomb.xml": b'<!DOCTYPE oval_definitions [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
        b"<oval_definitions><definitions>&b;</definitions></oval_definitions>",
        "deep.xml": b"<oval_definitions>" + b"<definitions>" * 100_000,
        "long.xml": b"<oval_definitions><definitions><definition id='" + b"x" * 100_000_000,
        "cut.json": b'{"document": {"csaf_version": "2.0", "publisher": {',
    }.items():
        broken = tmp_path / name
        broken.write_bytes(content)
        outcome = installation.run("db", "import", broken)
        assert outcome.exit_code != 0 and name in outcome.stderr + outcome.stdout, name
        after = installation.do("db", "info", "--format", "json").json()
        assert after == before, name

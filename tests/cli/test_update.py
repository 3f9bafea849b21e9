"""`tallyman db update` against a server that behaves as publishers, mirrors and networks do."""

import hashlib
import io
import json
import shutil
import signal
import subprocess
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from support import advisories, program
from support.agent import Agent
from support.api_client import ApiClient
from support.feed_server import OSV_HOST, FeedServer, cut_after, held, osv_archive, status
from support.polling import wait_until

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def feeds():
    server = FeedServer()
    yield server
    server.stop()


def records(count: int, *, ecosystem: str = "PyPI", start: int = 0) -> list:
    return [
        advisories.record(f"TALLY-{n}", ecosystem, f"probe-{n}", fixed="1")
        for n in range(start, start + count)
    ]


def update(installation, feeds, *names, expect: int = 0, env: dict | None = None):
    """Runs the update, and returns each feed's outcome by name."""
    outcome = installation.run(
        "db", "update", *names, *feeds.mirror, "--format", "json", env=env
    ).expect(expect)
    return {feed["feed"]: feed for feed in outcome.json()["feeds"]}


def loaded(installation) -> dict:
    info = installation.do("db", "info", "--format", "json").json()
    return {feed["feed"]: feed["advisories"] for feed in info["feeds"]}


def test_a_feed_is_fetched_once_and_then_asked_for_changes(installation, feeds):
    feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    first = update(installation, feeds, "osv/CRAN")["osv/CRAN"]
    assert (first["result"], first["added"]) == ("updated", 3)
    second = update(installation, feeds, "osv/CRAN")["osv/CRAN"]
    assert (second["result"], second["received_bytes"]) == ("unchanged", 0)
    assert [request.status for request in feeds.requests] == [200, 304]
    feeds.serve_osv("CRAN", records(5, ecosystem="CRAN"), version="2")
    third = update(installation, feeds, "osv/CRAN")["osv/CRAN"]
    assert (third["result"], third["added"], third["unchanged"]) == ("updated", 2, 3)
    assert loaded(installation)["osv/CRAN"] == 5


def test_what_a_publisher_no_longer_has_is_gone(installation, feeds):
    feeds.serve_osv("CRAN", records(30, ecosystem="CRAN"))
    update(installation, feeds, "osv/CRAN")
    feeds.serve_osv("CRAN", records(28, ecosystem="CRAN", start=5), version="2")
    outcome = update(installation, feeds, "osv/CRAN")["osv/CRAN"]
    assert [outcome[key] for key in ("added", "withdrawn", "unchanged")] == [3, 5, 25]
    assert loaded(installation)["osv/CRAN"] == 28
    # Of a record that is refused nobody knows which one it was.
    broken = records(27, ecosystem="CRAN", start=5)
    broken[3]["affected"] = 5
    feeds.serve_osv("CRAN", broken, version="2b")
    outcome = update(installation, feeds, "osv/CRAN")["osv/CRAN"]
    assert (outcome["result"], outcome["refused"], outcome["withdrawn"]) == ("updated", 1, 0)
    assert "TALLY-8.json: invalid type" in outcome["refused_records"][0]
    # Nearly all of it at once is an accident, unless somebody says that it is none.
    feeds.serve_osv("CRAN", records(2, ecosystem="CRAN", start=5), version="3")
    outcome = update(installation, feeds, "osv/CRAN", expect=3)["osv/CRAN"]
    assert "26 records, more than half" in outcome["reason"] and "--force" in outcome["next_step"]
    assert loaded(installation)["osv/CRAN"] == 28
    assert update(installation, feeds, "osv/CRAN", "--force")["osv/CRAN"]["withdrawn"] == 26


def oval(release: str, numbers) -> bytes:
    """Updates of Anolis OS, each with a package of its own."""
    definitions, tests, objects, states = "", "", "", ""
    for n in numbers:
        definitions += f"""<definition class="patch" id="oval:cn.openanolis:def:{release}{n}"><metadata>
            <affected><platform>Anolis OS {release}</platform></affected>
            <reference ref_id="ANSA-{release}:{n}" source="ANSA"/>
            <reference ref_id="CVE-2024-{release}00{n}" source="CVE"/></metadata>
            <criteria operator="AND"><criterion comment="x" test_ref="t{n}"/></criteria></definition>"""
        tests += f'<rpminfo_test id="t{n}"><object object_ref="o{n}"/><state state_ref="s{n}"/></rpminfo_test>'
        objects += f'<rpminfo_object id="o{n}"><name>probe-{n}</name></rpminfo_object>'
        states += f'<rpminfo_state id="s{n}"><evr operation="less than">0:2-1.an{release}</evr></rpminfo_state>'
    sections = {"definitions": definitions, "tests": tests, "objects": objects, "states": states}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in sections.items())
    return f"<oval_definitions>{inner}</oval_definitions>".encode()


def test_of_a_feed_in_several_files_all_are_read_again_when_one_is_new(installation, feeds):
    path = "/anas.openanolis.cn/api/data/OVAL/anolis-{}.oval.xml"
    for release in ("7", "8", "23"):
        feeds.serve(path.format(release), oval(release, range(1, 4)), etag=f'"{release}"')
    assert update(installation, feeds, "anolis")["anolis"]["added"] == 9
    assert update(installation, feeds, "anolis")["anolis"]["result"] == "unchanged"
    seen = len(feeds.requests)
    feeds.serve(path.format("8"), oval("8", range(2, 5)), etag='"8b"')
    outcome = update(installation, feeds, "anolis")["anolis"]
    assert [outcome[key] for key in ("added", "withdrawn", "unchanged")] == [1, 1, 8]
    assert sorted(request.status for request in feeds.requests[seen:]) == [200, 200, 200, 304, 304]
    assert loaded(installation)["anolis-oval"] == 9


def test_a_connection_that_breaks_is_gone_on_with(installation, feeds):
    document = feeds.serve_osv("NuGet", records(2000, ecosystem="NuGet"))
    path = f"/{OSV_HOST}/NuGet/all.zip"
    feeds.trouble[path] = [cut_after(document, len(document.content) // 2)]
    outcome = update(installation, feeds, "osv/NuGet")["osv/NuGet"]
    assert outcome["result"] == "updated"
    assert [request.status for request in feeds.requests] == [200, 206]
    assert outcome["received_bytes"] == len(document.content) == feeds.sent()


def test_one_feed_that_fails_keeps_its_data_and_does_not_stop_the_others(installation, feeds):
    feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    feeds.serve_osv("Hex", records(2, ecosystem="Hex"))
    update(installation, feeds, "osv/CRAN", "osv/Hex")
    del feeds.documents[f"/{OSV_HOST}/CRAN/all.zip"]
    feeds.serve_osv("Hex", records(4, ecosystem="Hex"), version="2")
    run = installation.run("db", "update", "osv/CRAN", "osv/Hex", *feeds.mirror).expect(3)
    assert "osv/CRAN: failed to find" in run.stderr and "what was known stays" in run.stderr
    counts = loaded(installation)
    assert (counts["osv/CRAN"], counts["osv/Hex"]) == (3, 4)


@pytest.mark.parametrize(
    "content",
    [b"<html>Sign in to the hotel's network</html>", b"{ this is no JSON", b"", b"PK\x03\x04cut"],
)
def test_a_feed_that_is_malformed_is_refused_by_name(installation, feeds, content):
    feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    update(installation, feeds, "osv/CRAN")
    feeds.serve(f"/{OSV_HOST}/CRAN/all.zip", content, etag='"2"')
    outcome = update(installation, feeds, "osv/CRAN", expect=3)["osv/CRAN"]
    assert outcome["result"] == "failed" and outcome["reason"] and outcome["next_step"]
    assert loaded(installation)["osv/CRAN"] == 3
    feeds.serve_osv("CRAN", records(4, ecosystem="CRAN"), version="3")
    assert update(installation, feeds, "osv/CRAN")["osv/CRAN"]["added"] == 1


def test_an_archive_that_ends_early_is_refused(installation, feeds):
    whole = osv_archive(records(500))
    feeds.serve(f"/{OSV_HOST}/PyPI/all.zip", whole[: len(whole) * 2 // 3], etag='"1"')
    before = loaded(installation)
    outcome = update(installation, feeds, "osv/PyPI", expect=3)["osv/PyPI"]
    assert "zip" in outcome["reason"], outcome
    assert loaded(installation) == before


def test_a_wrong_checksum_is_named(installation, feeds):
    document = feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    document.headers["x-goog-hash"] = "crc32c=AAAAAA=="
    outcome = update(installation, feeds, "osv/CRAN", expect=3)["osv/CRAN"]
    assert "CRC32C" in outcome["reason"]
    assert "osv/CRAN" not in loaded(installation)


def test_a_busy_server_is_asked_again_after_the_time_it_names(installation, feeds):
    feeds.serve_osv("CRAN", records(1, ecosystem="CRAN"))
    path = f"/{OSV_HOST}/CRAN/all.zip"
    feeds.trouble[path] = [status(429, Retry_After="0"), status(503, Retry_After="0")]
    assert update(installation, feeds, "osv/CRAN")["osv/CRAN"]["result"] == "updated"
    assert [request.status for request in feeds.requests] == [429, 503, 200]


def test_a_redirect_to_another_host_is_followed_without_the_mirror_s_password(installation, feeds):
    storage = FeedServer()
    try:
        storage.serve("/stored.zip", osv_archive(records(2, ecosystem="CRAN")))
        path = f"/{OSV_HOST}/CRAN/all.zip"
        feeds.trouble[path] = [status(302, Location=f"{storage.url}/stored.zip")]
        mirror = feeds.url.replace("http://", "http://ann:hunter2@")
        run = installation.do("db", "update", "osv/CRAN", "--mirror", f"*={mirror}")
        assert "hunter2" not in run.stdout + run.stderr
        assert feeds.requests[0].headers["authorization"].startswith("Basic ")
        assert "authorization" not in storage.requests[0].headers
        kept = (installation.data / "advisories/sources/osv-CRAN.state").read_text()
        assert "hunter2" not in kept
    finally:
        storage.stop()


@pytest.mark.parametrize("to", ["http://feeds.example/x", "http://169.254.169.254/latest/meta-data"])
def test_a_redirect_out_of_tls_or_into_the_cloud_is_refused(installation, feeds, to):
    feeds.trouble[f"/{OSV_HOST}/CRAN/all.zip"] = [status(302, Location=to)]
    outcome = update(installation, feeds, "osv/CRAN", expect=3)["osv/CRAN"]
    assert "redirect" in outcome["reason"], outcome


def test_a_proxy_is_used_and_its_exceptions_are_not(installation, feeds):
    feeds.serve("/feeds.example/secdb.alpinelinux.org/x", b"")
    feeds.serve("/mirror.invalid/osv/CRAN/all.zip", osv_archive(records(2, ecosystem="CRAN")))
    options = ["osv/CRAN", "--mirror", "osv/CRAN=http://mirror.invalid/osv"]
    options += ["--feed-plain-http", "mirror.invalid"]
    installation.do("db", "update", *options, env={"HTTP_PROXY": feeds.url, "NO_PROXY": ""})
    assert feeds.requests[-1].path == "/mirror.invalid/osv/CRAN/all.zip"
    seen = len(feeds.requests)
    quick = {"HTTP_PROXY": feeds.url, "NO_PROXY": "mirror.invalid"}
    installation.run("db", "update", "--force", *options, env=quick).expect(3)
    assert len(feeds.requests) == seen


def test_plain_http_is_refused_unless_it_is_allowed(installation):
    run = installation.run("db", "update", "osv/CRAN", "--mirror", "osv/CRAN=http://mirror.invalid")
    assert "plain HTTP" in run.expect(3).stderr


def test_two_updates_at_once_are_told_apart(installation, feeds):
    document = feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    arrived, release = threading.Event(), threading.Event()
    path = f"/{OSV_HOST}/CRAN/all.zip"
    feeds.trouble[path] = [held(arrived, release, document, 10)]
    first = _start(installation, feeds, "osv/CRAN")
    try:
        assert arrived.wait(30)
        run = installation.run("db", "update", "osv/CRAN", *feeds.mirror).expect(3)
        assert "another update" in run.stderr and f"process {first.pid}" in run.stderr
    finally:
        release.set()
        assert first.wait(60) == 0
    assert loaded(installation)["osv/CRAN"] == 3


def test_an_update_that_is_killed_goes_on_where_it_was(installation, feeds):
    document = feeds.serve_osv("NuGet", records(3000, ecosystem="NuGet"))
    half = len(document.content) // 2
    arrived, release = threading.Event(), threading.Event()
    path = f"/{OSV_HOST}/NuGet/all.zip"
    feeds.trouble[path] = [held(arrived, release, document, half)]
    process = _start(installation, feeds, "osv/NuGet")
    part = installation.data / "advisories/sources/osv-NuGet.0.part"
    assert arrived.wait(30)
    wait_until(lambda: part.exists() and part.stat().st_size > 0, "a part is on the disk", 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    release.set()
    left = part.stat().st_size
    outcome = update(installation, feeds, "osv/NuGet")["osv/NuGet"]
    assert outcome["result"] == "updated"
    assert outcome["received_bytes"] == len(document.content) - left
    assert loaded(installation)["osv/NuGet"] >= 3000
    assert not list(part.parent.glob("osv-NuGet.0*")), "nothing is left over"


def _start(installation, feeds, *names) -> subprocess.Popen:
    return program.start(
        "db", "update", *names, *feeds.mirror, "--data", installation.data,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def test_an_archive_is_found_by_the_file_that_names_it_and_checked_by_the_one_beside_it(
    installation, feeds
):
    base = "/security.access.redhat.com/data/csaf/v2/vex"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for made in records(2):
            content = json.dumps(made).encode()
            entry = tarfile.TarInfo(f"2026/{made['id']}.json")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    content = packed.getvalue()
    sha = hashlib.sha256(content).hexdigest()
    feeds.serve(f"{base}/archive_latest.txt", b"csaf_vex_2026-11-22.tar.zst\n")
    feeds.serve(f"{base}/csaf_vex_2026-11-22.tar.zst", content)
    feeds.serve(f"{base}/csaf_vex_2026-11-22.tar.zst.sha256", b"0" * 64 + b"  x\n")
    outcome = update(installation, feeds, "redhat-vex", expect=3)["redhat-vex"]
    assert "digest" in outcome["reason"], outcome
    feeds.serve(f"{base}/csaf_vex_2026-11-22.tar.zst.sha256", f"{sha}  x\n".encode())
    assert update(installation, feeds, "redhat-vex")["redhat-vex"]["added"] == 2
    seen = len(feeds.requests)
    assert update(installation, feeds, "redhat-vex")["redhat-vex"]["result"] == "unchanged"
    asked = [request.path.rsplit("/", 1)[-1] for request in feeds.requests[seen:]]
    assert asked == ["archive_latest.txt", "csaf_vex_2026-11-22.tar.zst.sha256", "changes.csv"]


def vex(cve: str, day: int, status: str) -> bytes:
    """Red Hat's verdict on a vulnerability, for one package of RHEL 9."""
    platform = {"product_id": "r9", "name": "RHEL 9", "product_identification_helper": {
        "cpe": "cpe:/o:redhat:enterprise_linux:9"}}
    component = {"product_id": "probe", "name": "probe"}
    whole = {"product_id": "r9:probe", "name": "probe of RHEL 9"}
    return json.dumps({
        "document": {
            "csaf_version": "2.0",
            "publisher": {"namespace": "https://www.redhat.com", "name": "Red Hat"},
            "tracking": {"id": cve, "current_release_date": f"2026-11-{day}T00:00:00Z"},
        },
        "product_tree": {
            "full_product_names": [platform, component],
            "relationships": [{"full_product_name": whole, "product_reference": "probe",
                               "relates_to_product_reference": "r9"}],
        },
        "vulnerabilities": [{"cve": cve, "product_status": {status: ["r9:probe"]}}],
    }).encode()


def test_what_changed_since_the_archive_is_fetched_document_by_document(installation, feeds):
    base = "/security.access.redhat.com/data/csaf/v2/vex"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for n in range(1, 5):
            content = vex(f"CVE-2026-100{n}", 20, "known_affected")
            entry = tarfile.TarInfo(f"2026/cve-2026-100{n}.json")
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    feeds.serve(f"{base}/archive_latest.txt", b"csaf_vex_2026-11-22.tar.zst\n")
    feeds.serve(f"{base}/csaf_vex_2026-11-22.tar.zst", packed.getvalue(), etag='"1"')
    changes = '"2026/cve-2026-1001.json","2026-11-20T00:00:00+00:00"\n'
    feeds.serve(f"{base}/changes.csv", changes.encode())
    first = update(installation, feeds, "redhat-vex")["redhat-vex"]
    assert (first["added"], first["withdrawn"]) == (4, 0)
    changes = "".join(
        f'"2026/cve-2026-100{n}.json","2026-11-2{day}T00:00:00+00:00"\n'
        for n, day in ((9, 4), (2, 3), (1, 0))
    )
    deleted = '"2026/cve-2026-1003.json","2026-11-23T00:00:00+00:00"\n'
    feeds.serve(f"{base}/changes.csv", changes.encode())
    feeds.serve(f"{base}/deletions.csv", deleted.encode())
    feeds.serve(f"{base}/2026/cve-2026-1009.json", vex("CVE-2026-1009", 24, "known_affected"))
    feeds.serve(f"{base}/2026/cve-2026-1002.json", vex("CVE-2026-1002", 23, "known_not_affected"))
    second = update(installation, feeds, "redhat-vex")["redhat-vex"]
    assert [second[key] for key in ("added", "changed", "withdrawn")] == [1, 1, 1]
    assert loaded(installation)["redhat-vex"] == 4
    seen = len(feeds.requests)
    assert update(installation, feeds, "redhat-vex")["redhat-vex"]["result"] == "unchanged"
    asked = [request.path.removeprefix(f"{base}/") for request in feeds.requests[seen:]]
    assert not [path for path in asked if path.startswith("2026/")], asked
    # A document that cannot be had is told, and is asked for again.
    changes = '"2026/cve-2026-1008.json","2026-11-25T00:00:00+00:00"\n' + changes
    feeds.serve(f"{base}/changes.csv", changes.encode())
    assert "find" in update(installation, feeds, "redhat-vex", expect=3)["redhat-vex"]["reason"]
    feeds.serve(f"{base}/2026/cve-2026-1008.json", vex("CVE-2026-1008", 25, "known_affected"))
    assert update(installation, feeds, "redhat-vex")["redhat-vex"]["added"] == 1


def test_files_that_are_there_are_taken_although_one_is_missing(installation, feeds):
    secdb = {
        "distroversion": "v3.20", "reponame": "main", "urlprefix": "x", "apkurl": "x",
        "packages": [{"pkg": {"name": "probe", "secfixes": {"1.0-r1": ["CVE-2026-1"]}}}],
    }
    feeds.serve("/secdb.alpinelinux.org/v3.20/main.json", json.dumps(secdb).encode())
    outcome = update(installation, feeds, "alpine", expect=3)["alpine"]
    assert "get 15 of 16 files" in outcome["reason"] and outcome["taken"]["added"] == 1


def test_a_directory_of_files_updates_without_a_network(installation, tmp_path):
    place = tmp_path / "carried"
    (place / OSV_HOST / "CRAN").mkdir(parents=True)
    (place / OSV_HOST / "CRAN" / "all.zip").write_bytes(osv_archive(records(2, ecosystem="CRAN")))
    (place / "osv-Hex.zip").write_bytes(osv_archive(records(3, ecosystem="Hex")))
    advisories.write(place / "osv" / "Pub", records(4, ecosystem="Pub"))
    run = installation.do("db", "update", "--offline", place, "--format", "json")
    outcomes = {feed["feed"]: feed for feed in run.json()["feeds"]}
    assert {name: feed["added"] for name, feed in outcomes.items()} == {
        "osv/CRAN": 2, "osv/Hex": 3, "osv/Pub": 4,
    }
    loose = advisories.write(tmp_path / "loose", records(5, ecosystem="NuGet"))
    run = installation.do("db", "update", "--offline", loose, "--format", "json")
    assert [(feed["feed"], feed["added"]) for feed in run.json()["feeds"]] == [("osv/NuGet", 5)]


def test_a_feed_that_was_carried_here_may_shrink_if_somebody_says_so(installation, tmp_path):
    place = tmp_path / "place"
    for count, options, withdrawn in ((30, (), 0), (2, (), None), (2, ("--force",), 28)):
        shutil.rmtree(place, ignore_errors=True)
        advisories.write(place / "osv" / "CRAN", records(count, ecosystem="CRAN"))
        run = installation.run("db", "update", "--offline", place, *options, "--format", "json")
        run.expect(3 if withdrawn is None else 0)
        (outcome,) = run.json()["feeds"]
        assert outcome["feed"] == "osv/CRAN"
        if withdrawn is None:
            assert outcome["result"] == "failed" and "--force" in outcome["next_step"]
        else:
            assert outcome["withdrawn"] == withdrawn


def test_a_name_from_a_feed_does_not_move_the_terminal(installation, tmp_path):
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("\x1b[31mEVIL\x07\nerror: a false line.json", '{"id": "TALLY-1", "affected": 5}')
        made.writestr("TALLY-2.json", json.dumps(records(1)[0]))
    stderr = installation.run("db", "import", archive).stderr
    assert "EVIL" in stderr and "\x1b" not in stderr and "\x07" not in stderr
    assert not any(line.startswith("error: a false line") for line in stderr.splitlines())


def test_a_name_that_nobody_knows_is_told(installation):
    run = installation.run("db", "update", "no-such-feed").expect(2)
    assert "`no-such-feed`" in run.stderr and "debian" in run.stderr


def test_info_says_when_each_feed_was_asked_and_what_failed(installation, feeds):
    feeds.serve_osv("CRAN", records(3, ecosystem="CRAN"))
    update(installation, feeds, "osv/CRAN")
    del feeds.documents[f"/{OSV_HOST}/CRAN/all.zip"]
    update(installation, feeds, "osv/CRAN", expect=3)
    info = installation.do("db", "info", "--format", "json").json()
    (source,) = [source for source in info["sources"] if source["feed"] == "osv/CRAN"]
    assert source["checked"] and source["updated"] and "find" in source["failure"]


def published(name: str) -> bytes:
    """The real records in the archive that OSV would publish."""
    packed = SHARED / "osv" / f"{name}.tar.zst"
    unpacked = subprocess.run(["zstd", "-dc", packed], check=True, capture_output=True).stdout
    made = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as source, zipfile.ZipFile(made, "w") as archive:
        for entry in filter(tarfile.TarInfo.isfile, source):
            archive.writestr(entry.name.replace("/", "-"), source.extractfile(entry).read())
    return made.getvalue()


def test_a_server_updates_by_itself_and_judges_its_images_again(
    installation, feeds, start_server, flagged_layout, tmp_path
):
    covering = advisories.write(tmp_path / "covering", advisories.coverage())
    installation.do("db", "import", covering)
    feeds.serve_osv("PyPI", [advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="2")])
    arrived, release = threading.Event(), threading.Event()
    path = f"/{OSV_HOST}/PyPI/all.zip"
    feeds.trouble[path] = [held(arrived, release, feeds.documents[path], 10)]
    server = start_server(
        installation,
        env={
            "TALLYMAN_UPDATE_EVERY": "1h",
            "TALLYMAN_FEEDS": "osv/PyPI",
            "TALLYMAN_MIRRORS": f"*={feeds.url}",
        },
    )
    assert arrived.wait(30)
    key = installation.root_key()
    Agent(tmp_path / "agent", "host").report(
        server.url, key, "--oci-layout", flagged_layout
    ).expect(0)
    api = ApiClient(server.address, key)
    (uuid,) = api.server_uuids()
    assert [info["VulCount"] for info in api.image_infos(uuid)] == [0]
    release.set()
    wait_until(
        lambda: [info["VulCount"] for info in api.image_infos(uuid)] == [1],
        "the image has the vulnerability of the feed",
        60,
    )


def test_a_scan_says_when_the_advisories_are_old(installation, feeds, clean_layout):
    old = installation.run("scan", clean_layout, "--max-advisory-age", "0")
    assert "last brought up to date" in old.stderr
    feeds.serve_osv("CRAN", records(1, ecosystem="CRAN"))
    update(installation, feeds, "osv/CRAN")
    assert "last brought up to date" not in installation.run("scan", clean_layout).stderr


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not there")
def test_real_documents_are_updated_and_the_second_time_costs_no_byte(installation, feeds):
    for name, ecosystem in [("pypi", "PyPI"), ("rustsec", "crates.io"), ("almalinux", "AlmaLinux")]:
        feeds.serve(f"/{OSV_HOST}/{ecosystem}/all.zip", published(name), etag=f'"{name}"')
    names = ["osv/PyPI", "osv/crates.io", "osv/AlmaLinux"]
    outcomes = update(installation, feeds, *names)
    assert all(outcome["result"] == "updated" for outcome in outcomes.values()), outcomes
    counts = loaded(installation)
    assert counts["osv/AlmaLinux"] > 4000 and counts["osv/PyPI"] > 6000, counts
    sent = feeds.sent()
    again = update(installation, feeds, *names)
    assert [outcome["result"] for outcome in again.values()] == ["unchanged"] * 3
    assert feeds.sent() == sent

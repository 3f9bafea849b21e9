"""Feeds that are made to hurt, from a publisher and from a file: each is refused by its name and in
bounded memory, and what was known before stays in use and says how old it is."""

import gzip
import io
import json
import zipfile

import pytest

from support import advisories, program
from support.feed_server import OSV_HOST, FeedServer
from support.installation import Installation

# The process itself, in its build for development, and a few documents of the size that one may have.
PEAK_BYTES = 300 << 20
OSV = f"/{OSV_HOST}/PyPI/all.zip"
DEBIAN = "/security-tracker.debian.org/tracker/data/json"
ORACLE = "/linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2"


def archive(**records: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in records.items():
            made.writestr(f"{name}.json", text)
    return packed.getvalue()


def osv(tail: str) -> str:
    return '{"id": "TALLY-9", "modified": "2026-11-02T00:00:00Z", ' + tail + "}"


def ranges(text: str) -> str:
    package = '{"ecosystem": "PyPI", "name": "tallyman-probe"}'
    return osv(f'"affected": [{{"package": {package}, "ranges": {text}}}]')


def in_members(begin: bytes, piece: bytes, times: int) -> bytes:
    """Compressed bytes that unpack to far more than they are."""
    return gzip.compress(begin) + gzip.compress(piece, 1) * times


def truncated() -> bytes:
    whole = archive(**{f"TALLY-{n}": osv('"affected": []') for n in range(300)})
    return whole[: len(whole) * 2 // 3]


TRACKER = '{"source": {"CVE-2026-1": {"releases": {"sid": '
CRITERIA = (
    b'<oval_definitions><definitions><definition id="oval:com.oracle.elsa:def:1">'
    b'<criteria operator="OR">'
)
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>'

# Feed, address, what is served, and words of the reason.
HOSTILE = {
    "cut off": ("osv/PyPI", OSV, truncated, "zip"),
    "no archive": ("osv/PyPI", OSV, lambda: b"{ this is no JSON", "not a feed"),
    "a string of 100 MB": (
        "osv/PyPI",
        OSV,
        lambda: archive(huge=osv('"details": "' + "x" * 100_000_000 + '"')),
        "huge.json: larger than 16777216 bytes",
    ),
    "deep nesting": (
        "osv/PyPI",
        OSV,
        lambda: archive(deep=osv('"affected": ' + "[" * 1_000_000 + "]" * 1_000_000)),
        "deep.json: invalid type: sequence",
    ),
    "ten million ranges": (
        "osv/PyPI",
        OSV,
        lambda: archive(many=ranges("[" + "{}," * 9_999_999 + "{}]")),
        "many.json: larger than 16777216 bytes",
    ),
    "half a million events": (
        "osv/PyPI",
        OSV,
        lambda: archive(
            many=ranges('[{"type": "ECOSYSTEM", "events": [' + '{"fixed": "1"},' * 499_999 + "{}]}]")
        ),
        "many.json: more than 20000 events",
    ),
    "ten million versions": (
        "osv/PyPI",
        OSV,
        lambda: archive(many=osv('"aliases": [' + '"",' * 5_000_000 + '"" 5]')),
        "many.json: expected `,` or `]`",
    ),
    "a decompression bomb": (
        "osv/PyPI",
        OSV,
        lambda: in_members(osv('"details": "').encode()[:-1], b"x" * (16 << 20), 300),
        "larger than 16777216 bytes",
    ),
    "compressed ten times over": (
        "osv/PyPI",
        OSV,
        lambda: packed_over_and_over(10),
        "compressed more than 4 times over",
    ),
    "a tracker cut off": ("debian", DEBIAN, lambda: TRACKER.encode(), "EOF"),
    "a tracker with a string of 100 MB": (
        "debian",
        DEBIAN,
        lambda: (TRACKER + '{"status": "' + "x" * 100_000_000 + '"}}}}}').encode(),
        "a vulnerability of more than 16777216 bytes",
    ),
    "a tracker nested deep": (
        "debian",
        DEBIAN,
        lambda: (TRACKER + "[" * 1_000_000 + "]" * 1_000_000 + "}}}}").encode(),
        "CVE-2026-1: ",
    ),
    "definitions cut off": ("oracle", ORACLE, lambda: CRITERIA, "ends before its last element"),
    "definitions with entities": (
        "oracle",
        ORACLE,
        lambda: f"{BOMB}<oval_definitions>&c;</oval_definitions>".encode(),
        "it declares a document type",
    ),
    "ten million criteria": (
        "oracle",
        ORACLE,
        lambda: in_members(CRITERIA, b'<criterion test_ref="t"/>' * 100_000, 100),
        "it has too many criteria",
    ),
    "an attribute of 100 MB": (
        "oracle",
        ORACLE,
        lambda: in_members(b'<oval_definitions a="', b"x" * (10 << 20), 10),
        "a tag or text of more than 4194304 bytes",
    ),
}


def packed_over_and_over(times: int) -> bytes:
    content = osv('"affected": []').encode()
    for _ in range(times):
        content = gzip.compress(content)
    return content


@pytest.fixture(scope="module")
def feeds():
    server = FeedServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def known(tmp_path_factory, feeds):
    """An installation that has taken each of the feeds once."""
    folder = tmp_path_factory.mktemp("known")
    made = Installation(folder / "data")
    made.import_advisories(advisories.write(folder / "covering", advisories.coverage()))
    feeds.serve_osv("PyPI", [advisories.record("TALLY-1", "PyPI", "tallyman-probe", fixed="2")])
    tracker = {"probe": {"CVE-2026-1": {"releases": {"sid": {"status": "open"}}}}}
    feeds.serve(DEBIAN, json.dumps(tracker).encode(), etag='"1"')
    made.do("db", "update", "osv/PyPI", "debian", "--force", *feeds.mirror)
    return made, revision(made), loaded(made)


def revision(installation) -> str:
    return installation.do("db", "info", "--format", "json").json()["revision"]


def loaded(installation) -> dict:
    info = installation.do("db", "info", "--format", "json").json()
    return {feed["feed"]: feed["advisories"] for feed in info["feeds"]}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_publisher_that_attacks_is_refused_and_the_old_index_stays(
    known, feeds, flagged_layout, attack
):
    installation, before, counts = known
    feed, path, make, words = HOSTILE[attack]
    feeds.serve(path, make(), etag=f'"{attack}"')
    run, peak = program.run_measured(
        "db", "update", feed, *feeds.mirror, "--format", "json", "--data", installation.data
    )
    (outcome,) = run.expect(3).json()["feeds"]
    assert outcome["feed"] == feed and outcome["result"] == "failed"
    assert words in outcome["reason"], outcome["reason"]
    assert "what was known stays" in outcome["next_step"]
    assert peak < PEAK_BYTES, f"{peak >> 20} MiB"
    assert (revision(installation), loaded(installation)) == (before, counts)
    info = installation.do("db", "info", "--format", "json").json()
    (source,) = [source for source in info["sources"] if source["feed"] == feed]
    assert words in source["failure"]
    assert source["age_days"] == (0 if feed in ("osv/PyPI", "debian") else None)
    report = installation.scan(flagged_layout).json()
    assert report["advisories"]["revision"] == before
    found = [finding for package in report["packages"] for finding in package["findings"]]
    assert [finding["id"] for finding in found] == ["TALLY-1"]


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_file_that_attacks_is_refused_and_the_old_index_stays(known, tmp_path, attack):
    installation, before, counts = known
    _, _, make, words = HOSTILE[attack]
    path = tmp_path / "hostile"
    path.write_bytes(make())
    run, peak = program.run_measured("db", "import", path, "--data", installation.data)
    assert "hostile" in run.stderr and words in run.stderr, run
    assert peak < PEAK_BYTES, f"{peak >> 20} MiB"
    assert (revision(installation), loaded(installation)) == (before, counts)


def test_the_updates_of_a_repository_must_be_those_of_its_metadata(known, feeds):
    installation, before, counts = known
    for place, base in [("/2/core/latest/x86_64", "core"), ("/al2023/core/mirrors/latest/x86_64", "al")]:
        feeds.serve(f"/cdn.amazonlinux.com{place}/mirror.list", f"{feeds.url}/{base}/\n".encode())
        repomd = f"""<repomd><data type="updateinfo"><checksum type="sha256">{'ab' * 32}</checksum>
            <location href="repodata/u.xml.gz"/></data></repomd>"""
        for where in (f"/{base}", f"/127.0.0.1/{base}"):
            feeds.serve(f"{where}/repodata/repomd.xml", repomd.encode())
            feeds.serve(f"{where}/repodata/u.xml.gz", gzip.compress(b"<updates></updates>"))
    run = installation.run("db", "update", "amazon", *feeds.mirror, "--format", "json").expect(3)
    (outcome,) = run.json()["feeds"]
    assert "digest" in outcome["reason"], outcome
    assert (revision(installation), loaded(installation)) == (before, counts)


def test_an_old_index_says_its_age_when_it_is_used(known, feeds, flagged_layout):
    installation, before, _ = known
    feeds.serve(OSV, b"broken", etag='"broken"')
    installation.run("db", "update", "osv/PyPI", *feeds.mirror).expect(3)
    table = installation.do("db", "info").stdout
    assert "osv/PyPI" in table and "Days ago" in table and "not a feed" in table
    assert before in table
    report = installation.scan(flagged_layout).json()
    dates = {feed["name"]: feed["data_ms"] for feed in report["advisories"]["feeds"]}
    assert dates["osv/PyPI"] == 1_793_491_200_000  # 2026-11-01, when the record was changed

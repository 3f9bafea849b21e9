"""`tallyman db export`, `db import` and `db keygen`: one signed file for machines without a network."""

import stat

import pytest

from support import advisories, program
from support.agent import Agent
from support.installation import Installation


@pytest.fixture
def other(tmp_path):
    return Installation(tmp_path / "other")


def _learn(installation, tmp_path, *numbers):
    made = [advisories.record(f"TALLY-{n}", "PyPI", f"probe-{n}", fixed="1") for n in numbers]
    folder = tmp_path / f"records-{'-'.join(map(str, numbers))}"
    installation.do("db", "import", advisories.write(folder, made))


def _revision(installation) -> str:
    return installation.do("db", "info", "--format", "json").json()["revision"]


def _key(path) -> str:
    return program.run("db", "keygen", path).expect(0).stdout.strip()


def test_both_sides_have_one_revision_after_a_full_bundle_and_after_a_delta(
    installation, other, tmp_path
):
    _learn(installation, tmp_path, 1, 2)
    full, delta = tmp_path / "full.bundle", tmp_path / "delta.bundle"
    installation.do("db", "export", full)
    assert _revision(other) != _revision(installation)
    run = other.do("db", "import", full)
    assert "not signed" in run.stderr
    first = _revision(installation)
    assert _revision(other) == first
    _learn(installation, tmp_path, 2, 3)
    made = installation.do("db", "export", delta, "--since", first, "--format", "json").json()
    assert (made["since"], made["records"]) == (first, 1)
    assert delta.stat().st_size < full.stat().st_size / 10
    other.do("db", "update", "--offline", delta)
    assert _revision(other) == _revision(installation) != first
    refused = Installation(tmp_path / "third").run("db", "import", delta).expect(3)
    assert first in refused.stderr and "import a full bundle" in refused.stderr


def test_a_pinned_key_keeps_other_bundles_out(installation, other, tmp_path):
    key, stranger = tmp_path / "ours.key", tmp_path / "theirs.key"
    public = _key(key)
    _key(stranger)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    _learn(installation, tmp_path, 1)
    paths = {name: tmp_path / f"{name}.bundle" for name in ("signed", "unsigned", "strange")}
    installation.do("db", "export", paths["signed"], "--sign-key", key)
    installation.do("db", "export", paths["unsigned"])
    installation.do("db", "export", paths["strange"], "--sign-key", stranger)
    before = _revision(other)
    for name, reason in (("unsigned", "is not signed:"), ("strange", "not signed by a pinned key")):
        run = other.run("db", "import", paths[name], "--trust-key", public).expect(3)
        assert reason in run.stderr and f"{name}.bundle" in run.stderr
    changed = bytearray(paths["signed"].read_bytes())
    changed[len(changed) // 2] ^= 1
    paths["unsigned"].write_bytes(changed)
    assert "damaged" in other.run("db", "import", paths["unsigned"]).expect(3).stderr
    assert _revision(other) == before
    (other.data / "trusted-keys").write_text(f"# ours\n{public}\n")
    run = other.do("db", "import", paths["signed"])
    assert "warning" not in run.stderr
    assert _revision(other) == _revision(installation)


def test_an_older_bundle_is_refused_unless_it_is_wanted(installation, other, tmp_path):
    old, new = tmp_path / "old.bundle", tmp_path / "new.bundle"
    _learn(installation, tmp_path, 1)
    installation.do("db", "export", old)
    _learn(installation, tmp_path, 2)
    installation.do("db", "export", new)
    other.do("db", "import", new)
    revision = _revision(other)
    assert "--allow-older" in other.run("db", "import", old).expect(3).stderr
    assert _revision(other) == revision
    other.do("db", "import", old, "--allow-older")
    assert _revision(other) != revision


def test_a_key_is_never_written_over(tmp_path):
    path = tmp_path / "key"
    _key(path)
    before = path.read_text()
    program.run("db", "keygen", path).expect(3)
    assert path.read_text() == before


def _told(outcome) -> dict:
    """What `db diff` says became of which record."""
    feeds = outcome.expect(1).json()["feeds"]
    return {record["id"]: record["change"] for feed in feeds for record in feed["records"]}


def test_the_last_change_is_told_after_a_signed_bundle_and_after_a_delta(
    installation, other, flagged_layout, start_server, tmp_path
):
    key = tmp_path / "ours.key"
    (other.data).mkdir(parents=True, exist_ok=True)
    (other.data / "trusted-keys").write_text(_key(key) + "\n")
    probe = advisories.record("TALLY-PROBE", "PyPI", "tallyman-probe", fixed="99")
    first = [probe, advisories.record("TALLY-GOES", "PyPI", "probe-1", fixed="1")]
    first = advisories.write(tmp_path / "first", [*first, *advisories.coverage()])
    installation.import_advisories(first)
    full, later, delta = (tmp_path / f"{name}.bundle" for name in ("full", "later", "delta"))
    installation.do("db", "export", full, "--sign-key", key)
    other.do("db", "import", full)
    server = start_server(other)
    agent = Agent(tmp_path / "agent", "host")
    agent.report(server.url, other.root_key(), "--oci-layout", flagged_layout).expect(0)
    images = other.run("db", "diff", "--format", "json").expect(1).json()["images"]
    assert images == [], "the first answer is no change"

    # A full bundle takes the place of everything; only what differs is told.
    modified = "2026-11-02T00:00:00Z"
    gone = advisories.record("TALLY-GOES", "PyPI", "probe-1", fixed="1", withdrawn=modified)
    new = advisories.record("TALLY-NEW", "PyPI", "tallyman-probe", fixed="98")
    second = advisories.write(tmp_path / "second", [{**gone, "modified": modified}, new])
    installation.import_advisories(second)
    installation.do("db", "export", later, "--sign-key", key)
    before = _revision(other)
    other.do("db", "import", later)
    outcome = other.run("db", "diff", "--format", "json")
    assert _told(outcome) == {"TALLY-GOES": "withdrawn", "TALLY-NEW": "added"}
    told = outcome.json()
    assert (told["revision_before"], told["revision_after"]) == (before, _revision(installation))
    (image,) = told["images"]
    assert {it["id"]: it["change"] for it in image["vulnerabilities"]} == {"TALLY-NEW": "came"}

    third = {**probe, "modified": "2026-11-03T00:00:00Z"}
    third["affected"][0]["ranges"][0]["events"][1]["fixed"] = "0.1"
    installation.import_advisories(advisories.write(tmp_path / "third", [third]))
    installation.do("db", "export", delta, "--since", later, "--sign-key", key)
    before = _revision(other)
    other.do("db", "import", delta)
    outcome = other.run("db", "diff", "--format", "json")
    assert _told(outcome) == {"TALLY-PROBE": "changed"}
    told = outcome.json()
    assert (told["revision_before"], told["revision_after"]) == (before, _revision(installation))
    (image,) = told["images"]
    assert {it["id"]: it["change"] for it in image["vulnerabilities"]} == {"TALLY-PROBE": "went"}
    # The same once more changes nothing, and is no change that hides the last one.
    other.run("db", "import", delta)
    assert _told(other.run("db", "diff", "--format", "json")) == {"TALLY-PROBE": "changed"}

"""`tallyman db diff`: which records came, changed and were withdrawn."""

import pytest

from support import advisories, program

FEED = "osv/PyPI"


def _record(identifier: str, fixed: str = "2", **options) -> dict:
    return advisories.record(identifier, "PyPI", "tallyman-probe", fixed=fixed, **options)


def _changes(outcome) -> dict:
    """Every record that differs, with what became of it and of what."""
    (feed,) = outcome.expect(1).json()["feeds"]
    assert feed["feed"] == FEED
    return {it["id"]: (it["change"], it.get("what", [])) for it in feed["records"]}


@pytest.fixture
def imported(installation, tmp_path):
    """Imports two states of a few records; returns the files that were exported of each."""
    later = "2026-11-02T00:00:00Z"
    first = [_record("TALLY-GOES"), _record("TALLY-CHANGES"), _record("TALLY-STAYS")]
    second = [
        {**_record("TALLY-GOES", withdrawn=later), "modified": later},
        {**_record("TALLY-CHANGES", fixed="3"), "modified": later},
        _record("TALLY-COMES"),
    ]
    files = []
    for number, records in enumerate([first, second]):
        directory = advisories.write(tmp_path / f"records-{number}", records)
        installation.import_advisories(directory)
        files.append(tmp_path / f"export-{number}.zst")
        installation.do("db", "export", files[-1])
    return files


EXPECTED = {
    "TALLY-COMES": ("added", []),
    "TALLY-CHANGES": ("changed", ["ranges"]),
    "TALLY-GOES": ("withdrawn", []),
}


def test_the_last_change_of_an_installation_is_told(installation, imported):
    outcome = installation.run("db", "diff", "--format", "json")
    assert _changes(outcome) == EXPECTED
    told = outcome.json()
    info = installation.do("db", "info", "--format", "json").json()
    assert told["revision_after"] == info["revision"] != told["revision_before"]
    table = installation.run("db", "diff").expect(1).stdout
    assert "TALLY-CHANGES" in table and "ranges" in table
    assert f"{FEED}: 1 added, 1 changed, 1 withdrawn" in table


def test_files_and_data_directories_are_compared(installation, imported):
    older, newer = imported
    for new in (newer, installation.data):
        outcome = program.run("db", "diff", older, new, "--format", "json")
        assert _changes(outcome) == EXPECTED
    assert _changes(installation.run("db", "diff", older, "--format", "json")) == EXPECTED
    assert "Nothing differs" in installation.do("db", "diff", newer).stdout


def test_what_cannot_be_compared_is_named(installation, imported, tmp_path):
    outcome = program.run("db", "diff", tmp_path / "missing", imported[0])
    assert outcome.exit_code == 3
    assert "missing" in outcome.stderr
    (installation.data / "advisories" / "journal.json").unlink()
    outcome = installation.run("db", "diff")
    assert outcome.exit_code == 3
    assert "db export" in outcome.stderr

"""Help."""

import pytest

from cli.commands import COMMANDS
from support import program


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words) or "tallyman")
def test_every_command_explains_itself(command):
    outcome = program.run(*command, "--help").expect(0)
    assert "Usage:" in outcome.stdout
    assert outcome.stderr == ""


def test_the_first_page_names_every_command():
    shown = program.run("--help").expect(0).stdout
    missing = [words[0] for words in COMMANDS if words and words[0] not in shown]
    assert missing == []


def test_the_exit_codes_of_a_scan_are_documented():
    shown = program.run("scan", "--help").expect(0).stdout
    assert "--fail-on" in shown and "--platform" in shown and "--format" in shown


def test_the_version_is_told():
    assert program.run("--version").expect(0).stdout.startswith("tallyman ")

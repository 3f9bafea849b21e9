"""`tallyman scan`: what it prints and how it ends."""

import pytest

from images.oci_builder import write_layout
from support import program
from support.fleet import python_distribution

VULNERABLE, USAGE, NOT_ANALYSED = 1, 2, 3


def test_a_clean_image_ends_with_zero(judging, clean_layout):
    judging.scan(clean_layout).expect(0)
    judging.scan(clean_layout, "--fail-on", "low").expect(0)


def test_findings_alone_do_not_fail(judging, flagged_layout):
    judging.scan(flagged_layout).expect(0)


@pytest.mark.parametrize(
    "severity, code",
    [
        ("low", VULNERABLE),
        ("medium", VULNERABLE),
        ("high", VULNERABLE),
        ("critical", 0),
        ("HIGH", VULNERABLE),
        # Of high severity, and nothing is known of its exploitation.
        ("asap", 0),
        ("later", VULNERABLE),
        ("nntf", VULNERABLE),
        ("kev", 0),
        ("critical,kev", 0),
        ("kev,high", VULNERABLE),
    ],
)
def test_fail_on_is_a_threshold(judging, flagged_layout, severity, code):
    outcome = judging.scan(flagged_layout, "--fail-on", severity).expect(code)
    assert outcome.json()["packages"][0]["findings"][0]["id"] == "TALLY-2026-0001"


def test_any_of_several_thresholds_is_enough(judging, flagged_layout):
    judging.scan(flagged_layout, "--fail-on", "kev", "--fail-on", "later").expect(VULNERABLE)
    judging.scan(flagged_layout, "--fail-on", "kev", "--fail-on", "asap").expect(0)


def test_failing_to_analyse_outranks_fail_on(judging, tmp_path):
    missing = tmp_path / "missing.tar"
    judging.scan(missing, "--fail-on", "low").expect(NOT_ANALYSED)


def test_the_table_is_the_default_and_names_image_package_and_vulnerability(
    judging, flagged_layout
):
    shown = judging.do("scan", flagged_layout).stdout
    for word in (
        "registry.example.com/tools/flagged:1",
        "tallyman-probe",
        "1.0.0",
        "1.2.0",
        "TALLY-2026-0001",
    ):
        assert word in shown


def test_results_go_to_standard_output_alone(judging, flagged_layout):
    outcome = judging.scan(flagged_layout).expect(0)
    assert outcome.json()["image"]["name"]
    assert "TALLY-2026-0001" not in outcome.stderr


def test_output_that_is_not_a_terminal_has_no_colour(judging, flagged_layout):
    outcome = judging.run("scan", flagged_layout, env={"NO_COLOR": ""}).expect(0)
    assert "\x1b" not in outcome.stdout + outcome.stderr


def test_a_scan_needs_no_data_directory(clean_layout, tmp_path):
    outcome = program.run(
        "scan", clean_layout, "--format", "json", cwd=tmp_path, env={"HOME": str(tmp_path)}
    )
    assert outcome.exit_code in (0, NOT_ANALYSED), str(outcome)
    assert outcome.json()["packages"][0]["name"] == "iniconfig"


def test_the_shipped_snapshot_knows_real_vulnerabilities(builder, installation, tmp_path):
    image = builder.image([builder.layer(python_distribution("Jinja2", "2.10"))])
    layout = write_layout(tmp_path / "layout", {"x:1": image})
    report = installation.scan(layout).expect(0).json()
    names = {n for f in report["packages"][0]["findings"] for n in (f["id"], *f["aliases"])}
    assert "CVE-2019-10906" in names


@pytest.mark.parametrize(
    "arguments, word",
    [
        (("--fail-on", "dreadful"), "dreadful"),
        (("--platform", "amd64"), "amd64"),
        (("--format", "yaml"), "yaml"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_a_bad_option_is_a_usage_error_that_names_it(judging, clean_layout, arguments, word):
    outcome = judging.run("scan", clean_layout, *arguments).expect(USAGE)
    assert word in outcome.stderr
    assert outcome.stdout == ""


def test_an_image_is_mandatory():
    outcome = program.run("scan").expect(USAGE)
    assert "IMAGE" in outcome.stderr


def test_a_reference_that_cannot_be_one_is_named(judging):
    outcome = judging.scan("UPPER CASE!!/x:y:z")
    assert outcome.exit_code in (USAGE, NOT_ANALYSED), str(outcome)
    assert "UPPER CASE!!" in outcome.stderr


def test_a_file_that_does_not_exist_is_named(judging, tmp_path):
    outcome = judging.scan(tmp_path / "missing.tar").expect(NOT_ANALYSED)
    assert "missing.tar" in outcome.stderr


def test_a_file_that_is_no_image_is_named(judging, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is not an image.\n" * 100)
    outcome = judging.scan(path).expect(NOT_ANALYSED)
    assert "letter.txt" in outcome.stderr


def test_a_directory_that_is_no_layout_is_named(judging, tmp_path):
    (tmp_path / "empty").mkdir()
    outcome = judging.scan(tmp_path / "empty").expect(NOT_ANALYSED)
    assert "empty" in outcome.stderr


def test_an_error_says_nothing_of_the_program_itself(judging, tmp_path):
    outcome = judging.scan(tmp_path / "missing.tar")
    for word in ("panicked", "RUST_BACKTRACE", "src/"):
        assert word not in outcome.stderr

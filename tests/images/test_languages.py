"""What languages' tools installed or locked is what they themselves say."""

import pytest

from images import language_projects
from images.scan_report import ScanReport


def _report(installation, root) -> ScanReport:
    # Nobody has advisories for a directory without a distribution; the packages are what matters.
    outcome = installation.scan(f"dir:{root}")
    return ScanReport(outcome.json())


@pytest.mark.parametrize("version", language_projects.NPM_LOCK_VERSIONS)
def test_a_lock_of_npm_names_what_npm_would_install(installation, version):
    project = language_projects.npm_project(version)
    expected = language_projects.npm_locked(project)
    assert ("express", "4.16.0") in expected
    assert "mocha" not in dict(expected)
    assert _report(installation, project).versions("npm") == expected


def test_gems_are_those_of_gem_list(installation, tmp_path):
    installed = language_projects.installed_gems(tmp_path)
    expected = language_projects.gem_list(installed)
    assert dict(expected) == language_projects.GEMS
    report = _report(installation, installed)
    assert report.versions("gem") == expected
    assert {p["path"] for p in report.packages("gem")} == {
        f"specifications/{name}-{version}.gemspec" for name, version in expected
    }


def test_composers_packages_are_those_of_composer_show(installation, tmp_path):
    project = language_projects.composer_project(tmp_path)
    expected = language_projects.composer_show(project)
    assert expected == {("acme/lib", "1.4.0")}
    report = _report(installation, project)
    assert report.versions("composer") == expected
    paths = {package["path"] for package in report.packages("composer")}
    assert paths == {"composer.lock", "vendor/composer/installed.json"}

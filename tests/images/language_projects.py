"""Projects of languages' own tools, made on the spot, each with what the tool itself says is in it."""

import json
import os
from pathlib import Path

from images.package_tools import once, run

NPM_MANIFEST = {
    "name": "shop",
    "version": "3.0.0",
    "private": True,
    "dependencies": {"express": "4.16.0", "@babel/traverse": "7.22.0"},
    "devDependencies": {"minimist": "1.2.0", "mocha": "10.2.0"},
}
NPM_LOCK_VERSIONS = (1, 2, 3)
GEMS = {"alpha": "1.2.3", "beta": "0.1.0.pre1"}


def npm_project(lock_version: int) -> Path:
    """A directory with a manifest and a lock in one of npm's formats, and nothing installed."""

    def lock(made: Path):
        made.mkdir()
        (made / "package.json").write_text(json.dumps(NPM_MANIFEST))
        run(
            "npm",
            "install",
            "--package-lock-only",
            f"--lockfile-version={lock_version}",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            cwd=made,
        )

    return once(f"npm-lock-{lock_version}", lock)


def npm_locked(project: Path) -> set:
    """What `npm ls` says that a lock installs without development: (name, version)."""
    shown = run("npm", "ls", "--all", "--omit=dev", "--package-lock-only", "--json", cwd=project)
    found = set()

    def collect(node: dict):
        for name, below in node.get("dependencies", {}).items():
            if "version" in below:
                found.add((name, below["version"]))
            collect(below)

    collect(json.loads(shown))
    return found


def installed_gems(scratch: Path) -> Path:
    """A directory into which RubyGems installed gems that it built just before."""
    source, installed = scratch / "source", scratch / "installed"
    (source / "lib").mkdir(parents=True)
    for name, version in GEMS.items():
        (source / f"lib/{name}.rb").touch()
        (source / f"{name}.gemspec").write_text(
            "Gem::Specification.new do |s|\n"
            f"  s.name, s.version, s.summary = '{name}', '{version}', 'x'\n"
            f"  s.authors, s.files = ['André'], ['lib/{name}.rb']\nend\n"
        )
        run("gem", "build", "--silent", f"{name}.gemspec", cwd=source)
    files = sorted(source.glob("*.gem"))
    run("gem", "install", "--local", "--no-document", "--install-dir", installed, *files)
    return installed


def gem_list(installed: Path) -> set:
    """What `gem list` shows of a directory, without the gems that Ruby brings along."""
    environment = {**os.environ, "GEM_HOME": str(installed), "GEM_PATH": str(installed)}
    shown = run("gem", "list", "--local", "--all", "--prerelease", env=environment)
    rows = (line.rstrip(")").split(" (") for line in shown.splitlines() if " (" in line)
    return {(name, version) for name, version in rows if not version.startswith("default")}


def composer_project(scratch: Path) -> Path:
    """A directory in which Composer installed a package from another directory."""
    library, project = scratch / "library", scratch / "project"
    library.mkdir(parents=True)
    project.mkdir()
    (library / "composer.json").write_text('{"name": "acme/lib", "version": "1.4.0"}')
    repository = {"type": "path", "url": str(library), "options": {"symlink": False}}
    manifest = {
        "name": "acme/shop",
        "repositories": [{"packagist.org": False}, repository],
        "require": {"acme/lib": "*"},
    }
    (project / "composer.json").write_text(json.dumps(manifest))
    environment = {
        **os.environ,
        "COMPOSER_ALLOW_SUPERUSER": "1",
        "COMPOSER_HOME": str(scratch / "home"),
    }
    run("composer", "install", "--quiet", "--no-interaction", cwd=project, env=environment)
    return project


def composer_show(project: Path) -> set:
    """What `composer show` says is installed: (name, version)."""
    environment = {**os.environ, "COMPOSER_ALLOW_SUPERUSER": "1"}
    shown = run("composer", "show", "--format=json", "--no-interaction", cwd=project, env=environment)
    return {(item["name"], item["version"]) for item in json.loads(shown)["installed"]}

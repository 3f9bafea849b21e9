"""Real packages of real package managers, fetched once and kept under the test environment's cache.

Each kind comes with its oracle: what the package manager itself says is installed.
"""

import json
import os
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from packaging.utils import canonicalize_name

from images.package_tools import once, run

SITE_PACKAGES = "opt/app/lib/python3.11/site-packages"
NODE_PREFIX = "usr"
GO_BINARY = "usr/local/bin/greeter"

# Old releases on purpose: all of them have known vulnerabilities.
PYTHON_PACKAGES = ("jinja2==2.10", "requests==2.19.1", "urllib3==1.23", "django==2.2.0")
# No pure wheel of this release exists; the metadata is what matters here.
FOREIGN_WHEEL = "pyyaml==5.1"
NODE_PACKAGES = ("lodash@4.17.4", "minimist@1.2.0", "express@4.16.0", "@babel/traverse@7.22.0")
JAVA_PACKAGES = ("liblog4j2-java", "libcommons-io-java", "libguava-java", "libjackson2-core-java")
GO_MODULE = """module example.com/greeter

go 1.21

require golang.org/x/text v0.3.7
"""
GO_SOURCE = """package main

import (
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

func main() {
	message.NewPrinter(language.German).Println("hello")
}
"""


def debian_rootfs() -> Path:
    """The tar of a minimal Debian 12."""
    return once(
        "debian-bookworm-minbase.tar",
        lambda made: run("mmdebstrap", "--variant=minbase", "--mode=root", "bookworm", made),
    )


def debian_metadata() -> Path:
    """A directory with what a scanner reads of the Debian rootfs: dpkg's files and os-release."""

    def extract(made: Path):
        wanted = (
            "./var/lib/dpkg/",
            "./etc/os-release",
            "./usr/lib/os-release",
            "./etc/debian_version",
        )
        made.mkdir()
        with tarfile.open(debian_rootfs()) as tar:
            members = [
                m for m in tar if m.name.startswith(wanted) and not m.isdir() and not m.isdev()
            ]
            tar.extractall(made, members, filter="tar")

    return once("debian-bookworm-metadata", extract)


def dpkg_packages(root: Path) -> list:
    """What dpkg-query says is installed: name, version, architecture, source name and version."""
    fields = [
        "Package",
        "Version",
        "Architecture",
        "source:Package",
        "source:Version",
        "db:Status-Status",
    ]
    shown = run(
        "dpkg-query",
        f"--admindir={root}/var/lib/dpkg",
        "-W",
        "-f",
        "\\t".join(f"${{{name}}}" for name in fields) + "\\n",
    )
    rows = [line.split("\t") for line in shown.splitlines()]
    return [tuple(row[:5]) for row in rows if row[5] == "installed"]


def python_packages() -> Path:
    """A site-packages directory that pip filled."""

    def install(made: Path):
        pip = (
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--target",
            made,
        )
        run(*pip, *PYTHON_PACKAGES)
        run(
            *pip,
            "--no-deps",
            "--only-binary=:all:",
            "--platform",
            "win_amd64",
            "--python-version",
            "3.7",
            "--implementation",
            "cp",
            "--abi",
            "cp37m",
            FOREIGN_WHEEL,
        )
        shutil.rmtree(made / "bin", ignore_errors=True)

    return once("python-packages", install)


def pip_packages(directory: Path) -> set:
    """What `pip list` says of a directory: (normalised name, version)."""
    shown = run(
        sys.executable,
        "-m",
        "pip",
        "list",
        "--disable-pip-version-check",
        "--path",
        directory,
        "--format",
        "json",
    )
    return {(canonicalize_name(item["name"]), item["version"]) for item in json.loads(shown)}


def node_packages() -> Path:
    """A prefix into which npm installed globally: `lib/node_modules` lies beneath it."""

    def install(made: Path):
        made.mkdir()
        run(
            "npm",
            "install",
            "--global",
            "--prefix",
            made,
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            *NODE_PACKAGES,
        )
        shutil.rmtree(made / "bin", ignore_errors=True)

    return once("node-packages", install)


def npm_packages(prefix: Path) -> set:
    """What `npm ls` says is installed beneath a prefix: (name, version)."""
    shown = run(
        "npm", "ls", "--global", "--prefix", prefix, "--all", "--json", "--loglevel=silent"
    )
    found = set()

    def walk(node: dict):
        for name, child in node.get("dependencies", {}).items():
            found.add((name, child["version"]))
            walk(child)

    walk(json.loads(shown))
    return found


def go_binary() -> Path:
    """A small program that links one module, built for Linux."""

    def build(made: Path):
        source = made.parent / "source"
        source.mkdir()
        (source / "go.mod").write_text(GO_MODULE)
        (source / "main.go").write_text(GO_SOURCE)
        env = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=mod",
            "GOTOOLCHAIN": "local",
            "GOOS": "linux",
            "GOARCH": "amd64",
        }
        run("go", "build", "-o", made, ".", cwd=source, env=env)

    return once("go-greeter", build)


def go_modules(binary: Path) -> set:
    """What `go version -m` says a program links: (module, version), with the standard library."""
    lines = run("go", "version", "-m", binary).splitlines()
    toolchain = lines[0].rsplit(" ", 1)[1].removeprefix("go")
    words = [line.split() for line in lines[1:]]
    return {(w[1], w[2]) for w in words if w[0] == "dep"} | {("stdlib", toolchain)}


def java_archives() -> list:
    """The jars of some Debian packages."""

    def download(made: Path):
        made.mkdir()
        run("apt-get", "download", *JAVA_PACKAGES, cwd=made)
        for package in made.glob("*.deb"):
            run("dpkg-deb", "--extract", package, made)
            package.unlink()

    jars = once("java-archives", download).glob("usr/share/java/*.jar")
    # Most names are links to the file with the version in its name.
    return sorted(jar for jar in jars if not jar.is_symlink())


def maven_coordinates(archive) -> set:
    """What Maven wrote into a jar about itself: (group:artifact, version)."""
    found = set()
    with zipfile.ZipFile(archive) as jar:
        for name in jar.namelist():
            if name.rsplit("/", 1)[-1] == "pom.properties":
                lines = jar.read(name).decode().splitlines()
                told = dict(line.split("=", 1) for line in lines if "=" in line)
                found.add((f"{told['groupId']}:{told['artifactId']}", told["version"]))
    return found


def unpackaged_program(path: str) -> tuple:
    """A program of Debian and the version that its package has upstream."""
    with tarfile.open(debian_rootfs()) as tar:
        content = tar.extractfile(f".{path}").read()
    root = debian_metadata()
    owners = [
        listed.name.removesuffix(".list").split(":")[0]
        for listed in (root / "var/lib/dpkg/info").glob("*.list")
        if {path, path.removeprefix("/usr")} & set(listed.read_text().splitlines())
    ]
    packages = {name: version for name, version, *_ in dpkg_packages(root)}
    version = packages[owners[0]].split(":")[-1]
    return content, re.match(r"[0-9]+(\.[0-9]+)+[a-z]?", version)[0]


def dpkg_status_without(root: Path, package: str) -> bytes:
    """The status file of a rootfs after one package was purged."""
    text = (root / "var/lib/dpkg/status").read_text()
    kept = [
        p for p in text.split("\n\n") if p.strip() and not p.startswith(f"Package: {package}\n")
    ]
    return ("\n\n".join(kept) + "\n\n").encode()

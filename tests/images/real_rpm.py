"""Databases that real releases of rpm made, one in each format, and what these list of them."""

import json
import os
import subprocess
from pathlib import Path

from images.package_tools import once, run

FORMATS = ("sqlite", "ndb", "bdb")

# rpm writes SQLite here, and the older formats where Debian still has, or again has, their code.
_SUITES = {"ndb": "trixie", "bdb": "bullseye"}
_FILES = {"sqlite": "rpmdb.sqlite", "ndb": "Packages.db", "bdb": "Packages"}

_SPEC = """
Name: first
Version: 1.2
Release: 3.el8
Summary: s
License: MIT
BuildArch: noarch
%description
d
%package -n aged
Summary: s
Epoch: 2
%description -n aged
d
%package -n full
Summary: s
Version: 7~rc1
%description -n full
d
%files
%files -n aged
%files -n full
/opt/many
%install
mkdir -p %{buildroot}/opt/many
for i in $(seq 3000); do touch %{buildroot}/opt/many/a-file-of-many-$i; done
"""

_MODULAR_SPEC = """
Name: modular
Version: 16.1
Release: 1.module_el8
Epoch: 1
Summary: s
License: MIT
BuildArch: noarch
ModularityLabel: nodejs:16:8070020221212:bd1311ed
%description
d
%files
"""

_QUERY = "%{NAME}|%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}|%{ARCH}|%{SOURCERPM}|%{MODULARITYLABEL}\\n"


def database(kind: str) -> Path:
    """A directory with `file`, as rpm made it, and `list`, what rpm says of it."""

    def make(made: Path):
        made.mkdir()
        program, options = _rpm(kind)
        packages = sorted(str(path) for path in _packages().rglob("*.rpm"))
        directory = made / "db"
        options = [*options, "--dbpath", str(directory)]
        _call(program, "-i", "--justdb", "--nodeps", *options, *packages)
        rows = _call(program, "-qa", "--qf", _QUERY, *options).splitlines()
        (made / "list").write_text(json.dumps([row.split("|") for row in rows]))

    return once(f"rpm-database-{kind}", make)


def file_of(kind: str) -> Path:
    """The database itself."""
    return database(kind) / "db" / _FILES[kind]


def packages_of(kind: str) -> set:
    """What rpm lists: name, version, architecture, source RPM, module."""
    return {tuple(row) for row in json.loads((database(kind) / "list").read_text())}


def _packages() -> Path:
    def build(made: Path):
        made.mkdir()
        for name, spec in (("plain", _SPEC), ("modular", _MODULAR_SPEC)):
            path = made / f"{name}.spec"
            path.write_text(spec)
            defined = (f"_topdir {made}/top", f"_rpmdir {made}/out")
            run("rpmbuild", "-bb", *[word for it in defined for word in ("--define", it)], path)

    return once("rpm-packages", build)


def _rpm(kind: str) -> tuple:
    """The program, with its environment, that writes a format, and its options."""
    if kind not in _SUITES:
        return (["rpm"], {}), []
    suite = _SUITES[kind]
    root = once(
        f"rpm-of-{suite}",
        lambda made: run("mmdebstrap", "--variant=extract", "--include=rpm", "--mode=root", suite, made),
    )
    # Neither installed nor run in its own root: only its files are used.
    loader = next(root.glob("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), None) or next(
        root.glob("lib/x86_64-linux-gnu/ld-*.so*")
    )
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
    program = [loader, "--library-path", libraries, root / "usr/bin/rpm", "--noplugins"]
    settings = {"RPM_CONFIGDIR": str(root / "usr/lib/rpm")}
    return (program, settings), ["--define", f"_db_backend {kind}"]


def _call(program: tuple, *arguments) -> str:
    command, settings = program
    done = subprocess.run(
        [str(word) for word in (*command, *arguments)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout

"""Images with documents that take a reader with a quadratic step hours, one for each format."""

from pathlib import Path

from hostile.image import Hostile, Workshop, analyzed, witness
from hostile.layer_stream import entry

# A file of each format that is read; see docs/analyzers.md.
FILES = """
etc/os-release
opt/a/x-1.dist-info/METADATA
opt/a/x.egg-info
srv/conda-meta/x.json
srv/poetry.lock
srv/pdm.lock
srv/uv.lock
srv/pylock.toml
srv/Pipfile.lock
srv/requirements.txt
srv/node_modules/a/package.json
srv/package-lock.json
srv/yarn.lock
srv/pnpm-lock.yaml
srv/bun.lock
srv/go.mod
srv/Cargo.lock
srv/specifications/x.gemspec
srv/Gemfile.lock
srv/composer/installed.json
srv/composer.lock
srv/x.deps.json
srv/packages.lock.json
srv/packages.config
srv/Directory.Packages.props
srv/pubspec.lock
srv/mix.lock
srv/rebar.lock
srv/Package.resolved
srv/cabal.project.freeze
srv/stack.yaml.lock
srv/DESCRIPTION
srv/conaninfo.txt
srv/conan.lock
""".split()

# What is repeated, behind a beginning.
PATTERNS = [
    ("", "a"),
    ("", " "),
    ("", "\n"),
    ("", "\r"),
    ("", "\\"),
    ("", '"'),
    ("", "'"),
    ("", "a: "),
    ("", "- "),
    ("", "  a:\n"),
    ("", "a=1\n"),
    ("", "[a]\n"),
    ("", "[[package]]\n"),
    ("", "<a "),
    ("", "<!--"),
    ("", "#"),
    ("", "/*"),
    ("", "a,"),
    ("", "%{"),
    ("", "\ufeff"),
    ("", "ä"),
    ("{", '"a":"b",'),
    ('{"', "\\u0041"),
    ("[", "{},"),
    ("a: |\n", "  b\n"),
    ("a: >\n", "  b \n"),
    ("Name: a", "\n continued"),
    ('x = """', "\\\n "),
]


def _documents(count: int):
    """Every pattern in every format, so many bytes of each."""

    def make(workshop: Workshop) -> Path:
        # Noise pays for the ratio.
        pieces = [entry("noise", workshop.noise(4 << 20))]
        for path in FILES:
            for number, (head, pattern) in enumerate(PATTERNS):
                content = head + pattern * (count // len(pattern.encode()))
                pieces.append(entry(f"{number}/{path}", content))
        return workshop.layout(workshop.gzip(*pieces, witness()))

    return make


IMAGES = [
    Hostile(
        "documents-small",
        "28 repetitive documents of 128 KiB in each of 34 formats",
        _documents(128 << 10),
        analyzed("srv/node_modules/a/package.json"),
    ),
    Hostile(
        "documents-large",
        "28 repetitive documents of 800 KiB in each of 34 formats",
        _documents(800 << 10),
        analyzed("srv/node_modules/a/package.json"),
        is_large=True,
    ),
]

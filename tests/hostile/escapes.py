"""Images that reach out of themselves: by names, by links, by whiteouts.

Outside lies what would show: the metadata of a package, a package database. The images name it by
the path that it really has on this machine.
"""

from pathlib import Path

from hostile.image import WITNESS, Hostile, Workshop, analyzed, failed, witness
from hostile.layer_stream import DIRECTORY, HARD_LINK, SYMLINK, entry, extended, header
from support.fleet import python_distribution

UP = "../" * 30
STOLEN = "Metadata-Version: 2.1\nName: stolen\nVersion: 6.6.6\n"
STATUS = "Package: stolen\nStatus: install ok installed\nArchitecture: all\nVersion: 6.6.6\n\n"
PACKAGE = "opt/app/stolen-6.6.6.dist-info/METADATA"


def _outside(workshop: Workshop, content: str, name: str = "METADATA") -> Path:
    outside = workshop.path("outside") / "stolen-6.6.6.dist-info" / name
    outside.parent.mkdir(parents=True)
    outside.write_text(content)
    return outside


def _traversal(workshop: Workshop) -> Path:
    written = workshop.path("written") / "stolen-6.6.6.dist-info" / "METADATA"
    absolute = str(written)
    return workshop.layout(
        workshop.gzip(
            entry(UP + absolute.lstrip("/"), STOLEN),
            entry(f"opt/../{UP}{PACKAGE}", STOLEN),
            witness(),
        )
    )


def _absolute(workshop: Workshop) -> Path:
    """An absolute name is one in the image, as the engines take it."""
    return workshop.layout(workshop.gzip(entry(f"//./opt/x/..//../{PACKAGE}", STOLEN), witness()))


def _nul(workshop: Workshop) -> Path:
    name = extended({"path": PACKAGE.encode() + b"\0.txt"})
    return workshop.layout(workshop.gzip(name, header(b"x", 0), witness()))


def _symlink_to_file(workshop: Workshop) -> Path:
    outside = _outside(workshop, STOLEN)
    up = UP + str(outside).lstrip("/")
    return workshop.layout(
        workshop.gzip(
            entry(PACKAGE, kind=SYMLINK, link=str(outside)),
            entry("opt/b/stolen-6.6.6.dist-info/METADATA", kind=SYMLINK, link=up),
            witness(),
        )
    )


def _symlink_to_database(workshop: Workshop) -> Path:
    outside = _outside(workshop, STATUS, "status")
    link = entry("var/lib/dpkg/status", kind=SYMLINK, link=str(outside))
    return workshop.layout(workshop.gzip(entry("etc/os-release", "ID=debian\nVERSION_ID=12\n"), link))


def _symlink_to_directory(workshop: Workshop) -> Path:
    """The next entry goes through the link, which an unpacking scanner would follow."""
    outside = _outside(workshop, STOLEN)
    return workshop.layout(
        workshop.gzip(
            entry("opt/out", kind=SYMLINK, link=str(outside.parent.parent)),
            entry("opt/out/planted", "by the image"),
            entry("opt/host", kind=SYMLINK, link="/"),
            witness(),
        )
    )


def _symlink_loop(workshop: Workshop) -> Path:
    return workshop.layout(
        workshop.gzip(
            entry("opt/a", kind=SYMLINK, link="b"),
            entry("opt/b", kind=SYMLINK, link="a"),
            entry("opt/self", kind=SYMLINK, link="self"),
            entry("opt/up", kind=SYMLINK, link=".."),
            entry("opt/a/b/a/b/METADATA", STOLEN),
            witness(),
        )
    )


def _hard_link_to_file(workshop: Workshop) -> Path:
    outside = _outside(workshop, STOLEN)
    up = UP + str(outside).lstrip("/")
    return workshop.layout(
        workshop.gzip(
            entry(PACKAGE, kind=HARD_LINK, link=str(outside)),
            entry("opt/b/stolen-6.6.6.dist-info/METADATA", kind=HARD_LINK, link=up),
            witness(),
        )
    )


def _hard_link_to_database(workshop: Workshop) -> Path:
    outside = _outside(workshop, STATUS, "status")
    link = entry("var/lib/dpkg/status", kind=HARD_LINK, link=str(outside))
    return workshop.layout(workshop.gzip(entry("etc/os-release", "ID=debian\nVERSION_ID=12\n"), link))


def _whiteouts(workshop: Workshop) -> Path:
    """Whiteouts that climb hide nothing of the layer below, and none hides its own layer."""
    upper = workshop.gzip(
        entry(f"{UP}.wh.opt"),
        entry("opt/.wh..."),
        entry("opt/.wh..wh.."),
        entry("opt/.wh."),
        entry("opt/new", kind=DIRECTORY),
    )
    return workshop.layout(workshop.gzip(witness()), upper)


def _devices(workshop: Workshop) -> Path:
    """Devices and pipes in the place of files that are read."""
    kinds = (b"3", b"4", b"6")
    entries = [entry(f"opt/{k.decode()}/x-1.dist-info/METADATA", kind=k) for k in kinds]
    return workshop.layout(workshop.gzip(*entries, witness()))


def _package_of_another_name(workshop: Workshop) -> Path:
    """A package may call itself what it likes; its name stays a name."""
    layer = python_distribution("pluggy", "1.5.0")
    layer.file(
        "opt/app/odd-1.dist-info/METADATA",
        f"Metadata-Version: 2.1\nName: {UP}etc/passwd\nVersion: $(touch {workshop.path('ran')})\n",
    )
    return workshop.layout(workshop.gzip(layer.bytes()))


IMAGES = [
    Hostile("path-up", "names that climb out by `..`", _traversal, analyzed("leaves the root")),
    Hostile(
        "path-absolute",
        "an absolute name, which engines take for one in the image",
        _absolute,
        analyzed(packages={WITNESS, ("stolen", "6.6.6")}),
    ),
    Hostile("path-nul", "a name with a NUL byte", _nul, failed("NUL byte")),
    Hostile("symlink-file", "symbolic links to a file of the host", _symlink_to_file, analyzed()),
    Hostile(
        "symlink-database",
        "a package database that is a symbolic link to a file of the host",
        _symlink_to_database,
        failed("var/lib/dpkg/status", "links are not followed"),
    ),
    Hostile(
        "symlink-directory",
        "a symbolic link to a directory of the host, and a file written through it",
        _symlink_to_directory,
        analyzed(),
    ),
    Hostile("symlink-loop", "symbolic links to themselves", _symlink_loop, analyzed()),
    Hostile(
        "hardlink-file",
        "hard links to a file of the host",
        _hard_link_to_file,
        analyzed("which is not read", "leaves the root"),
    ),
    Hostile(
        "hardlink-database",
        "a package database that is a hard link to a file of the host",
        _hard_link_to_database,
        failed("var/lib/dpkg/status", "which is not read"),
    ),
    Hostile("whiteout-up", "whiteouts that climb out or name nothing", _whiteouts, analyzed()),
    Hostile("devices", "devices and pipes in place of metadata", _devices, analyzed()),
    Hostile(
        "package-name",
        "a package whose name is a path and whose version is a command",
        _package_of_another_name,
        analyzed(packages={WITNESS}),
    ),
]

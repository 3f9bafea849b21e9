"""Makes and scans the images for benches/hostile.sh."""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from hostile.image import Hostile, Workshop  # noqa: E402 (needs the line above)
from hostile.image_set import IMAGES  # noqa: E402
from support import advisories  # noqa: E402

BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"


@dataclass
class Scanned:
    """What one scan said and took."""

    image: Hostile
    said: str
    wall: float
    peak_mib: float
    layers_mib: float
    complaints: list

    def print(self):
        """One line for each figure."""
        print(f"{self.image.name}.as_expected={0 if self.complaints else 1} images")
        print(f"{self.image.name}.layers={self.layers_mib:.2f} MiB")
        print(f"{self.image.name}.wall={self.wall:.2f} s")
        print(f"{self.image.name}.peak={self.peak_mib:.0f} MiB", flush=True)

    def row(self) -> str:
        figures = f"{self.layers_mib:.2f} | {self.wall:.2f} | {self.peak_mib:.0f}"
        return f"| `{self.image.name}` | {self.image.title} | {self.said} | {figures} |"


def scan(tallyman: str, image: Hostile, directory: Path, records: Path) -> Scanned:
    """Makes an image and scans it with an installation that knows nothing."""
    layout = image.make(Workshop(directory / image.name))
    data, figures = directory / "data", directory / "figures"
    subprocess.run([tallyman, "db", "import", records, "--data", data], check=True, capture_output=True)
    done = subprocess.run(
        ["/usr/bin/time", "--quiet", "--format=%e %M", f"--output={figures}", tallyman]
        + ["scan", layout, "--format", "json", "--data", data],
        capture_output=True,
        text=True,
        errors="replace",
    )
    wall, peak = figures.read_text().split()
    said = "refused"
    if done.stdout:
        report = json.loads(done.stdout)
        said, told = report["state"]["state"], len(report["diagnostics"])
        said += f", {told} diagnostics" if told else ""
    blobs = sum(path.stat().st_size for path in (layout / "blobs").rglob("*") if path.is_file())
    complaints = image.expected.complaints(done.returncode, done.stdout, done.stderr)
    peak_mib = int(peak) / 1024
    if peak_mib > image.peak_mib_max:
        complaints.append(f"{peak_mib:.0f} MiB of memory, more than {image.peak_mib_max}")
    return Scanned(image, said, float(wall), peak_mib, blobs / (1 << 20), complaints)


def write_table(path: Path, rows: dict):
    """Puts rows in their place in the page; those of other images stay."""
    head = "| name | what it is | the scan says | MiB stored | s | peak MiB |\n|---|---|---|---:|---:|---:|\n"
    before, _, rest = path.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    known |= rows
    lines = [known[image.name] for image in IMAGES if image.name in known]
    path.write_text(before + BEGIN + head + "".join(f"{line}\n" for line in lines) + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tallyman", required=True)
    parser.add_argument("--write", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    chosen = [image for image in IMAGES if not arguments.names or image.name in arguments.names]
    rows, has_failed = {}, False
    for image in chosen:
        with tempfile.TemporaryDirectory() as directory:
            records = advisories.write(Path(directory) / "records", advisories.coverage())
            scanned = scan(arguments.tallyman, image, Path(directory), records)
        scanned.print()
        rows[image.name] = scanned.row()
        for complaint in scanned.complaints:
            has_failed = True
            print(f"{image.name}: {complaint[:2000]}", file=sys.stderr, flush=True)
    if arguments.write:
        write_table(arguments.write, rows)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()

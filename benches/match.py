"""Runs the steps of benches/match.sh and prints their figures."""

import argparse
import datetime
import io
import json
import os
import shutil
import statistics
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Iterator

import yaml
from scan import Command

PACKAGES = 1000
# What the index keeps of a document.
KEPT = ("id", "aliases", "upstream", "published", "severity")
KEPT_OF_PACKAGE = ("package", "ranges", "versions", "severity")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tallyman", required=True)
    parser.add_argument("--matching", required=True)
    parser.add_argument("layout", type=Path)
    parser.add_argument("advisories", type=Path, nargs="+")
    arguments = parser.parse_args()
    runs = int(os.environ.get("RUNS", "9"))
    with tempfile.TemporaryDirectory() as scratch:
        index = compile_index(arguments, Path(scratch) / "compiled", runs)
        compare_sizes(arguments, index)
        measure_opening(arguments.matching, index, runs)
        measure_matching(arguments, Path(scratch), runs)


def show(name: str, value: str, unit: str) -> None:
    print(f"{name}={value} {unit}", flush=True)


def spread(name: str, values: list[float], unit: str, digits: int = 1) -> None:
    for which, value in (
        ("min", min(values)),
        ("median", statistics.median(values)),
        ("max", max(values)),
    ):
        show(f"{name}.{which}", f"{value:.{digits}f}", unit)


def show_command(name: str, command: Command) -> None:
    spread(f"{name}.wall", [figure.wall * 1e3 for figure in command.figures], "ms")
    show(f"{name}.cpu", f"{command.median('cpu') * 1e3:.1f}", "ms")
    show(f"{name}.peak", f"{command.median('peak_mib'):.1f}", "MiB")


def import_into(tallyman: str, data: Path, paths: list[Path]) -> list[str]:
    return [tallyman, "db", "import", "--data", str(data), *map(str, paths)]


def find_index(data: Path) -> Path:
    """The newest one: that of the advisories that come with the program stays for a while."""
    return max((data / "advisories").glob("index-*.tix"), key=lambda path: path.stat().st_mtime_ns)


def compile_index(arguments: argparse.Namespace, data: Path, runs: int) -> Path:
    """From the archives to the index, each time in an empty installation."""
    command = Command(
        "compile",
        import_into(arguments.tallyman, data, arguments.advisories),
        lambda: shutil.rmtree(data, ignore_errors=True),
        # 3: some documents are no records.
        accepted=(0, 1, 3),
    )
    for _ in range(min(runs, 3)):
        command.run()
    show_command("compile", command)
    index = find_index(data)
    facts = sum(path.stat().st_size for path in (data / "advisories").glob("*.facts"))
    show("index.size", str(index.stat().st_size), "B")
    show("facts.size", str(facts), "B")
    return index


def compare_sizes(arguments: argparse.Namespace, index: Path) -> None:
    """The index beside the documents of its records, as JSON in one stream of zstd."""
    listed = subprocess.run(
        [arguments.matching, "records", str(index)], check=True, capture_output=True, text=True
    )
    records = {tuple(line.split("\t")) for line in listed.stdout.splitlines()}
    show("records", str(len(records)), "records")
    names = {name for _, name in records}
    whole, kept = [], []
    for document in documents(arguments.advisories, names):
        whole.append(as_line(document))
        if "affected" in document:
            packages = [only(one, KEPT_OF_PACKAGE) for one in document["affected"]]
            document = only(document, KEPT) | {"affected": packages}
        kept.append(as_line(document))
    show("documents", str(len(whole)), "documents")
    size = index.stat().st_size
    for what, lines in (("documents", whole), ("documents.kept", kept)):
        text = b"".join(lines)
        show(f"{what}.json", str(len(text)), "B")
        for level in (3, 19):
            packed = subprocess.run(
                ["zstd", f"-{level}", "-c", "-q"], input=text, capture_output=True, check=True
            )
            show(f"{what}.zstd{level}", str(len(packed.stdout)), "B")
            show(f"index_to_{what}.zstd{level}", f"{size / len(packed.stdout):.3f}", "times")


def only(document: dict, keys: tuple[str, ...]) -> dict:
    return {key: value for key, value in document.items() if key in keys}


def as_line(document: dict) -> bytes:
    def text(value: object) -> str:
        return value.isoformat() if isinstance(value, datetime.date) else str(value)

    line = json.dumps(document, default=text, ensure_ascii=False, separators=(",", ":"))
    return line.encode() + b"\n"


def documents(paths: list[Path], names: set[str]) -> Iterator[dict]:
    """The documents of records that are in the index, each once."""
    seen = set()
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    for document in (one for file in files for one in documents_of(file)):
        if not isinstance(document, dict) or document.get("withdrawn"):
            continue
        name = document.get("id") or document.get("cve")
        key = (name, document.get("source"), document.get("suite"))
        if name in names and key not in seen:
            seen.add(key)
            yield document


def documents_of(file: Path) -> Iterator[object]:
    if file.suffix == ".jsonl":
        yield from (json.loads(line) for line in file.read_text().splitlines())
        return
    if not file.name.endswith(".tar.zst"):
        return
    unpacked = subprocess.run(["zstd", "-dcq", str(file)], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        for member in archive:
            text = archive.extractfile(member).read() if member.isfile() else b""
            try:
                if member.name.endswith(".json"):
                    yield json.loads(text)
                elif member.name.endswith((".yaml", ".yml")):
                    yield yaml.load(text, yaml.CSafeLoader)
            except (ValueError, yaml.YAMLError):
                continue


def measure_opening(matching: str, index: Path, runs: int) -> None:
    """In a process of its own each time; `cold` without a page of the file in memory."""
    for kind in ("cold", "warm"):
        times = []
        for _ in range(runs):
            if kind == "cold":
                forget_pages(index)
            found = figures([matching, "open", str(index), "1"])
            times.append(found["open.median"])
        spread(f"open.{kind}", times, "us", 0)


def forget_pages(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def figures(command: list[str]) -> dict[str, float]:
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.split("=") for line in printed.splitlines())
    return {name: float(value.split()[0]) for name, value in pairs}


def measure_matching(arguments: argparse.Namespace, scratch: Path, runs: int) -> None:
    data = scratch / "matched"
    also = [Path(path) for path in os.environ.get("ALSO", "").split()]
    paths = [*arguments.advisories, *also]
    subprocess.run(
        import_into(arguments.tallyman, data, paths),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    scan = [arguments.tallyman, "scan", "--data", str(data), "--format"]
    sbom = scratch / "bom.cdx.json"
    whole = run_scan([*scan, "cyclonedx", f"oci:{arguments.layout}"])
    sbom.write_text(json.dumps(thin_out(whole)))
    report = run_scan([*scan, "json", f"sbom:{sbom}"])
    packages = scratch / "packages.jsonl"
    # The same version in several places is matched once.
    lines = dict.fromkeys(json.dumps(version_of(one)) for one in report["packages"])
    packages.write_text("\n".join(lines))
    index = find_index(data)
    for kind in ("cold", "warm"):
        if kind == "cold":
            forget_pages(index)
        found = figures([arguments.matching, "match", str(index), str(packages), "101"])
        if kind == "cold":
            show("match.packages", f"{found['match.packages']:.0f}", "packages")
            show("match.findings", f"{found['match.findings']:.0f}", "findings")
        show(f"match.{kind}.first", f"{found['match.first']:.0f}", "us")
    for which in ("min", "median", "max"):
        show(f"match.{which}", f"{found[f'match.{which}']:.0f}", "us")
    commands = [Command("tallyman", [*scan, "json", f"sbom:{sbom}"], accepted=(0, 3))]
    commands += grype(sbom)
    for command in [one for _ in range(runs) for one in commands]:
        command.run()
    for command in commands:
        show_command(f"sbom.{command.name}", command)
    ours, *others = commands
    for other in others:
        ratio = other.median("wall") / ours.median("wall")
        show(f"sbom.{other.name}_to_tallyman.wall", f"{ratio:.1f}", "times")


def run_scan(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def thin_out(sbom: dict) -> dict:
    """The document with the operating system and 1,000 of its packages, at equal distances."""
    components = sbom["components"]
    kept = [one for one in components if one["type"] == "operating-system"]
    others = [one for one in components if one["type"] != "operating-system" and "purl" in one]
    step = max(1.0, len(others) / PACKAGES)
    kept += [others[int(at * step)] for at in range(min(PACKAGES, len(others)))]
    return {key: value for key, value in sbom.items() if key != "dependencies"} | {"components": kept}


def version_of(package: dict) -> dict:
    """A package of a report as the matcher takes it, with the release that its URL names."""
    kept = only(package, ("ecosystem", "name", "version", "architecture", "source"))
    for qualifier in package["purl"].partition("?")[2].split("&"):
        name, _, value = qualifier.partition("=")
        if name == "distro":
            kept["release"] = value.replace("-", ":", 1)
    return kept


def grype(sbom: Path) -> list[Command]:
    program, database = os.environ.get("GRYPE"), os.environ.get("GRYPE_DB")
    if not program or not database:
        return []
    environment = {
        "GRYPE_DB_CACHE_DIR": database,
        "GRYPE_DB_AUTO_UPDATE": "false",
        "GRYPE_DB_VALIDATE_AGE": "false",
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
    }
    return [Command("grype", [program, f"sbom:{sbom}", "-o", "json", "--quiet"], environment=environment)]


if __name__ == "__main__":
    main()

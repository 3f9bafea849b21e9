"""Bills of materials of real images, as Syft writes them."""

import json
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, unquote


def write_all(images: Path, syft: Path, folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for layout in sorted(path.parent for path in images.glob("[!.]*/index.json")):
        path = folder / f"{layout.name}.cdx.json"
        if not path.is_file():
            command = [syft, "scan", f"oci-dir:{layout}", "--output", "cyclonedx-json", "--quiet"]
            made = subprocess.run(command, capture_output=True, check=True).stdout
            path.write_text(json.dumps(with_sources(json.loads(made))))
        paths[f"image {layout.name}"] = path
    return paths


def with_sources(bill: dict) -> dict:
    """Trivy knows a package's source by properties of its own and not by the package URL's qualifier."""
    for component in bill.get("components") or []:
        _, _, query = component.get("purl", "").partition("?")
        upstream = parse_qs(query).get("upstream", [""])[0]
        if upstream and component["purl"].startswith(("pkg:deb/", "pkg:apk/")):
            name, _, version = unquote(upstream).partition("@")
            told = {"SrcName": name, **source_version(version or component["version"])}
            component.setdefault("properties", []).extend(
                {"name": f"aquasecurity:trivy:{key}", "value": value}
                for key, value in told.items()
                if value
            )
    return bill


def source_version(version: str) -> dict:
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return {"SrcEpoch": epoch, "SrcVersion": upstream, "SrcRelease": revision}

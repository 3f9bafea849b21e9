"""A registry behind a slow line: the program of benches/registry.sh."""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PIECE = 64 << 10
RUNS = 3


class Line:
    """A line of a given speed that all connections share: each piece waits for its turn."""

    def __init__(self, bytes_per_second: float) -> None:
        self.bytes_per_second = bytes_per_second
        self.free_at = 0.0

    async def carry(self, count: int) -> None:
        now = time.monotonic()
        self.free_at = max(self.free_at, now) + count / self.bytes_per_second
        await asyncio.sleep(self.free_at - now)


async def copy(reader, writer, line: Line | None) -> None:
    try:
        while piece := await reader.read(PIECE):
            if line:
                await line.carry(len(piece))
            writer.write(piece)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def start_proxy(registry_port: int, line: Line) -> tuple[asyncio.Server, int]:
    async def serve(reader, writer) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", registry_port)
        await asyncio.gather(copy(reader, far_writer, None), copy(far_reader, writer, line))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def timed(*command: str, accepted: tuple[int, ...] = (0,)) -> float:
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, error = await process.communicate()
    if process.returncode not in accepted:
        sys.exit(f"{' '.join(command)}: {error.decode()}")
    return time.monotonic() - begun


def start_registry(scratch: Path) -> tuple[subprocess.Popen, int]:
    config = scratch / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {scratch}/registry}}}}\n"
        "http: {addr: 127.0.0.1:0}\n"
    )
    # A free port: docker-registry does not say which it got.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config.write_text(config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(["docker-registry", "serve", str(config)], **quiet)
    while process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    sys.exit("docker-registry ended")


async def run(arguments: argparse.Namespace, scratch: Path, registry_port: int) -> None:
    push = [f"oci:{arguments.layout}", f"docker://127.0.0.1:{registry_port}/bench:1"]
    await timed("skopeo", "copy", "--dest-tls-verify=false", *push)
    line = Line(arguments.speed * 1e6)
    server, port = await start_proxy(registry_port, line)
    index = json.loads((arguments.layout / "index.json").read_text())
    blobs = arguments.layout / "blobs" / "sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"].split(":")[1]).read_text())
    base = f"http://127.0.0.1:{port}/v2/bench/blobs"
    urls = [f"{base}/{layer['digest']}" for layer in manifest["layers"]]
    outputs = [part for url in urls for part in ("-o", "/dev/null", url)]
    transfers, scans = [], []
    for number in range(RUNS):
        transfers.append(await timed("curl", "-sSf", "--parallel", *outputs))
        data = str(scratch / f"data{number}")
        image = f"registry:127.0.0.1:{port}/bench:1"
        scan = [arguments.tallyman, "scan", "--data", data, image, "--format", "json"]
        scans.append(await timed(*scan, accepted=(0, 3)))
    warm = await timed(*scan, accepted=(0, 3))
    server.close()
    transfer, cold = statistics.median(transfers), statistics.median(scans)
    print(f"registry.line={arguments.speed:.0f} MB/s")
    print(f"registry.transfer.wall={transfer:.3f} s")
    print(f"registry.scan_cold.wall={cold:.3f} s")
    print(f"registry.scan_warm.wall={warm:.3f} s")
    print(f"registry.scan_cold_to_transfer.wall={cold / transfer:.3f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tallyman", required=True)
    parser.add_argument("layout", type=Path)
    parser.add_argument("speed", type=float, nargs="?", default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        registry, port = start_registry(Path(scratch))
        try:
            asyncio.run(run(arguments, Path(scratch), port))
        finally:
            registry.kill()


if __name__ == "__main__":
    main()

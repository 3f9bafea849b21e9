#!/usr/bin/env python3
"""Measures scans of known images by several builds of Tallyman, in turns in one run.

    chrt -r 6 benches/warm.py --runs 15 IMAGES PROGRAM...

IMAGES is a folder of OCI layouts (benches/images.sh). Each program gets a data folder of its own, in
which it first scans every image once. Printed are the least and the median of wall time, CPU time and
peak memory. The peak is right as long as a scan takes more memory than this script.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path


def scan(program: Path, data: Path, layout: Path) -> tuple[float, float, float]:
    """Returns wall time and CPU time in milliseconds and the peak in MiB."""
    null = os.open(os.devnull, os.O_RDWR)
    arguments = [program, "scan", "--data", data, f"oci:{layout}", "--format", "json"]
    begun = time.perf_counter()
    child = os.posix_spawn(
        program,
        [str(argument) for argument in arguments],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)],
    )
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - begun
    os.close(null)
    # 3: an image that holds something no feed speaks of.
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"{program} failed on {layout}")
    return wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--image", action="append", help="only this one; may be repeated")
    parser.add_argument("images", type=Path)
    parser.add_argument("programs", type=Path, nargs="+")
    arguments = parser.parse_args()
    names = arguments.image or sorted(path.parent.name for path in arguments.images.glob("*/index.json"))
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            layout = arguments.images / name
            runs: dict[Path, list[tuple[float, float, float]]] = {}
            for turn in range(arguments.runs + 1):
                for number, program in enumerate(arguments.programs):
                    figures = scan(program, Path(scratch) / str(number), layout)
                    if turn:
                        runs.setdefault(program, []).append(figures)
            for program, figures in runs.items():
                wall, cpu, peak = zip(*figures)
                print(
                    f"{name} {program}: wall {min(wall):.1f} {statistics.median(wall):.1f} ms,"
                    f" cpu {min(cpu):.1f} {statistics.median(cpu):.1f} ms,"
                    f" peak {statistics.median(peak):.1f} MiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# Measures the demonstration twice on a fresh data directory: the first run analyses everything,
# the second finds it done. Prints wall time, CPU time and peak memory of each.
#
#   scripts/bench.sh PROGRAM [IMAGE]
set -euo pipefail

program="$(realpath "${1:?name the program}")"
image="${2:-${IMAGE:-}}"
data="$(mktemp -d)"
trap 'rm -rf "$data"' EXIT

arguments=(demo --data "$data/demo" --listen 127.0.0.1:0 --once)
[[ -z "$image" ]] || arguments+=(--image "$image")

for run in first second; do
    python3 - "$run" "$program" "${arguments[@]}" <<'PYTHON'
import resource, subprocess, sys, time

run, *command = sys.argv[1:]
begun = time.monotonic()
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                      stderr=subprocess.PIPE, text=True)
wall = time.monotonic() - begun
if done.returncode != 0:
    sys.exit(f"{done.stderr}{command[0]} ended with {done.returncode}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{run:>6} run: {wall:.1f} s wall, {used.ru_utime + used.ru_stime:.1f} s CPU, "
      f"{used.ru_maxrss / 1024:.0f} MiB peak")
PYTHON
done
du -sh --apparent-size "$data/demo" | sed "s|\t.*|  data directory|"

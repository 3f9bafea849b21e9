"""Runs a program as a process of its own, and writes the most memory that it had, in KiB, to a file."""

import os
import sys

_, report, program, *arguments = sys.argv
child = os.posix_spawn(program, [program, *arguments], os.environ)
_, status, usage = os.wait4(child, 0)
with open(report, "w") as peak:
    peak.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))

#!/usr/bin/env python3
"""Measures mpc-bench over batch sizes, sizes and network delays, and writes docs/performance/*.json.

Run from the root of the repository on a quiet machine, after
`cargo build --release -p mpc-node --bin mpc-bench`:

    python3 docs/performance/measure.py [--repeat 5]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BENCH = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "mpc-bench")

# The side-by-side table: workload and count.
TABLE = [
    ("mul", 10_000_000),
    ("lt", 1_000_000),
    ("and", 64_000_000),
    ("chain", 1_000),
    ("tally", 1_000_000),
]
BATCHES = {
    "mul": [10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    "lt": [10, 100, 1_000, 10_000, 100_000, 1_000_000],
    "and": [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 64_000_000],
}
DELAYS_MS = [0, 1, 2, 5, 10, 20, 50]
DELAYED = [("mul", 1_000_000), ("lt", 100_000), ("chain", 100), ("tally", 100_000)]


def run(workload, count, *options):
    """One run of mpc-bench; its JSON."""
    command = [BENCH, workload, "--count", str(count), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def median(workload, count, repeat, *options):
    """The run with the median time."""
    runs = sorted((run(workload, count, *options) for _ in range(repeat)), key=lambda r: r["seconds"])
    middle = dict(runs[len(runs) // 2])
    middle["seconds_all"] = [r["seconds"] for r in runs]
    middle["seconds"] = statistics.median(middle["seconds_all"])
    middle["per_second"] = count / middle["seconds"]
    print(f"{workload:8} {count:>10} {' '.join(options):24} {middle['seconds']:9.4f} s "
          f"{middle['per_second']:14.0f}/s", flush=True)
    return middle


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the median is taken")
    parser.add_argument("--only", choices=["table", "batches", "delays"], help="one part alone")
    arguments = parser.parse_args()
    repeat, only = arguments.repeat, arguments.only
    if only in (None, "table"):
        write("table.json", [median(w, n, repeat) for w, n in TABLE])
    if only in (None, "batches"):
        write("batches.json", [median(w, n, repeat) for w, sizes in BATCHES.items() for n in sizes])
    if only in (None, "delays"):
        rows = []
        for workload, count in DELAYED:
            for delay in DELAYS_MS:
                options = ["--delay-ms", str(delay)] if delay else []
                row = median(workload, count, min(repeat, 3), *options)
                row["delay_ms"] = delay
                rows.append(row)
        write("delays.json", rows)


if __name__ == "__main__":
    main()

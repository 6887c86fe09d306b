"""What a trained network and an edit cost, as tables for docs/performance.md.

    python -m tools.benchmark    or `make bench`: about half an hour, with the machine for itself

Every figure of training is the median of several rounds, every ratio is taken within a round: a
machine's speed drifts. Whole commands are run once, before the rounds.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.benchmark import edits
from tools.benchmark.ways import COMMAND, DATA, ROOT

LECTURE, FLOOR = "lecture's loop (DataLoader)", "arithmetic floor"
SEEDS = (1, 5, 20)
TABLE = {
    LECTURE: ("lecture",),
    "plain tensor loop": ("tensors",),
    "torch.func, 5 seeds": ("ensemble",),
    **{f"initlab, {n} seed{'s' if n > 1 else ''}": ("initlab", str(n)) for n in SEEDS},
    FLOOR: ("floor",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    count = parser.parse_args().rounds
    if not DATA.is_dir():
        raise SystemExit(f"{DATA}: is not here; run `make repro` first, then `make bench`")
    print("whole commands …", file=sys.stderr)
    whole = run(edits.COMMAND)
    rounds, probed, peaks = [], [], []
    for i in range(count):
        print(f"round {i + 1} of {count} …", file=sys.stderr)
        rounds.append({name: run(COMMAND, *way) for name, way in TABLE.items()})
        probed.append([run(COMMAND, "probes", stuck) for stuck in "01"])
        peaks.append(peak_memory())
    print(f"{hardware()}; medians of {count} rounds\n")
    print("| per network and epoch | seconds | lecture's / this | this / floor |")
    print("|---|---:|---:|---:|")
    for name in TABLE:
        seconds = statistics.median(each[name] for each in rounds)
        gain = statistics.median(each[LECTURE] / each[name] for each in rounds)
        excess = statistics.median(each[name] / each[FLOOR] for each in rounds)
        print(f"| {name} | {seconds:.3f} | {gain:.1f} | {excess:.2f} |")
    ordinary, stuck = (100 * statistics.median(shares) for shares in zip(*probed, strict=True))
    print(
        f"\nThe probes change an epoch by {ordinary:+.1f} %, by {stuck:+.1f} % where it is stuck."
    )
    print(f"Peak memory of training 5 seeds: {statistics.median(peaks):.0f} MiB.")
    print("\n| `dvc repro`, once | seconds |\n|---|---:|")
    for name, seconds in whole["repro"].items():
        print(f"| {name} | {seconds:.1f} |")
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in whole["startup"].items())
    print(f"\nStart-up of the stages in seconds: {stages}.")


def run(command: tuple[str, ...], *arguments: str) -> Any:
    """What a module of this package measures, in a process of its own."""
    result = subprocess.run([*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


def peak_memory() -> float:
    """Peak MiB of training five seeds, workers included, shared pages counted once."""
    import psutil

    process = subprocess.Popen([*COMMAND, "initlab", "5"], stdout=subprocess.DEVNULL, cwd=ROOT)
    peak = 0
    while process.poll() is None:
        try:
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
            peak = max(peak, sum(each.memory_full_info().pss for each in tree))
        except psutil.Error:
            pass  # one ended meanwhile
        time.sleep(0.05)
    return peak / 2**20


def hardware() -> str:
    """Cores and processor, and the versions of Python and torch."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {model}, Python {platform.python_version()}, torch {version('torch')}"


if __name__ == "__main__":
    main()

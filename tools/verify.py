"""Compares the results of a run with those that are committed; `make verify` runs it."""

import csv
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from stages import running
from stages.settings import yaml_file
from stages.training import BITS_PROMISED
from tools import readme

CPUINFO = Path("/proc/cpuinfo")
LOCK = Path("dvc.lock")
SUMMARY = Path("reports/summary.csv")
TOLERANCE = 0.005  # of a test accuracy, where bits are not promised

# What each stage promises to be the same everywhere, from the same inputs.
PROMISES = {
    "check": "params.yaml gives the same plans",
    "download": "the data set is the same",
    "train": "a plan gives the same network on every Intel and AMD processor with AVX2",
    "sweep": "a grid of plans gives the same table on those processors",
    "evaluate": "the same networks give the same tables",
    "report": "the same tables give the same figures and page",
}


def main() -> None:
    compare()
    if readme.renewed() != readme.README.read_text(encoding="utf-8"):
        sys.exit("README.md: its figures are not those in reports/; `make readme` renews them")


def compare() -> None:
    """Compare the results with the committed ones; ends the command if they differ."""
    if BITS_PROMISED:
        lines = changes()
        result = "dvc.lock and reports/ match the committed files byte for byte"
    else:
        committed = git("show", f"HEAD:./{SUMMARY.as_posix()}")
        lines = differences(accuracies(committed), accuracies(SUMMARY.read_text(encoding="utf-8")))
        result = (
            "This is no Intel or AMD machine with AVX2 and Linux, so bits are not promised; every "
            f"mean test accuracy is within {TOLERANCE} of the committed one"
        )
    if lines:
        sys.exit("\n".join(lines))
    print(result)


def changes() -> list[str]:
    """The results that are not committed, and the promises that are broken; [] if there is none."""
    results = ("dvc.lock", "reports")
    changed = git("status", "--porcelain", "--untracked-files=all", "--", *results)
    if not changed:
        return []
    then = yaml_file.loads(git("show", "HEAD:./dvc.lock"))["stages"]
    now = yaml_file.loads(LOCK.read_text(encoding="utf-8"))["stages"]
    heading = f"not what is committed, on {processor()}:"
    return [heading, changed + git("diff", "--stat", "--", *results), *broken(then, now)]


def broken(committed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A line for every broken promise, naming the stages that had the same inputs.

    Both are the stages of a dvc.lock.
    """
    found: dict[str, list[str]] = {}
    for stage in sorted(committed.keys() & now.keys()):
        then, here = committed[stage], now[stage]
        same_inputs = all(then.get(key) == here.get(key) for key in ("cmd", "deps", "params"))
        if same_inputs and then.get("outs") != here.get("outs"):
            found.setdefault(stage.partition("@")[0], []).append(stage)
    lines = [
        f"broken: {promise} ({', '.join(found[kind])})"
        for kind, promise in PROMISES.items()
        if kind in found
    ]
    return lines or ["every different result has different inputs"]


def processor() -> str:
    """The name of this machine's processor."""
    try:
        return re.findall(r"^model name\s*: (.*)", CPUINFO.read_text(), re.MULTILINE)[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def accuracies(table: str) -> dict[str, float]:
    """The mean test accuracy of every variant that has one, from the text of summary.csv."""
    rows = csv.DictReader(table.splitlines())
    return {row["variant"]: float(mean) for row in rows if (mean := row["test_acc_mean"])}


def differences(committed: dict[str, float], now: dict[str, float]) -> list[str]:
    """A line for every variant that only one side has, or whose accuracy differs."""
    lines = [f"{name}: only on one side" for name in committed.keys() ^ now.keys()]
    lines += [
        f"{name}: test accuracy {now[name]}, committed {committed[name]}"
        for name in committed.keys() & now.keys()
        if not abs(committed[name] - now[name]) <= TOLERANCE
    ]
    return sorted(lines)


def git(*arguments: str) -> str:
    """The output of a git command; ends this command with git's error if it fails."""
    command = ["git", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        sys.exit(f"git {arguments[0]}: {result.stderr.strip().splitlines()[0]}")
    return result.stdout


if __name__ == "__main__":
    running.run(main, "interrupted")

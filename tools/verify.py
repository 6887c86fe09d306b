"""Compares the results of a run with those that are committed; `make verify` runs it."""

import csv
import platform
import re
import subprocess
import sys
from pathlib import Path

from stages import running
from stages.training import BITS_PROMISED
from tools import readme

CPUINFO = Path("/proc/cpuinfo")
SUMMARY = Path("reports/summary.csv")
TOLERANCE = 0.005  # of a test accuracy, where bits are not promised


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
    """The results that are not what is committed; [] if there is none."""
    results = ("dvc.lock", "reports")
    changed = git("status", "--porcelain", "--untracked-files=all", "--", *results)
    if not changed:
        return []
    heading = f"these results are not those that are committed, on {processor()}:"
    return [heading, changed + git("diff", "--stat", "--", *results).rstrip()]


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

"""Compares the results of a run with those that are committed; `make verify` runs it."""

import csv
import subprocess
import sys
from pathlib import Path

from stages.training import BITS_PROMISED

SUMMARY = Path("reports/summary.csv")
TOLERANCE = 0.005  # of a test accuracy, where bits are not promised


def main() -> None:
    if BITS_PROMISED:
        changed = git("status", "--porcelain")
        if changed:
            sys.exit(f"not what is committed:\n{changed}{git('diff', '--stat')}")
        print("dvc.lock and reports/ are the committed ones, byte for byte")
        return
    now = accuracies(SUMMARY.read_text(encoding="utf-8"))
    lines = differences(accuracies(git("show", f"HEAD:./{SUMMARY.as_posix()}")), now)
    if lines:
        sys.exit("\n".join(lines))
    print(
        "Bits are promised on x86-64 Linux with AVX2 only, and this is another machine; "
        f"every mean test accuracy is within {TOLERANCE} of the committed one"
    )


def accuracies(table: str) -> dict[str, float]:
    """The mean test accuracy of every variant, from the text of summary.csv."""
    rows = csv.DictReader(table.splitlines())
    return {row["variant"]: float(row["test_acc_mean"]) for row in rows}


def differences(committed: dict[str, float], now: dict[str, float]) -> list[str]:
    """A line for every variant that only one side has, or whose accuracy is another."""
    lines = [f"{name}: only on one side" for name in committed.keys() ^ now.keys()]
    for name in committed.keys() & now.keys():
        then, here = committed[name], now[name]
        if not abs(then - here) <= TOLERANCE:
            lines.append(f"{name}: test accuracy {here}, committed {then}")
    return sorted(lines)


def git(*arguments: str) -> str:
    """What git prints; raises CalledProcessError."""
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()

"""Compares the results of a run with those that are committed; `make verify` runs it."""

import csv
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from stages.settings import yaml_file
from stages.training import BITS_PROMISED
from tools import readme

CPUINFO = Path("/proc/cpuinfo")
LOCK = Path("dvc.lock")
RESULTS = ("dvc.lock", "reports")
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
    """Say whether the results are the committed ones; ends the command if they are not."""
    if BITS_PROMISED:
        changed = git("status", "--porcelain", "--untracked-files=all", "--", *RESULTS)
        if changed:
            then = yaml_file.loads(git("show", "HEAD:./dvc.lock"))["stages"]
            here = yaml_file.loads(LOCK.read_text(encoding="utf-8"))["stages"]
            heading = f"not what is committed, on {processor()}:"
            sys.exit(
                "\n".join(
                    [heading, changed + git("diff", "--stat", "--", *RESULTS), *broken(then, here)]
                )
            )
        print("dvc.lock and reports/ are the committed ones, byte for byte")
        return
    now = accuracies(SUMMARY.read_text(encoding="utf-8"))
    lines = differences(accuracies(git("show", f"HEAD:./{SUMMARY.as_posix()}")), now)
    if lines:
        sys.exit("\n".join(lines))
    print(
        "Bits are promised on Linux on Intel and AMD with AVX2 only, and this is another machine; "
        f"every mean test accuracy is within {TOLERANCE} of the committed one"
    )


def broken(committed: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A line for every promise that was broken, with the stages that had the same inputs.

    Both are the stages of a dvc.lock.
    """
    found: dict[str, list[str]] = {}
    for stage in committed.keys() & now.keys():
        then, here = committed[stage], now[stage]
        same_inputs = all(then.get(key) == here.get(key) for key in ("cmd", "deps", "params"))
        if same_inputs and then.get("outs") != here.get("outs"):
            found.setdefault(stage.partition("@")[0], []).append(stage)
    if not found:
        return ["no promise is broken: where a result differs, so does what it was made from"]
    return [
        f"broken: {promise} ({', '.join(sorted(found[kind]))})"
        for kind, promise in PROMISES.items()
        if kind in found
    ]


def processor() -> str:
    """What this machine's processor calls itself."""
    try:
        return re.findall(r"^model name\s*: (.*)", CPUINFO.read_text(), re.MULTILINE)[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def accuracies(table: str) -> dict[str, float]:
    """The mean test accuracy of every variant that has one, from the text of summary.csv."""
    rows = csv.DictReader(table.splitlines())
    return {row["variant"]: float(mean) for row in rows if (mean := row["test_acc_mean"])}


def differences(committed: dict[str, float], now: dict[str, float]) -> list[str]:
    """A line for every variant that only one side has, or whose accuracy is another."""
    lines = [f"{name}: only on one side" for name in committed.keys() ^ now.keys()]
    for name in committed.keys() & now.keys():
        then, here = committed[name], now[name]
        if not abs(then - here) <= TOLERANCE:
            lines.append(f"{name}: test accuracy {here}, committed {then}")
    return sorted(lines)


def git(*arguments: str) -> str:
    """What git prints; ends the command with what it says if it fails."""
    try:
        result = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        sys.exit(f"git, which has what is committed: {error.strerror}")
    if result.returncode:
        sys.exit(f"git {arguments[0]}: {result.stderr.strip().splitlines()[0]}")
    return result.stdout


if __name__ == "__main__":
    main()

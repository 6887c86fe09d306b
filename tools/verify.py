"""Compares the results of a run with those that are committed; `make verify` runs it."""

import platform
import re
import subprocess
import sys
from pathlib import Path

from stages import running, tables
from stages.training import engines
from stages.training.plan import Plan
from tools import readme

CPUINFO = Path("/proc/cpuinfo")
RESULTS = ("dvc.lock", "reports")
DATA = Path("data")


def main() -> None:
    files = {file.stem: file for file in sorted((DATA / "plans").glob("*.json"))}
    modules = [name for name, file in files.items() if not engines.of(Plan.read(file)).EXACT]
    named = f"{', '.join(modules)} (networks from files)"
    if changed := git("status", "--porcelain", "--untracked-files=all", "--", *RESULTS):
        difference = git("diff", "--stat", "--", *RESULTS).rstrip()
        heading = f"results differ from the committed ones (processor: {processor()}):"
        advice = (
            "trained on another processor, they have other bits; `make fetch` gets committed runs"
        )
        note = f"\n{named}: {advice}" if modules else ""
        sys.exit(f"{heading}\n{changed}{difference}{note}")
    print("dvc.lock and reports/ match the committed files byte for byte")
    exact = f"{len(files) - len(modules)} of {len(files)} variants exactly"
    tolerance = f", {named} within {tables.ROUNDING:g}" if modules else ""
    print(f"scores of saved weights equal those of training: {exact}{tolerance}")
    if readme.renewed() != readme.README.read_text(encoding="utf-8"):
        print("README.md shows other results; `make readme` updates it")


def processor() -> str:
    """The name of this machine's processor."""
    try:
        return re.findall(r"^model name\s*: (.*)", CPUINFO.read_text(), re.MULTILINE)[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def git(*arguments: str) -> str:
    """The output of a git command; ends this command with git's error if it fails."""
    command = ["git", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        sys.exit(f"git {arguments[0]}: {result.stderr.strip().splitlines()[0]}")
    return result.stdout


if __name__ == "__main__":
    running.run(main, "interrupted")

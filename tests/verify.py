"""Compares the results of a run with those that are committed; `make verify` runs it."""

import json
import subprocess
import sys

from stages import BITS_PROMISED, ROOT

METRICS = "reports/metrics.json"
TOLERANCE = 0.005  # of a test accuracy, where bits are not promised


def main() -> None:
    if BITS_PROMISED:
        changed = git("status", "--porcelain")
        if changed:
            sys.exit(f"not what is committed:\n{changed}{git('diff', '--stat')}")
        print("dvc.lock and reports/ are the committed ones, byte for byte")
        return
    now = json.loads((ROOT / METRICS).read_text(encoding="utf-8"))
    lines = differences(json.loads(git("show", f"HEAD:{METRICS}")), now)
    if lines:
        sys.exit("\n".join(lines))
    print(
        "Bits are promised on x86-64 Linux with AVX2 only, and this is another machine; "
        f"every mean test accuracy is within {TOLERANCE} of the committed one"
    )


def differences(committed: dict, now: dict) -> list[str]:
    """A line for every variant that only one side has, or whose accuracy is another."""
    lines = [f"{name}: only on one side" for name in committed.keys() ^ now.keys()]
    for name in committed.keys() & now.keys():
        then, here = committed[name]["test_acc"], now[name]["test_acc"]
        if not abs(then - here) <= TOLERANCE:
            lines.append(f"{name}: test accuracy {here}, committed {then}")
    return sorted(lines)


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()

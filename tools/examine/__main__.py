"""Examines a network: does its initialization let it learn?

    python -m tools.examine my_model.py:build --data mnist1d
    python -m tools.examine my_model.py:build --input 3x32x32 --classes 10
    python -m tools.examine train.py:setup --html report.html --json report.json

`build` returns a torch.nn.Module for classification, and may take the shape of an example and the
number of classes; `setup` returns a module and a function without arguments that computes its loss
on a batch. Exit code: 0 without a fault, 1 with one, 2 if the network cannot be examined.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch

from stages import running
from tools.examine import laws, report, subject
from tools.examine.examination import ExaminationError, examined

UNABLE = 2


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.examine", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("place", metavar="FILE:FUNCTION")
    parser.add_argument(
        "--data", metavar="NAME", help="a data set of params.yaml: mnist, mnist1d …"
    )
    parser.add_argument("--input", metavar="SHAPE", help="noise of this shape, such as 3x32x32")
    parser.add_argument("--classes", type=int, default=10, help="for --input (default: 10)")
    parser.add_argument("--examples", type=int, default=64, help="in the batch (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="set before the function is called")
    parser.add_argument(
        "--expect", metavar="PATTERN=INITIALIZER", action="append", default=[],
        help="compare tensors with an initializer: '*.proj.weight={normal: {std: 0.02}}'",
    )  # fmt: skip
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the report as a page")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the report as JSON")
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    try:
        for file in filter(None, (options.html, options.json)):
            if not file.parent.is_dir():
                raise ExaminationError(f"{file}: there is no folder {file.parent}")
        expected = [laws.parsed(one) for one in options.expect]
        if options.data:
            batch = subject.from_data(options.data, options.examples)
        elif options.input:
            batch = subject.noise(options.input, options.classes, options.examples)
        else:
            batch = None
        torch.manual_seed(options.seed)
        module, loss = subject.of(options.place, batch)
        compared = laws.compared(expected, module)
        found = examined(module, loss)
    except ExaminationError as error:
        print(error, file=sys.stderr)
        sys.exit(UNABLE)
    title = f"{options.place}{f' on {options.data}' if options.data else ''}"
    print(report.text(found, compared))
    if options.html:
        options.html.write_text(report.page(title, found, compared), encoding="utf-8")
    if options.json:
        content = found.as_json() | ({"expected": compared} if compared else {})
        options.json.write_text(json.dumps(content, indent=1, default=vars) + "\n", "utf-8")
    sys.exit(int(found.has_fault or any(one.differs for one in compared)))


if __name__ == "__main__":
    running.run(main, "interrupted")

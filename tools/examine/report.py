"""The report as text for a terminal, and as a page."""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

import jinja2

from tools.examine.examination import Compared, Layer, Report
from tools.examine.names import counted, shown

LABELS = {"fault": "FAULT", "hint": "hint"}
ROWS = 24  # layers that a terminal shows
TEMPLATE = Path(__file__).with_name("report.html")
LEGEND = (
    "signal: how much outputs differ between examples; gradient: the norm of the loss's gradient "
    "at the outputs; equal: units that stay equal to another; first moved: the step at which all "
    "tensors of the layer had changed; –: not seen, or none"
)
HEADINGS = ("layer", "shape", "initial weight", "signal", "gradient", "equal", "first moved")


def text(report: Report, compared: Sequence[Compared] = ()) -> str:
    """The verdict, the findings, the layers, and what was not judged."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    lines = [*textwrap.wrap(f"{report.verdict}{differing(compared)}", width)]
    for one in report.findings:
        lines += ["", f"{LABELS[one.severity]} {one.kind}: {one.where}"]
        lines += textwrap.wrap(one.words, width, initial_indent="  ", subsequent_indent="  ")
    lines += ["", *_table([HEADINGS, *map(cells, report.layers[:ROWS])])]
    if len(report.layers) > ROWS:
        lines.append(f"… {len(report.layers) - ROWS} more layers: --html or --json shows all")
    lines += textwrap.wrap(LEGEND, width)
    if compared:
        rows = [(c.tensor, c.asked, c.found, _chance(c)) for c in compared]
        lines += ["", *_table([("tensor", "asked", "found", "chance"), *rows])]
    if report.not_judged:
        lines += ["", "Not judged:"]
        for line in report.not_judged:
            lines += textwrap.wrap(line, width, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines)


def differing(compared: Sequence[Compared]) -> str:
    """How many tensors differ from what was expected, as a sentence."""
    count = sum(one.differs for one in compared)
    return f" {counted(count, 'tensor')} not as expected." if count else ""


def page(title: str, report: Report, compared: Sequence[Compared] = ()) -> str:
    """One HTML file that needs no network."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=title,
        differing=differing(compared),
        report=report,
        headings=HEADINGS,
        rows=[cells(layer) for layer in report.layers],
        compared=[(c, _chance(c)) for c in compared],
    )


def cells(layer: Layer) -> tuple[str, ...]:
    """A row of the table of layers."""
    steps = list(layer.moved.values())
    moved = "frozen" if not steps else "never" if not any(steps) else f"step {_latest(steps)}"
    if None in steps and any(steps):
        moved += ", not all"
    return (
        layer.layer,
        "×".join(map(str, layer.shape)),
        layer.start,
        _number(layer.signal),
        _number(layer.gradient),
        str(layer.equal or "–"),
        moved,
    )


def _latest(steps: list[int | None]) -> int:
    return max(step for step in steps if step)


def _number(value: float | None) -> str:
    return "–" if value is None else shown(value)


def _chance(compared: Compared) -> str:
    number = shown(compared.probability)
    return f"differs ({number})" if compared.differs else number


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]

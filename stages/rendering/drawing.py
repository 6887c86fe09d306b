"""All figures of a report, as files."""

from collections.abc import Callable

from stages.analysis.report import Report
from stages.rendering import accuracy_figures, figures, map_figures, probe_figures

FIGURES: dict[str, Callable[[Report], figures.plt.Figure]] = {
    "learning_curves": accuracy_figures.learning_curves,
    "all_variants": accuracy_figures.all_variants,
    "final_accuracy": accuracy_figures.final_accuracy,
    "why_stuck": probe_figures.why_stuck,
    "first_weights": probe_figures.first_weights,
    "who_moved": probe_figures.who_moved,
    "little_randomness": probe_figures.little_randomness,
    "depth": probe_figures.depth,
}


def pictures(report: Report) -> dict[str, bytes]:
    """Every figure as PNG and SVG, by file name."""
    files: dict[str, bytes] = {}
    for name, draw in FIGURES.items():  # one after the other: an open figure takes memory
        files |= figures.saved(draw(report), name)
    for heat_map in report.maps:
        figure = map_figures.heat_map(heat_map, report.results.learned_above)
        files |= figures.saved(figure, heat_map.figure)
    return files

"""All figures of a report, as files."""

from stages.analysis.report import Report
from stages.rendering import (
    accuracy_figures,
    figures,
    map_figures,
    probe_figures,
    rate_charts,
    series_figures,
)

FIGURES = (
    accuracy_figures.learning_curves,
    accuracy_figures.final_accuracy, probe_figures.why_stuck, probe_figures.who_moved,
    series_figures.little_randomness, series_figures.depth,
)  # fmt: skip


def pictures(report: Report) -> dict[str, bytes]:
    """Every figure as PNG and SVG, by file name; a figure is named for its function."""
    files: dict[str, bytes] = {}
    for draw in FIGURES:  # one after the other: an open figure takes memory
        files |= figures.saved(draw(report), draw.__name__)
    for heat_map in report.maps:
        figure = map_figures.heat_map(heat_map, report.results.learned_above)
        files |= figures.saved(figure, heat_map.figure)
    if by_rate := rate_charts.shown(report.asked):
        figure = rate_charts.figure(by_rate, report.cells.learned_above)
        files |= figures.saved(figure, "map_rates")
    return files

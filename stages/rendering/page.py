"""The page, reports/index.html: one file that needs no network and no build step.

Measurements go into it as CSV, once, for its charts, its tables and its downloads.
"""

import json
import re
from importlib.metadata import version
from typing import Any

import pandas as pd
import vl_convert
import yaml
from markupsafe import Markup
from scipy import stats

from stages.analysis import series
from stages.analysis.outcomes import PARTLY
from stages.analysis.report import Report
from stages.analysis.statistics import CONFIDENCE
from stages.analysis.study import BASELINE, Study, layers
from stages.rendering import (
    charts,
    claim_tables,
    heat_charts,
    images,
    map_figures,
    page_tables,
    questions,
    rate_charts,
    style,
    trying,
)
from stages.rendering.environment import TEMPLATES, environment
from stages.rendering.packing import packed
from stages.training.activations import ACTIVATIONS

DRAWN = 3  # hidden layers that the drawing of the network has room for

# Where the page shows what a claim's figure does: the place, its name, and a chart of it.
PLACES = {
    "learning_curves": ("figure-learning_curves", "the learning curves", "learning_curves"),
    "why_stuck": ("films", "how symmetry breaks, or not", "symmetry"),
    "who_moved": ("figure-who_moved", "which tensors moved", "who_moved"),
    "final_accuracy": ("figure-final_accuracy", "how every variant ends", "final_accuracy"),
    "depth": ("figure-depth", "the signal by layer", "signal"),
}
# The page's own, one after the other.
TRYING = tuple(f"try/{name}.js" for name in ("setup", "controls", "status", "results", "try"))
SCRIPTS = ("charts.js", "curves.js", "symmetry.js", *TRYING, "compare.js", "page.js")
WORKER = ("try/network.js", "try/initializers.js", "try/worker.js")
# What made the numbers and the pictures.
PACKAGES = ("torch", "numpy", "safetensors", "scipy", "pandas", "matplotlib", "dvc")


def text(report: Report, claims: list[dict], made: dict[str, str]) -> str:
    """The page's HTML.

    `claims` are the rows of rendering.claims; `made` are the texts of this run by file name, in
    place of those in the folder of reports. The same inputs give the same text.
    """
    study = report.study
    csv = page_tables.gathered(report, made)
    films = images.films(report)
    plots = specifications(report)
    form = trying.form(study, report.tables / "sample.safetensors")
    written = {name: variant.written for name, variant in study.variants.items()}
    known = {
        "variants": variants(report),
        "groups": study.groups(),
        "looks": [look_of(style.look(i)) for i in range(len(style.PALETTE) - 1)],
        "baseline": BASELINE if BASELINE in study.variants else None,
        "tables": packed(as_json(csv).encode()),
        "films": films,
        "quantiles": quantiles(study),
        "charts": plots,
        "trying": form,
    }
    html = environment(autoescape=True).get_template("index.html").render(
        study=study, findings=report.findings, rows=list(report.rows.values()),
        results=report.results, data=style.data_set(study.data["name"]),
        activation=ACTIVATIONS[study.network["activation"]].label,
        optimizer=style.OPTIMIZERS[study.training["optimizer"]],
        films=films, charts=plots, trying=form, noise=page_tables.noise(report),
        layers=page_tables.layers_of_files(report),
        drawn=drawn_layers(study), partly=f"{100 * PARTLY:g}",
        sets=claim_tables.by_source(claims),
        places=places(report, plots),
        about={claim["id"]: about(report, claim) for claim in claims},
        maps=[(m, map_figures.SHOWN[m.shows], map_figures.about(m)) for m in report.maps],
        **questions.on_page(report),
        downloads={name: what for name, what in page_tables.DOWNLOADS.items() if name in csv},
        variants=yaml.safe_dump(
            written, sort_keys=False, allow_unicode=True, default_flow_style=None, width=72
        ),
        packages={name: version(name).split("+")[0] for name in PACKAGES},
        files=list(pd.read_csv(report.tables / "files.csv").itertuples()),
        json=as_script(as_json(known)),
        css=Markup(joined("page.css", "try/try.css", "print.css")),  # noqa: S704  ours
        script=as_script(joined(*(one for one in SCRIPTS if form or one not in TRYING))),
        worker=as_script(joined(*WORKER)),
        bundle=as_script(vl_convert.javascript_bundle()),  # type: ignore[call-arg]  # its stub is wrong
    )  # fmt: skip
    text, script, code = html.partition("<script")
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", text) + script + code


def places(report: Report, plots: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Where the page shows what a claim's figure does: the place and its name."""
    maps = {one.figure: (f"figure-{one.figure}", "the heat map") for one in report.maps}
    return {name: place[:2] for name, place in PLACES.items() if place[2] in plots} | maps


def drawn_layers(study: Study) -> list[dict[str, Any]]:
    """The layers that are drawn, each with its size; of many hidden ones the first and the last."""
    inputs, *hidden, classes = study.sizes
    layers = [(f"fc{i}", size, "units") for i, size in enumerate(hidden, 1)]
    if len(layers) > DRAWN:
        layers[1:-1] = [("…", 0, "")]
    seen = ("image", inputs, "pixels") if len(study.shape) == 3 else ("example", inputs, "values")
    drawn = [seen, *layers, ("out", classes, "classes")]
    return [{"name": name, "size": size, "of": of} for name, size, of in drawn]


def read(name: str) -> str:
    """The text of a file among the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def joined(*names: str) -> str:
    """Files among the templates, one after the other."""
    return "".join(map(read, names))


def as_json(values: object) -> str:
    """JSON without a space."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def variants(report: Report) -> dict[str, dict]:
    """What the script needs of every variant: its look, and how it ends, in words."""
    looks, ends = style.looks(report.study), style.endings(report.table)
    dead = ends | dead_at_the_end(report)
    return {
        name: {
            "label": variant.label,
            **look_of(looks[name]),
            "width": variant.width,
            "epochs": report.results.epochs(name),
            "depth": len(variant.layers) - 1,
            "accuracy": ends[name],
            "dead": "no ReLU" if variant.plan["activation"] not in ("relu", None) else dead[name],
        }
        for name, variant in report.study.variants.items()
    }


def dead_at_the_end(report: Report) -> dict[str, str]:
    """The share of hidden units that are dead at the end, mean over seeds, where these agree."""
    rows = pd.read_csv(report.reports / "dead_units.csv")
    last = rows["epoch"] == rows.groupby("variant")["epoch"].transform("max")
    means = rows[last].groupby("variant")["dead_fraction"].mean()
    agree = (name for name, row in report.rows.items() if row.outcome.has_mean and name in means)
    return {name: style.percent(means[name]) for name in agree}


def quantiles(study: Study) -> list[float]:
    """Student's t, that 95 % lie within, with 1, 2, … degrees of freedom: for as many seeds."""
    most = max(variant.plan["seeds"] for variant in study.variants.values())
    return stats.t.isf((1 - CONFIDENCE) / 2, range(1, most)).round(6).tolist()


def look_of(look: style.Look) -> dict[str, Any]:
    """A look, with its colour on a dark screen."""
    return look._asdict() | {"dark": style.on_dark(look.color)}


def about(report: Report, claim: dict) -> list[str]:
    """The variants that a claim was tested on, and those that they are compared with."""
    names = [part[which] for part in claim["parts"] for which in ("variant", "against")]
    return [name for name in dict.fromkeys(names) if name in report.study.variants]


def specifications(report: Report) -> dict[str, dict[str, Any]]:
    """Every chart of the page by its name: its specification, and the table that it draws.

    `shown` are its variants where these are always the same; `y` is the table's column.
    """
    study, curves = report.study, charts.CURVES
    own_layers = layers(study.network["hidden"])
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, table: str, chart: Any, shown: list[str] | None = None) -> None:
        y = curves[name].y if name in curves else None
        found[name] = {"table": table, "spec": chart.to_dict(), "shown": shown, "y": y}

    for name, table in (("learning_curves", "history"), ("dead_units", "dead_units")):
        add(name, table, charts.overlaid(curves[name], span=(0, 1)))
    add("tried", "tried", charts.overlaid(charts.TRIED))
    add("units", "units", charts.overlaid(curves["distinct_units"], marked=True))
    add("symmetry", "symmetry", charts.overlaid(curves["symmetry_gap"], marked=True))
    add("final_accuracy", "seeds", charts.final_accuracies(len(study.variants)))
    add("who_moved", "moves", heat_charts.who_moved(study.same_layers(), own_layers))
    if noisy := [name for _, _, name in series.noise(study)]:
        add("noise", "symmetry", charts.overlaid(curves["symmetry_gap"]), noisy)
    if deep := list(series.deep(study).values()):
        # One scale for both, which stand side by side.
        values = report.depth[report.depth["variant"].isin(deep)][["std", "theory"]]
        span = page_tables.powers_around(values)
        for quantity in ("signal", "gradient"):
            add(quantity, "depth", charts.overlaid(curves["depth"], quantity, span=span), deep)
    for one in report.maps:
        add(one.figure, "maps", map_figures.chart(one))
    for one in rate_charts.shown(report.asked):
        add(one.figure, "maps", rate_charts.chart(one))
    return found


def as_script(code: str) -> Markup:
    """Code or JSON in a script element, which ends at the first end tag, wherever it stands.

    In both, a `<` that begins a tag can only be in a string, where \\u003c means the same.
    """
    for tag in ("</", "<!--", "<script"):
        code = code.replace(tag, tag.replace("<", "\\u003c"))
    return Markup(code)  # noqa: S704  cannot end its element

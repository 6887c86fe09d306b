"""The page to look at, reports/index.html: one file that needs no network and no build step.

What is measured goes into it as CSV, once, for its charts, its tables and its downloads.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert
import yaml
from markupsafe import Markup

from stages.analysis import starts
from stages.analysis.maps import Map
from stages.analysis.results import Results
from stages.analysis.study import BASELINE, Study, Variant
from stages.rendering import (
    charts,
    heat_charts,
    images,
    map_figures,
    narrative,
    page_tables,
    style,
    try_a_start,
)
from stages.rendering import claims as told
from stages.rendering.environment import TEMPLATES, environment
from stages.rendering.packing import packed
from stages.training.activations import ACTIVATIONS

# Where the page shows what a claim's figure does: the place, its name, and a chart of it.
PLACES = {
    "learning_curves": ("figure-learning_curves", "the learning curves", "learning_curves"),
    "why_stuck": ("films", "how symmetry breaks, or not", "symmetry"),
    "all_variants": ("figure-learning_curves", "the learning curves", "learning_curves"),
    "who_moved": ("figure-who_moved", "who moved", "who_moved"),
    "final_accuracy": ("figure-final_accuracy", "how every start ends", "final_accuracy"),
    "depth": ("figure-depth", "the signal by layer", "signal"),
}
# The page's own, one after the other.
SCRIPTS = (
    "charts.js", "curves.js", "symmetry.js", "try/starts.js", "try/address.js", "try/controls.js",
    "try/sentence.js", "try/seen.js", "try/try.js", "page.js",
)  # fmt: skip
WORKER = ("try/network.js", "try/starts.js", "try/worker.js")
# What made the numbers and the pictures.
PACKAGES = ("torch", "numpy", "safetensors", "scipy", "pandas", "matplotlib", "dvc")


def text(
    study: Study,
    results: Results,
    table: pd.DataFrame,
    maps: list[Map],
    claims: list[dict],
    reports: Path,
    tables: Path,
    made: dict[str, str],
) -> str:
    """The page's HTML.

    `table` as outcomes.comparison gives it, `maps` those of the sweeps, `claims` as
    rendering.claims.rows; `reports` is the folder with TABLES, but for those that are `made` with
    it; `tables` the one with files.csv and snapshots.safetensors. The same inputs give the same
    text.
    """
    csv = page_tables.gathered(study, results, maps, claims, reports, made)
    depth, dead = pd.read_csv(reports / "depth.csv"), dead_at_the_end(reports, table)
    films = images.films(study, results, tables / "snapshots.safetensors")
    plots = specifications(study, maps, depth)
    trying = try_a_start.setup(study, tables / "sample.safetensors")
    known = {
        "variants": variants(study, results, table, dead),
        "groups": study.groups(),
        "looks": [look_of(style.look(i)) for i in range(len(style.PALETTE) - 1)],
        "baseline": BASELINE if BASELINE in study.variants else None,
        "tables": packed(as_json(csv).encode()),
        "films": films,
        "charts": plots,
        "trying": trying,
    }
    written = {name: variant.written for name, variant in study.variants.items()}
    return environment(autoescape=True).get_template("index.html").render(
        study=study, rows=list(table.itertuples()), films=films, charts=plots,
        sets=told.by_source(claims),
        facts=narrative.facts(study, results, table, claims, dead, depth),
        places={name: place for name, place in PLACES.items() if place[2] in plots}
        | {f"map_{one.name}": (f"figure-map_{one.name}", "the map") for one in maps},
        trying=trying, optimizers=style.OPTIMIZERS,
        activations={name: one.label for name, one in ACTIVATIONS.items()},
        maps=[map_figures.told(one) for one in maps],
        about={claim["id"]: about(study, claim) for claim in claims},
        downloads={name: what for name, what in page_tables.DOWNLOADS.items() if name in csv},
        variants=yaml.safe_dump(
            written, sort_keys=False, allow_unicode=True, default_flow_style=None, width=72
        ),
        packages={name: version(name).split("+")[0] for name in PACKAGES},
        files=list(pd.read_csv(tables / "files.csv").itertuples()),
        json=as_script(as_json(known)),
        css=Markup(joined("page.css", "try/try.css")),  # noqa: S704  ours
        script=as_script(joined(*SCRIPTS)),
        worker=as_script(joined(*WORKER)),
        bundle=as_script(vl_convert.javascript_bundle()),  # type: ignore[call-arg]  # its stub is wrong
    )  # fmt: skip


def read(name: str) -> str:
    """The text of a file among the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def joined(*names: str) -> str:
    """Files among the templates, one after the other."""
    return "".join(map(read, names))


def as_json(values: object) -> str:
    """JSON without a space."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def dead_at_the_end(reports: Path, table: pd.DataFrame) -> dict[str, float]:
    """The share of hidden units that are dead at the end, mean over seeds, where it has one."""
    rows = pd.read_csv(reports / "dead_units.csv")
    last = rows["epoch"] == rows.groupby("variant")["epoch"].transform("max")
    means = rows[last].groupby("variant")["dead_fraction"].mean().dropna()
    apart = [row.variant for row in table.itertuples() if not row.outcome.has_mean]
    return means.drop(apart, errors="ignore").to_dict()


def variants(
    study: Study, results: Results, table: pd.DataFrame, dead: dict[str, float]
) -> dict[str, dict]:
    """What the script knows of every variant: how it looks and how it ends, in words."""
    looks, ends = style.looks(study), style.endings(table)

    def at_the_end(variant: Variant, parted: str) -> str:
        if variant.plan["activation"] != "relu":
            return "no ReLU"
        return style.percent(dead[variant.name]) if variant.name in dead else parted

    return {
        name: {
            "label": variant.label,
            **look_of(looks[name]),
            "width": variant.hidden[0],
            "epochs": results.epochs(name),
            "depth": len(variant.hidden),
            "accuracy": ends[name],
            "dead": at_the_end(variant, ends[name]),
        }
        for name, variant in study.variants.items()
    }


def look_of(look: style.Look) -> dict[str, Any]:
    """A look, with its colour on a dark screen."""
    return look._asdict() | {"dark": style.on_dark(look.color)}


def about(study: Study, claim: dict) -> list[str]:
    """The variants that a claim was tested on, or compares these with."""
    names = [part[which] for part in claim["parts"] for which in ("variant", "against")]
    return [name for name in dict.fromkeys(names) if name in study.variants]


def specifications(study: Study, maps: list[Map], depth: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Every chart of the page by its name: its specification, and the table that it draws.

    `shown` are its variants where these are always the same; `y` is the table's column.
    """
    same = study.same_layers()
    layers = study.variants[same[0]].layers if same else []
    curves = charts.CURVES
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
    add("who_moved", "moves", heat_charts.who_moved(same, layers))
    if noisy := [name for _, _, name in starts.noise(study)]:
        add("noise", "symmetry", charts.overlaid(curves["symmetry_gap"]), noisy)
    if deep := list(starts.deep(study).values()):
        # One scale for both, which stand side by side.
        span = page_tables.powers_around(depth[depth["variant"].isin(deep)][["std", "theory"]])
        for quantity in ("signal", "gradient"):
            add(quantity, "depth", charts.overlaid(curves["depth"], quantity, span=span), deep)
    for one in maps:
        add(f"map_{one.name}", "maps", map_figures.chart(one))
    return found


def as_script(code: str) -> Markup:
    """Code or JSON in a script element, which ends at the first end tag, wherever it stands.

    In both, a `<` that begins a tag can only be in a string, where \\u003c means the same.
    """
    for tag in ("</", "<!--", "<script"):
        code = code.replace(tag, tag.replace("<", "\\u003c"))
    return Markup(code)  # noqa: S704  cannot end its element

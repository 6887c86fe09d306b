"""The page to look at, reports/index.html: one file that needs no network and no build step.

What is measured goes into it as CSV, once, for its charts, its tables and its downloads. The
charts are the templates of `dvc plots` (.dvc/plots), here with a colour for every variant
instead of a panel.
"""

import hashlib
import io
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import ruamel.yaml
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages import ROOT, charts, idx, params, pictures, rules, sentences
from stages.figures import PALETTE
from stages.measured import STUCK, Measured
from stages.summary import BASELINE, PARTLY, splits, verdict
from stages.words import percent

TEMPLATES = ROOT / "stages" / "templates"

# Downloads of the page, and what is in them. The first are made by evaluate, and drawn.
TABLES = {
    "history": "losses and accuracies of every seed after every epoch",
    "seeds": "test accuracy and loss of every seed at the end",
    "symmetry": "symmetry gap of fc1's units, every seed and epoch",
    "dead_units": "share of hidden ReLU units that answer to no image, every seed and epoch",
    "depth": "signal and gradient in every hidden layer before training",
    "tensors": "distinct values and the largest move of every tensor, every seed",
    "digits": "accuracy by true digit",
    "confusion": "which digit is taken for which",
    "summary": "every variant: accuracy, difference to the baseline, outcome",
    "claims": "the lecture's claims, their verdicts, and the number that each rests on",
    "statistics": "Wilson's intervals, sign-flip p, P(variant > baseline), epochs to 95 % of it",
}

CLAIM_COLUMNS = ["id", "section", "claim", "verdict", "quantity", "measured", "low", "high"]

# As in stages/figures.py, told apart a second time.
DASHES = [[1, 0], [7, 3], [2, 2], [7, 2, 2, 2], [12, 3], [4, 1]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"]

VERDICTS = {
    rules.HOLDS: ("holds", "✓"),
    rules.CORRECTED: ("corrected", "≈"),
    rules.FAILS: ("fails", "✗"),
    rules.UNTESTED: ("untested", "–"),
}

# Where the page shows what a claim's figure does: the place, its name, and a chart of it.
PLACES = {
    "learning_curves": ("figure-learning_curves", "the learning curves", "learning_curves"),
    "why_stuck": ("symmetry", "how symmetry breaks, or not", "symmetry"),
    "who_moved": ("figure-who_moved", "who moved", "who_moved"),
    "final_accuracy": ("figure-final_accuracy", "how every start ends", "final_accuracy"),
    "depth": ("figure-depth", "the signal by layer", "signal"),
}

# What made the numbers and the pictures.
PACKAGES = ("torch", "numpy", "safetensors", "scipy", "pandas", "matplotlib", "dvc")


def text(
    settings: params.Params,
    results: Measured,
    table: pd.DataFrame,
    audit: list[dict],
    reports: Path,
    data: Path,
) -> str:
    """The page's HTML.

    `table` as summary.comparison gives it, `audit` as claims.audit; `reports` is the folder
    with TABLES, `data` that of runs and images. The same inputs give the same text.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    films = pictures.films(settings, results, data / "runs")
    plots = charts.specifications(settings, results, table)
    # What the script knows.
    study = {
        "variants": looks(settings),
        "groups": groups(settings),
        "looks": [look(i) for i in range(len(PALETTE) - 1)],
        "baseline": BASELINE if BASELINE in settings.variants else None,
        "tables": tables(reports, audit),
        "films": films,
        "charts": plots,
    }
    return environment.get_template("index.html").render(
        answers=sentences.answers(settings, results, table, audit),
        failed=[row for row in audit if row["verdict"] == rules.FAILS],
        about=sentences.about(settings, results, table),
        claims=audit,
        verdicts=VERDICTS,
        places={name: place for name, place in PLACES.items() if place[2] in plots},
        groups=groups(settings),
        label=settings.label_of,
        films=films,
        pair=pictures.pair(films),
        charts=plots,
        rows=[row._asdict() for row in table.itertuples(index=False)],
        percent=percent,
        interval=interval,
        splits=splits,
        extent=lambda variant: extent(results.accuracy(variant)),
        outcomes=outcomes(results),
        note=verdict(table),
        downloads=TABLES,
        settings=settings,
        variants=written(settings),
        own=[v for v in settings.variants if sentences.differs(settings, v)],
        packages={name: version(name).split("+")[0] for name in PACKAGES},
        sums=sums(data / settings.data.name),
        study=as_script(json.dumps(study, ensure_ascii=False, separators=(",", ":"))),
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=as_script((TEMPLATES / "page.js").read_text(encoding="utf-8")),
        bundle=as_script(vl_convert.javascript_bundle()),
    )


def tables(reports: Path, audit: list[dict]) -> dict[str, str]:
    """TABLES as CSV, by name."""
    files = {name: reports / f"{name}.csv" for name in TABLES if name != "claims"}
    found = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    rows = []
    for row in audit:
        low, high = row["interval"] or (None, None)
        rows.append(row | {"low": low, "high": high})
    return found | {"claims": pd.DataFrame(rows)[CLAIM_COLUMNS].to_csv(index=False)}


def as_script(code: str) -> Markup:
    """Code or JSON in a script element, which ends at the first end tag, wherever it stands.

    In both, a `<` that begins a tag can only be in a string, where \\u003c means the same.
    """
    for tag in ("</", "<!--", "<script"):
        code = code.replace(tag, tag.replace("<", "\\u003c"))
    return Markup(code)


def groups(settings: params.Params) -> dict[str, list[str]]:
    """The variants by the group that they are shown in."""
    found: dict[str, list[str]] = {}
    for variant in settings.variants:
        found.setdefault(settings.group_of(variant), []).append(variant)
    return found


def looks(settings: params.Params) -> dict[str, dict]:
    """How every variant is labelled and drawn.

    The baseline keeps the first colour, since it is drawn beside every group.
    """
    found = {}
    for members in groups(settings).values():
        others = [variant for variant in members if variant != BASELINE]
        for i, variant in enumerate([BASELINE, *others]):
            if variant not in members:
                continue
            display = settings.display.get(variant)
            found[variant] = {
                "label": settings.label_of(variant),
                **look(i),
            }
            if display and display.color:
                found[variant]["color"] = display.color
    return {variant: found[variant] for variant in settings.variants}


def look(i: int) -> dict:
    """The colour, the dashes and the marker of the i-th curve of a chart."""
    return {
        "color": PALETTE[i % len(PALETTE)],
        "dash": DASHES[i % len(DASHES)],
        "shape": SHAPES[i % len(SHAPES)],
    }


def interval(row: dict, column: str, sign: str = "") -> str:
    """Like `97.44 to 98.05`, in per cent, from a row of summary.comparison."""
    low, high = (100 * row[f"{column}_{end}"] for end in ("low", "high"))
    return (
        ""
        if low != low
        else f"{low:{sign}.2f} to {high:{sign}.2f}".replace("-0.00", "0.00").replace("-", "−")
    )


def extent(accuracies: np.ndarray) -> str:
    """Like `11.35 to 97.05`, in per cent, from accuracies `[seeds]`."""
    return f"{100 * accuracies.min():.2f} to {100 * accuracies.max():.2f}"


def outcomes(results: Measured) -> str:
    """What the outcomes mean, in a sentence."""
    return (
        f"A seed learns if it ends more than {100 * STUCK:g} points above "
        f"{percent(results.commonest)}, the share of the commonest class; a start of "
        f"which none does is stuck, and one that ends more than {100 * PARTLY:g} points below the "
        "baseline learns partly."
    )


def written(settings: params.Params) -> str:
    """The variants as they stand in params.yaml."""
    lines = settings.model_dump(exclude_none=True, exclude_defaults=True)["variants"]
    yaml = ruamel.yaml.YAML()
    yaml.default_flow_style = None
    yaml.width = 72
    file = io.StringIO()
    yaml.dump(plain(lines), file)
    return file.getvalue()


def plain(value):
    """Initializers as they are written, in lists and mappings of plain values."""
    if isinstance(value, params.Initializer):
        return value.as_written()
    if isinstance(value, dict) and value.keys() == {"name", "kwargs"}:
        return params.Initializer(**value).as_written()
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    return value


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of the data set's files, by name."""
    files = idx.FILES.values()
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}

"""The page's charts: the templates of `dvc plots` (.dvc/plots), with a colour for every variant.

There they have a panel for every variant, and a colour for every revision.
"""

import json

import pandas as pd

from stages import ROOT
from stages.measured import Measured
from stages.params import Params
from stages.reasons import GAINS, noise_levels
from stages.sentences import dead_share, deep
from stages.summary import splits
from stages.words import percent

PLOTS = ROOT / ".dvc" / "plots"


def template(name: str, **words: str) -> dict:
    """A template of `dvc plots` with its anchors filled in, and the data left to the page."""
    plot = (PLOTS / f"{name}.json").read_text(encoding="utf-8")
    plot = plot.replace('"<DVC_METRIC_COLOR>"', json.dumps(COLOR))
    for anchor, word in words.items():
        plot = plot.replace(f"<DVC_METRIC_{anchor.upper()}>", word)
    return json.loads(plot)


# The page fills in the variants' colours, which are others in the dark.
COLOR = {
    "field": "variant",
    "type": "nominal",
    "legend": None,
    "scale": {"domain": [], "range": []},
}
# What a curve is at a point: its mean with the interval, or how far its seeds lie apart.
ACCURACY = (
    "format(100 * datum.mean, '.2f') + ' %' + (datum.seeds < 2 ? '' : ' (' + "
    "format(100 * datum.low, '.2f') + ' to ' + format(100 * datum.high, '.2f') + ')')"
)
PARTED = (
    "'the seeds part ways, ' + format(100 * datum.least, '.2f') + ' to ' + "
    "format(100 * datum.most, '.2f') + ' %'"
)
EXTREMES = [
    {"op": "min", "field": "y", "as": "least"},
    {"op": "max", "field": "y", "as": "most"},
]
# What the page calls a variant.
LABEL = {"calculate": "labels[datum.variant]", "as": "start"}
START = {"field": "start", "title": "start"}
OPACITY = {"condition": {"test": "!alone || alone == datum.variant", "value": 1}, "value": 0.08}
SHOWN = {"filter": "indexof(shown, datum.variant) >= 0"}
# The page sets these: which variants are drawn, which of them stands out, the last epoch.
PARAMS = [
    {"name": "shown", "value": []},
    {"name": "alone", "value": None},
    {"name": "start", "value": 0},
    {"name": "last", "value": 1},
    {"name": "labels", "value": {}},
]
DASH = {"field": "variant", "type": "nominal", "legend": None, "scale": {"domain": [], "range": []}}


def specifications(settings: Params, results: Measured, table: pd.DataFrame) -> dict[str, dict]:
    """Every chart of the page: a Vega-Lite specification, and the table that it draws."""
    same = shallow(settings)
    divided = [row.variant for row in table.itertuples() if splits(row.outcome)]
    found = {
        "learning_curves": overlaid(
            template("learning_curves", x="epoch", y="test_acc", x_label="Epoch",
                     y_label="Test accuracy"),
            ACCURACY, divided,
        ),
        "dead_units": overlaid(
            template("learning_curves", x="epoch", y="dead_fraction", x_label="Epoch",
                     y_label="Dead units"),
            ACCURACY,
        ),
        "symmetry": gap(),
        "final_accuracy": rows_of(
            template("by_variant", x="test_acc", y="variant", x_label="Test accuracy"),
            len(settings.variants), divided,
        ),
        "who_moved": cells(template("tensors", x="tensor", y="variant", x_label=""), len(same)),
    }  # fmt: skip
    mark_epoch(found["symmetry"])
    found["who_moved"]["transform"] = [{"filter": {"field": "variant", "oneOf": same}}]
    if deep(settings):
        for quantity in ("signal", "gradient"):
            spec = overlaid(
                template("depth", x="depth", y="std", x_label="Hidden layer",
                         y_label="Standard deviation"),
                "format(datum.y, datum.y < 0.001 ? '.2~e' : '.3~g')",
            )  # fmt: skip
            found[quantity] = with_theory(spec, quantity, settings, results)
    if noise_levels(settings):
        found["noise"] = gap()
    sources = {
        "learning_curves": "history", "final_accuracy": "seeds", "who_moved": "tensors",
        "signal": "depth", "gradient": "depth", "noise": "symmetry",
    }  # fmt: skip
    lasts = {variant: results.epochs(variant) for variant in settings.variants}
    depths = {variant: len(results.layers(variant)) - 1 for variant in settings.variants}
    shown = {"signal": list(deep(settings).values())}
    shown |= {"gradient": shown["signal"], "noise": noisy(settings)}
    ends = {"learning_curves": accuracies(table), "dead_units": dead(settings, results)}
    return {
        name: {
            "table": sources.get(name, name),
            "spec": spec,
            "shown": shown.get(name),
            "ends": ends.get(name),
            "lasts": depths if sources.get(name) == "depth" else lasts,
        }
        for name, spec in found.items()
    }


def accuracies(table: pd.DataFrame) -> dict[str, str]:
    """How every variant ends, in a word or two: its accuracy, or how its seeds part ways."""
    return {
        row.variant: row.outcome if splits(row.outcome) else percent(row.test_acc_mean)
        for row in table.itertuples()
    }


def dead(settings: Params, results: Measured) -> dict[str, str]:
    """The share of hidden units that are dead at the end, of every variant."""
    shares = {variant: dead_share(settings, results, variant) for variant in settings.variants}
    return {v: "no ReLU" if share is None else percent(share) for v, share in shares.items()}


def noisy(settings: Params) -> list[str]:
    """The variants that start at one constant with more or less noise."""
    levels = noise_levels(settings).values()
    return [variant for _, variant in max(levels, key=len, default=[])]


def gap() -> dict:
    """The symmetry gap of fc1 by epoch."""
    plot = template(
        "symmetry_gap", x="epoch", y="symmetry_gap", x_label="Epoch", y_label="Symmetry gap of fc1"
    )
    return overlaid(plot, "format(datum.mean, '.3~g')")


def overlaid(plot: dict, value: str, divided: list[str] | None = None) -> dict:
    """A template's panels as one chart, in which variants are told apart by their look.

    `value` is the expression for what the pointer is told of a curve at a point. Of the variants
    in `divided` every seed is drawn, since their mean describes none of them.
    """
    inner = plot["spec"]
    lines = {"transform": plot["transform"], **{k: inner[k] for k in ("encoding", "layer")}}
    lines["encoding"].pop("strokeDash", None)
    lines["encoding"]["opacity"] = OPACITY
    # Given, since in a layer that has nothing to draw there is none to be seen.
    lines["encoding"]["x"]["scale"] = {"domain": {"expr": "[start, last]"}}
    area, line = ([None, *lines["layer"]])[-2:]
    line["mark"] = {"type": "line", "strokeWidth": 2, "point": {"size": 40}}
    line["encoding"] |= {"strokeDash": DASH, "shape": DASH}
    line["encoding"].pop("tooltip")
    if area:
        # The band is faint, and fainter where another variant stands out.
        area["mark"].pop("opacity")
        area["encoding"]["opacity"] = {**OPACITY, "value": 0.02}
        area["encoding"]["opacity"]["condition"] = {**OPACITY["condition"], "value": 0.2}
    spec = {
        "params": PARAMS, "width": "container", "height": 320, "transform": [SHOWN],
        "layer": [lines],
    }  # fmt: skip
    lines["transform"] = [*plot["transform"], LABEL]
    if divided:
        within = {"field": "variant", "oneOf": divided}
        lines["transform"].insert(0, {"filter": {"not": within}})
        y = {**line["encoding"]["y"], "field": "y"}
        each = {
            "transform": [{"filter": within}, *plot["transform"][1:3], LABEL],
            "mark": {"type": "line", "strokeWidth": 1.2},
            "encoding": {
                **lines["encoding"], "y": y, "detail": {"field": "seed"}, "strokeDash": DASH,
            },
        }  # fmt: skip
        spec["layer"].append(each)
    spec["layer"].append(at_pointer(plot, value, divided or []))
    return spec


def at_pointer(plot: dict, value: str, divided: list[str]) -> dict:
    """A line at the place nearest to the pointer, that tells what all the curves are there."""
    inner = plot["spec"]
    x, y = ({**inner["layer"][0]["encoding"], **inner["encoding"]}[axis]["title"] for axis in "xy")
    transform = [
        {**step, "aggregate": [*step["aggregate"], *EXTREMES]} if "aggregate" in step else step
        for step in plot["transform"]
    ]
    within = f"indexof({json.dumps(divided)}, datum.variant) >= 0"
    return {
        "transform": [
            {"filter": "!alone || alone == datum.variant"}, *transform, LABEL,
            {"calculate": f"datum.start + ': ' + ({within} ? {PARTED} : {value})", "as": "words"},
            {"aggregate": [{"op": "values", "as": "curves"}], "groupby": ["x"]},
            {"calculate": "join(pluck(datum.curves, 'words'), '\\n')", "as": "words"},
        ],
        "params": [
            {"name": "at", "select": {"type": "point", "encodings": ["x"], "nearest": True,
                                      "on": "pointerover", "clear": "pointerout"}}
        ],
        "mark": {"type": "rule", "strokeWidth": 1, "color": "gray"},
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "opacity": {"condition": {"param": "at", "empty": False, "value": 0.7}, "value": 0},
            # What the pointer meets is a cell around the line, and the cell's datum is the line.
            "tooltip": {"value": {"expr": f"{{{json.dumps(x)}: (datum.datum || datum).x, "
                                          f"{json.dumps(y)}: (datum.datum || datum).words}}"}},
        },
    }  # fmt: skip


def tell(layer: dict) -> None:
    """Let a layer's tooltips tell a start by its label, and no revision: there is but one."""
    tips = layer["encoding"].get("tooltip", [])
    layer["encoding"]["tooltip"] = [
        START if tip.get("field") == "variant" else tip for tip in tips if tip.get("field") != "rev"
    ]


def mark_epoch(spec: dict) -> None:
    """Draw a line at the epoch that the page's slider is at."""
    spec["params"] = [*spec["params"], {"name": "marked", "value": 0}]
    spec["layer"].insert(
        -1,  # below what the pointer meets
        {
            "data": {"values": [{}]},
            "transform": [{"calculate": "marked", "as": "x"}],
            "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [3, 3], "color": "gray"},
            "encoding": {"x": {"field": "x", "type": "quantitative"}},
        },
    )


def rows_of(plot: dict, count: int, divided: list[str]) -> dict:
    """The template with `count` rows, a variant each, and no mean of those in `divided`."""
    plot["layer"][1]["transform"] = [{"filter": {"not": {"field": "variant", "oneOf": divided}}}]
    for layer in plot["layer"]:
        tell(layer)
    plot["transform"] = [LABEL]
    del (
        plot["$schema"],
        plot["data"],
        plot["encoding"]["yOffset"],
        plot["encoding"]["color"],
        plot["title"],
    )
    plot["encoding"]["y"]["axis"] |= LABELS
    plot["params"] = [{"name": "labels", "value": {}}]
    return plot | {"width": "container", "height": 17 * count}


def cells(plot: dict, count: int) -> dict:
    """The template with `count` rows, a variant each, and a column a tensor."""
    inner = {key: value for key, value in plot["spec"].items() if key not in ("width", "height")}
    inner["encoding"]["y"]["axis"] = dict(LABELS)
    inner["encoding"]["x"]["axis"] |= {"orient": "top"}
    inner["layer"][0]["encoding"]["color"]["legend"] = None
    inner["transform"] = [*inner["transform"], LABEL]
    inner["encoding"]["tooltip"] = [
        START, {"field": "tensor"},
        {"field": "value", "type": "quantitative", "title": "largest move", "format": ".3~g"},
    ]  # fmt: skip
    number = inner["layer"][1]["encoding"]["text"]
    # Cells are narrow on a phone.
    number["condition"] = {"test": "narrow", **number, "format": ".1~g"}
    return {
        "params": [{"name": "labels", "value": {}}, {"name": "narrow", "value": False}],
        "width": "container", "height": 21 * count,
        "layer": [inner],
    }  # fmt: skip


LABELS = {"labelExpr": "labels[datum.value] || datum.value"}


def shallow(settings: Params) -> list[str]:
    """The variants that train the study's own network, layer by layer."""
    return [
        v for v in settings.variants if settings.network_of(v).hidden == settings.network.hidden
    ]


def with_theory(spec: dict, quantity: str, settings: Params, results: Measured) -> dict:
    """A quantity of the deep networks by layer, with what theory says of its decay."""
    rows = []
    for scheme, variant in deep(settings).items():
        *hidden, _ = results.layers(variant)
        start = 1 if quantity == "signal" else len(hidden)
        value = results.probe(variant, hidden[start - 1], f"{quantity}_std", 0).mean()
        if not 0 < value < float("inf"):
            continue
        rows += [
            {"variant": variant, "x": x, "y": value * GAINS[scheme][0] ** (abs(x - start) / 2)}
            for x in range(1, len(hidden) + 1)
        ]
    spec["transform"] = [SHOWN, {"filter": f"datum.quantity == '{quantity}'"}]
    lines = spec["layer"][0]
    theory = {
        "data": {"values": [{**row, "y": float(f"{row['y']:.4g}")} for row in rows]},
        "transform": [SHOWN],
        "mark": {"type": "line", "strokeWidth": 1.5, "strokeDash": [5, 4]},
        "encoding": {
            "x": lines["encoding"]["x"], "y": lines["encoding"]["y"],
            "color": lines["encoding"]["color"], "opacity": OPACITY,
        },
    }  # fmt: skip
    lines["layer"][0]["encoding"].pop("strokeDash")
    spec["params"] = [
        {**param, "value": 1} if param["name"] == "start" else param for param in PARAMS
    ]
    spec["layer"].insert(-1, theory)
    return spec | {"height": 260}

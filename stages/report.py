"""Stage report: tables, the audit of the lecture's claims, figures, a note, and the page."""

import json

import pandas as pd
from safetensors.numpy import load_file

from stages import ROOT, claims, figures, measured, note, page, params, reasons, rules, summary
from stages.statistics import t_interval

RUNS = ROOT / "data" / "runs"
REPORTS = ROOT / "reports"

SUMMARY_COLUMNS = [
    "variant", "group", "seeds", "test_acc_mean", "test_acc_low", "test_acc_high",
    "diff_mean", "diff_low", "diff_high", "p_holm", "outcome",
]  # fmt: skip
DETAIL_COLUMNS = [
    "variant", "label", "epochs", "wilson_low", "wilson_high", "p", "superiority", "learning",
    "epochs_to_95",
]  # fmt: skip
SCHEMES = {"default": "PyTorch default", "xavier": "Xavier", "he": "He"}


def main() -> None:
    settings = params.load_or_exit()
    commonest, images = commonest_class(pd.read_csv(REPORTS / "confusion.csv"), settings.seeds)
    results = measured.load(RUNS, settings.variants, commonest)

    table = summary.comparison(results, settings, images)
    write_csv("summary", table[SUMMARY_COLUMNS])
    write_csv("statistics", table[DETAIL_COLUMNS])
    write_text("summary.md", f"{summary.as_markdown(table)}\n{summary.notes(table)}\n")

    audit = claims.audit(results, settings)
    write_text("claims.json", json.dumps(audit, indent=2, ensure_ascii=False) + "\n")
    write_text("claims.md", claims.as_markdown(audit, claims.departures(settings)))

    write_text("note.md", note.text(settings, table, audit))

    metrics = headline(table, audit, settings)
    write_text("metrics.json", json.dumps(metrics, indent=2) + "\n")
    accuracy = dict(zip(table["variant"], table["test_acc_mean"], strict=True))
    write_text("accuracy.json", json.dumps(accuracy, indent=2) + "\n")

    (REPORTS / "figures").mkdir(exist_ok=True)
    for name, figure in draw(results, settings, table):
        figures.save(figure, REPORTS / "figures" / name)

    write_text("index.html", page.text(settings, results, table, audit, REPORTS, ROOT / "data"))


def commonest_class(confusion: pd.DataFrame, seeds: int) -> tuple[float, int]:
    """The share of the test set's commonest class, and how many images the test set has."""
    one = confusion[confusion["variant"] == confusion["variant"].iloc[0]]
    counts = one.groupby("actual")["count"].sum()
    return float(counts.max() / counts.sum()), int(counts.sum() // seeds)


def headline(table: pd.DataFrame, audit: list[dict], settings: params.Params) -> dict:
    """What an experiment comes to in a few numbers, for DVC's tables of metrics.

    Test accuracies of the variants in the first one's group; the best and the mean of all
    variants; how many variants learn and are stuck; how many claims hold, with a correction
    or without, and how many do not.
    """
    accuracy = table.set_index("variant")["test_acc_mean"]
    outcomes, verdicts = list(table["outcome"]), [row["verdict"] for row in audit]
    return {variant: accuracy[variant] for variant in first_group(settings)} | {
        "best": accuracy.max(),
        "mean": round(accuracy.mean(), 6),
        "learn": outcomes.count("learns"),
        "stuck": outcomes.count("stuck"),
        "claims_hold": verdicts.count(rules.HOLDS) + verdicts.count(rules.CORRECTED),
        "claims_fail": verdicts.count(rules.FAILS),
    }


def first_group(settings: params.Params) -> list[str]:
    """The variants that have the first one's group: the lecture's, in the study as it comes."""
    group = settings.group_of(next(iter(settings.variants)))
    return [variant for variant in settings.variants if settings.group_of(variant) == group]


def draw(results: measured.Measured, settings: params.Params, table: pd.DataFrame):
    """Every figure by its name, one after the other."""
    curves = learning_curves(results.history, settings)
    colors = {name: display.color for name, display in settings.display.items()}
    outcomes = dict(zip(table["variant"], table["outcome"], strict=True))
    lecture = first_group(settings)[: len(figures.PALETTE)]
    inside = curves[curves["variant"].isin(lecture)]
    yield "learning_curves", figures.learning_curves(inside, results.history, outcomes, colors)
    yield "all_variants", figures.all_variants(curves, results.history, outcomes, colors)
    accuracies = {variant: results.accuracy(variant) for variant in settings.variants}
    yield "final_accuracy", figures.final_accuracy(table, accuracies, results.commonest)
    yield "why_stuck", reasons.why_stuck(results, lecture[:4], settings.label_of)
    yield "first_weights", reasons.first_weights(fc1_weights(lecture[:4]), settings.label_of)
    yield "who_moved", reasons.who_moved(results, settings)
    yield "little_randomness", reasons.little_randomness(results, settings, summary.BASELINE)
    # The theory beside them is ReLU's.
    relu = {v for v in settings.variants if settings.network_of(v).activation == "relu"}
    deep = {scheme: f"deep_{scheme}_adam" for scheme in SCHEMES if f"deep_{scheme}_adam" in relu}
    yield "depth", reasons.depth(results, deep, SCHEMES.__getitem__)


def fc1_weights(variants: list[str]) -> dict:
    """fc1's weights `[units, 784]` of the first seed, before and after training, by variant."""
    files = ("initial.safetensors", "weights.safetensors")
    return {
        variant: tuple(load_file(RUNS / variant / file)["fc1.weight"][0] for file in files)
        for variant in variants
    }


def learning_curves(history: pd.DataFrame, settings: params.Params) -> pd.DataFrame:
    """Mean and interval of the test accuracy for every variant and epoch, over its seeds."""
    rows = []
    for (variant, epoch), seeds in history.groupby(["variant", "epoch"], sort=False):
        mean, low, high = t_interval(seeds["test_acc"].to_numpy())
        rows.append(
            {
                "variant": variant,
                "label": settings.label_of(variant),
                "group": settings.group_of(variant),
                "seeds": len(seeds),
                "epoch": epoch,
                "test_acc_mean": mean,
                "test_acc_low": low,
                "test_acc_high": high,
            }
        )
    return pd.DataFrame(rows)


def write_csv(name: str, table: pd.DataFrame) -> None:
    """Write reports/NAME.csv."""
    table.to_csv(REPORTS / f"{name}.csv", index=False, lineterminator="\n")


def write_text(name: str, text: str) -> None:
    """Write a file in reports."""
    (REPORTS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

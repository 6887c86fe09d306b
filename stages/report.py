"""Stage report: figures and tables, from what evaluate measured."""

import math

import pandas as pd

from stages import ROOT, figures, params
from stages.statistics import t_interval

REPORTS = ROOT / "reports"


def main() -> None:
    settings = params.load_or_exit()
    history = pd.read_csv(REPORTS / "history.csv")
    curves = learning_curves(history, settings)
    final = curves.groupby("variant", sort=False).last().reset_index()
    summary = final.drop(columns="epoch")

    summary.to_csv(REPORTS / "summary.csv", index=False, lineterminator="\n")
    (REPORTS / "summary.md").write_text(as_markdown(summary), encoding="utf-8")
    colors = {name: display.color for name, display in settings.display.items()}
    figures.save(figures.learning_curves(curves, colors), REPORTS / "learning_curves")


def learning_curves(history: pd.DataFrame, settings: params.Params) -> pd.DataFrame:
    """Mean and interval of the test accuracy for every variant and epoch, over its seeds."""
    rows = []
    for (variant, epoch), seeds in history.groupby(["variant", "epoch"], sort=False):
        mean, low, high = t_interval(seeds["test_acc"].to_numpy())
        rows.append(
            {
                "variant": variant,
                "label": settings.label_of(variant),
                "seeds": len(seeds),
                "epoch": epoch,
                "test_acc_mean": round(mean, 6),
                "test_acc_low": round(low, 6),
                "test_acc_high": round(high, 6),
            }
        )
    return pd.DataFrame(rows)


def as_markdown(summary: pd.DataFrame) -> str:
    """The summary as a table to read, accuracies in per cent."""
    lines = [
        "| variant | start | seeds | test accuracy | 95 % interval over seeds |",
        "|---|---|---:|---:|---:|",
    ]
    for row in summary.itertuples():
        mean = f"{100 * row.test_acc_mean:.2f} %"
        interval = f"{100 * row.test_acc_low:.2f} – {100 * row.test_acc_high:.2f} %"
        if math.isnan(row.test_acc_low):
            interval = "needs 2 seeds"
        label = row.label.replace("|", r"\|")
        lines.append(f"| {row.variant} | {label} | {row.seeds} | {mean} | {interval} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

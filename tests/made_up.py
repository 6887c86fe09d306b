"""Made-up results of a study, to see what reports make of them."""

import pandas as pd

from stages import ROOT, params, probes
from stages.measured import Measured

COMMONEST = 0.1135
EPOCHS = 3
HIDDEN = ["fc1", "fc2"]

# What a probe says unless a test wants it otherwise: a network that learns.
HEALTHY = {
    "distinct_units": 64, "symmetry_gap": 1.5, "weight_rank": 50.0, "activation_rank": 30.0,
    "dead_fraction": 0.05, "activation_mean": 0.5, "activation_std": 1.0, "signal_std": 1.0,
    "gradient_std": 0.1, "weight_gradient_norm": 0.2, "bias_gradient_norm": 0.1,
    "weight_gradient_zeros": 0.0, "bias_gradient_zeros": 0.0, "weight_move": 0.5,
    "bias_move": 0.1, "weight_moved_at": 1, "bias_moved_at": 1,
}  # fmt: skip
assert HEALTHY.keys() == {*probes.Layer.__dataclass_fields__} - {"layer"}


def results(accuracies: dict, probed: dict | None = None, seeds: int = 5) -> Measured:
    """Results in which every variant goes from 9.8 % to its accuracy in its first epoch.

    `accuracies` by variant: a number, around which the seeds lie 0.1 points apart, or a list
    of one a seed. `probed` by (variant, layer, column), where None stands for all hidden layers.
    """
    history, rows = [], []
    for variant, final in accuracies.items():
        finals = final
        if not isinstance(final, list):
            finals = [final + 0.001 * (seed - (seeds - 1) / 2) for seed in range(seeds)]
        for seed, accuracy in enumerate(finals):
            for epoch in range(EPOCHS + 1):
                accuracy_now = accuracy if epoch else 0.098
                history.append(
                    {
                        "variant": variant, "seed": seed, "epoch": epoch,
                        "train_loss": 1.0, "train_acc": accuracy_now,
                        "test_loss": 1.0, "test_acc": accuracy_now,
                    }
                )  # fmt: skip
                for layer in [*HIDDEN, "out"]:
                    values = dict(HEALTHY)
                    for (who, where, column), value in (probed or {}).items():
                        if who == variant and where in (layer, None if layer != "out" else layer):
                            values[column] = value
                    if layer == "out":
                        values["dead_fraction"] = None
                    if epoch == 0:
                        values |= {"weight_moved_at": None, "bias_moved_at": None}
                    rows.append(
                        {"variant": variant, "seed": seed, "epoch": epoch, "layer": layer} | values
                    )
    return Measured(pd.DataFrame(history), pd.DataFrame(rows), COMMONEST)


def settings(**sections) -> params.Params:
    """The repository's study, with some sections replaced."""
    return params.load(ROOT / "params.yaml").model_copy(update=sections)

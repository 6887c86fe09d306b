"""What a study takes, refused before anything of it is allocated or filled."""

import os
from collections.abc import Mapping

import psutil

from stages import estimate
from stages.settings.reading import FILE
from stages.training.grid import Grid
from stages.training.plan import Plan

YEAR = 365 * 24 * 3600


def complaints(plans: Mapping[str, Plan]) -> list[str]:
    """A line for every variant that this machine has no memory for; else for too long a study."""
    here, lines = psutil.virtual_memory().total, []
    for name, plan in plans.items():
        if (needed := estimate.memory(plan)) > here:
            lines.append(
                f"{FILE}: variants.{name}: would take about {_gigabytes(needed)} of memory "
                f"({plan.seeds:,} seeds of {estimate.size(plan):,} parameters), and this machine "
                f"has {_gigabytes(here)}; lower seeds, hidden or batch_size"
            )
    took = {name: estimate.seconds(plan) for name, plan in plans.items()}
    if not lines and (total := sum(took.values())) > YEAR:
        longest = max(took, key=lambda name: took[name])
        lines.append(
            f"{FILE}: the study would train for about {total / YEAR:,.0f} years on this machine, "
            f"variants.{longest} for most of them; one year is allowed; lower epochs, seeds or "
            "hidden"
        )
    return lines


def of_sweep(name: str, sweep: Grid) -> str | None:
    """The line for a sweep that this machine has no memory for, or that takes too long."""
    here, cores = psutil.virtual_memory().total, os.cpu_count() or 1
    needed = max(estimate.memory_of(cell, cores) for cell in sweep.cells)
    took = sum(estimate.seconds_of(cell) * cell.plan.seeds for cell in sweep.cells) / cores
    if needed > here:
        return (
            f"{FILE}: sweeps.{name}: would take about {_gigabytes(needed)} of memory, and this "
            f"machine has {_gigabytes(here)}; lower widths or batch_size"
        )
    if took > YEAR:
        return (
            f"{FILE}: sweeps.{name}: would train for about {took / YEAR:,.0f} years on this "
            "machine; one year is allowed; lower steps, seeds or the axes"
        )
    return None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.0f} GB"

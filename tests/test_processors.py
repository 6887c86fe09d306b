"""The same bytes on emulated processors: of other makers, and arm64."""

import shutil

import pytest
import torch
from safetensors.torch import save

from tools import processors, verify

# Of another maker; `make processors` runs all that QEMU knows.
MODEL = "Dhyana" if "Intel" in verify.processor() else "Haswell"
needs_qemu = pytest.mark.skipif(
    not processors.QEMU, reason="install qemu-user: no such command as qemu-x86_64"
)


@pytest.mark.extra
@needs_qemu
def test_a_processor_of_another_maker_gives_the_same_bytes(mnist_folder, tmp_path, monkeypatch):
    # Some variants, and no pictures, which take minutes there; `make processors` has all.
    study = processors.study()
    names = ("baseline", "momentum", "deep", "act_gelu", "init_orthogonal", "init_trunc_normal")
    variants = {name: study["variants"][name] for name in names}
    stages = processors.STAGES.replace(', ["report"]', "")
    monkeypatch.setattr(processors, "STAGES", stages)
    processors.prepare(tmp_path / "prepared", mnist_folder, study | {"variants": variants})
    here = processors.run(tmp_path / "prepared", tmp_path / "here")
    assert len(here) > 6 * len(variants)
    there = processors.run(tmp_path / "prepared", tmp_path / "there", MODEL)
    assert processors.differences(here, there) == []


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("qemu-aarch64"), reason="install qemu-user: no such command as qemu-aarch64"
)
def test_every_activation_optimizer_and_draw_has_the_same_bits_on_arm64():
    found = processors.trials()
    assert "NEON" in found and len(found) > 1
    assert len(set(found.values())) == 1


@needs_qemu
def test_models_are_those_of_all_makers_with_avx2():
    known = processors.models()
    assert {"Haswell", "Icelake-Server", "EPYC", "EPYC-Milan", "Dhyana"} <= {*known}
    assert "Nehalem" not in known


def test_a_file_that_differs_or_is_missing_is_named():
    here, there = {"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2"}
    assert processors.differences(here, there) == ["b", "c"]


def test_networks_that_differ_are_named_with_the_largest_difference():
    def files(rnn: float, note: bytes = b"") -> dict[str, bytes]:
        weights = {name: [2.0, 8.0] for name in processors.NETWORKS} | {"rnn": [2.0, rnn]}
        made = {
            f"data/runs/{name}/weights.safetensors": save({"w": torch.tensor(values)})
            for name, values in weights.items()
        }
        return made | {"data/runs/gru/history.csv": note}

    found = processors.agreement(files(8.0), files(8.008, b"other"))
    assert found == (
        "every bit equal: residual, convolutional, transformer, adapted, plain, tokens, mixture, "
        "mup; "
        "weights differ by up to: rnn 1e-03, gru 0e+00"
    )

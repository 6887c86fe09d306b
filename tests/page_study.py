"""A small study with something for every part of the page, and its page in a browser."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.initializations import TWICE, ZERO, both, constant
from tests.once import made_once

ROOT = Path(__file__).parents[1]
HOSTILE = '</script><img src=x onerror="hacked=1"><b>bold</b> שלום 🎉 ' + "x" * 120
DEEP = {"network": {"hidden": [8] * 5}, "training": {"epochs": 1}}
RESIDUAL = {"network": {"residual": {"blocks": 2, "width": 8}}, "blocks.*.last": ZERO}
XAVIER = {"weight": "xavier_normal", "bias": "zeros"}
HE = {"weight": {"kaiming_normal": {"nonlinearity": "relu"}}, "bias": "zeros"}


def noise(std: float) -> dict:
    return {"all": constant(0.1) | {"weight": {"normal": {"mean": 0.1, "std": std}}}}


# Every variant's group, label, and entry in params.yaml.
VARIANTS: dict[str, tuple[str, str, dict]] = {
    "baseline": ("lecture", "PyTorch default", {}),
    "zero_fc1": ("lecture", "fc1 all zeros", {"fc1": ZERO}),
    "all_zero": ("lecture", "all zeros", {"all": ZERO}),
    "all_ones": ("lecture", "all ones", {"all": both("ones")}),
    "zero_fc2": ("zeros", "fc2 all zeros", {"fc2": ZERO}),
    "parted": ("zeros", "weights zero", {"all": {"weight": "zeros"}}),
    "constant": ("constants", "all 0.1", {"all": constant(0.1)}),
    "noise": ("constants", "0.1 + noise of 10⁻⁶", noise(1e-6)),
    "louder": ("constants", "0.1 + noise of 3·10⁻³", noise(3e-3)),
    "twice": ("constants", "every unit twice", TWICE),
    "he_normal": ("schemes", "He normal", {"training": {"epochs": 2}, "all": HE}),
    "residual": ("networks", "residual blocks, last at zero", RESIDUAL),
    "hostile": ("<i>a&b</i>", HOSTILE, {"all": {"bias": "zeros"}}),
    "deep_default_adam": ("depth", "deep, default", DEEP),
    "deep_xavier_adam": ("depth", "deep, Xavier", DEEP | {"all": XAVIER}),
    "deep_he_adam": ("depth", "deep, He", DEEP | {"all": HE}),
}
PARAMS = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 3,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "adam", "lr": 0.01},
    "variants": {name: entry for name, (_, _, entry) in VARIANTS.items()},
    "display": {
        name: {"group": group, "label": label} for name, (group, label, _) in VARIANTS.items()
    },
    "sweeps": {
        "depths": {
            "label": "variance × depth",
            "base": {"network": {"hidden": {"width": 8}}, "all": {"bias": "zeros"}},
            "axes": {
                "x": {"key": "all.weight.scaled_normal.variance", "values": [0.5, 1, 2, 3]},
                "y": {"key": "network.hidden.depth", "values": [2, 10, 20]},
            },
            "seeds": 2,
            "steps": 10,
            "shows": "train_acc",
        },
    },
}
LEAST = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 1,
    "network": {"hidden": [3], "activation": "tanh"},
    "training": {"epochs": 1, "batch_size": 64, "optimizer": "adam", "lr": 0.01},
    "variants": {"only": {}},
}

# All stages in one process, without the figures. The seeds of the variant `parted` are made to
# disagree, and the lecture's claims to be about this study.
RUN = """
import sys
from pathlib import Path
from stages import check, evaluate, report, sweep, train
from stages.analysis.claims import named
import pandas as pd
check.main()
for variant in open("data/variants.txt").read().split():
    sys.argv = ["train", variant]
    train.main()
for name in SWEEPS:
    sys.argv = ["sweep", name]
    sweep.main()
sys.argv = ["evaluate", "mnist"]
evaluate.main()
for path in [*Path("reports").glob("*.csv"), Path("data/tables/probes.csv")]:
    table = pd.read_csv(path)
    if not {"seed", "end"} <= {*table.columns}:
        continue
    parted = table["variant"] == "parted"
    table.loc[parted, "end"] = table.loc[parted, "seed"].map({0: "stuck", 1: "learns", 2: "learns"})
    if path.stem == "history":
        later = parted & (table["epoch"] > 0)
        table.loc[later, "test_acc"] = table.loc[later, "seed"].map({0: 0.1135, 1: 0.9, 2: 0.8})
    table.to_csv(path, index=False, lineterminator="\\n")
named.SETTING.values.update(limit=640, hidden=[16, 8], epochs=4, lr=0.01)
report.drawing.pictures = lambda *_: {}
report.integrity.read = lambda *_: {}
report.main()
"""


@pytest.fixture(scope="session")
def reports(tmp_path_factory, mnist_folder) -> Path:
    """The folder reports of a study with PARAMS."""
    make = partial(run, PARAMS, mnist_folder)
    return made_once(tmp_path_factory, "page", make) / "reports"


def run(params: dict, mnist_folder: Path, folder: Path) -> None:
    """Run a study in a folder."""
    (folder / "params.yaml").write_text(json.dumps(params, ensure_ascii=False), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "mnist").symlink_to(mnist_folder)
    (folder / "reports").mkdir()
    (folder / "stages").symlink_to(ROOT / "stages")
    (folder / "docs").mkdir()  # which report writes into
    (folder / "docs" / "lesson.md").symlink_to(ROOT / "docs" / "lesson.md")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "INITLAB_WORKERS": "1"}
    script = RUN.replace("SWEEPS", repr(list(params.get("sweeps", ()))))
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def opened(browser, file, width=1280, scheme="light", **context):
    """The page when all is drawn; fails if it logged or requested anything."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, **context
    )
    tab = context.new_page()
    tab.logged, requested = [], []
    tab.on("console", lambda message: tab.logged.append(message.text))
    tab.on("pageerror", lambda error: tab.logged.append(str(error)))
    tab.on("request", lambda request: requested.append(request.url))
    tab.goto(file.as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn")
    assert tab.logged == []
    assert [url for url in requested if not url.startswith(("file:", "data:", "blob:"))] == []
    return tab


@pytest.fixture(scope="module")
def page_tab(browser, reports):
    tab = opened(browser, reports / "index.html")
    yield tab
    tab.context.close()


@pytest.fixture
def tab(page_tab):
    """The page, which all tests of a module share."""
    yield page_tab
    assert page_tab.logged == []


@pytest.fixture(scope="session")
def known(reports) -> dict:
    """The data of the page's script."""
    text = (reports / "index.html").read_text(encoding="utf-8")
    known = json.loads(re.search(r'id="study">(.*?)</script>', text, re.DOTALL).group(1))
    return known | {"tables": json.loads(zlib.decompress(base64.b64decode(known["tables"]))[1:])}


def tiles(uri: str) -> np.ndarray:
    """The pictures of single units `[units, side, side]` of one image."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    shades, step = np.asarray(image), 28 + 2
    corners = [
        (y, x) for y in range(0, shades.shape[0], step) for x in range(0, shades.shape[1], step)
    ]
    return np.array([shades[y : y + 28, x : x + 28] for y, x in corners])

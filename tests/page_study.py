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

from stages.settings import yaml_file
from tests.once import made_once
from tests.starts import ZERO

ROOT = Path(__file__).parents[1]
TENTH = {"constant": {"val": 0.1}}
DEEP = {"network": {"hidden": [8] * 5}, "training": {"epochs": 1}}
XAVIER = {"weight": "xavier_normal", "bias": "zeros"}
HE = {"weight": {"kaiming_normal": {"nonlinearity": "relu"}}, "bias": "zeros"}

# Something for every part of the page.
PARAMS = {
    "data": {"name": "mnist", "limit": 640},
    "seeds": 3,
    "network": {"hidden": [16, 8], "activation": "relu"},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "adam", "lr": 0.01},
    "variants": {
        "baseline": {},
        "zero_fc1": {"fc1": ZERO},
        "all_zero": {"all": ZERO},
        "all_ones": {"all": {"weight": "ones", "bias": "ones"}},
        "zero_fc2": {"fc2": ZERO},
        "parted": {"all": {"weight": "zeros"}},
        "constant": {"all": {"weight": TENTH, "bias": TENTH}},
        "noise": {"all": {"weight": {"normal": {"mean": 0.1, "std": 1e-6}}, "bias": TENTH}},
        "louder": {"all": {"weight": {"normal": {"mean": 0.1, "std": 3e-3}}, "bias": TENTH}},
        "twice": {
            "fc1": {"weight": {"duplicated": {"rows": 2}}},
            "fc2": {"weight": {"duplicated": {"rows": 2, "columns": 2}}},
            "out": {"weight": {"duplicated": {"columns": 2}}},
            "all": {"bias": "zeros"},
        },
        "he_normal": {"training": {"epochs": 2}, "all": HE},
        "deep_default_adam": DEEP,
        "deep_xavier_adam": DEEP | {"all": XAVIER},
        "deep_he_adam": DEEP | {"all": HE},
    },
    "display": {
        "baseline": {"group": "lecture", "label": "PyTorch default"},
        "zero_fc1": {"group": "lecture", "label": "fc1 all zeros"},
        "all_zero": {"group": "lecture", "label": "all zeros"},
        "all_ones": {"group": "lecture", "label": "all ones"},
        "zero_fc2": {"group": "zeros", "label": "fc2 all zeros"},
        "parted": {"group": "zeros", "label": "weights zero"},
        "constant": {"group": "constants", "label": "all 0.1"},
        "noise": {"group": "constants", "label": "0.1 + noise of 10⁻⁶"},
        "louder": {"group": "constants", "label": "0.1 + noise of 3·10⁻³"},
        "twice": {"group": "constants", "label": "every unit twice"},
        "he_normal": {"group": "schemes", "label": "He normal"},
        "deep_default_adam": {"group": "depth", "label": "deep, default"},
        "deep_xavier_adam": {"group": "depth", "label": "deep, Xavier"},
        "deep_he_adam": {"group": "depth", "label": "deep, He"},
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

# All stages in one process, without the figures. The seeds of one variant are made to part ways,
# and the lecture's claims to be about this study.
RUN = """
import sys
from pathlib import Path
from stages import check, evaluate, report, sweep, train
from stages.analysis import claims
import pandas as pd
check.main()
for variant in open("data/variants.txt").read().split():
    sys.argv = ["train", variant]
    train.main()
sys.argv = ["sweep", "depths"]
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
claims.SETTING.values.update(limit=640, hidden=[16, 8], epochs=4, lr=0.01)
report.draw = lambda *_: iter(())
report.integrity.read = lambda *_: {}
report.main()
"""


@pytest.fixture(scope="session")
def reports(tmp_path_factory, mnist_folder) -> Path:
    """The folder reports of a study with PARAMS."""
    return made_once(tmp_path_factory, "page", partial(run, mnist_folder)) / "reports"


def run(mnist_folder: Path, folder: Path) -> None:
    """Run the study with PARAMS in a folder."""
    (folder / "params.yaml").write_text(yaml_file.dumps(PARAMS), encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "mnist").symlink_to(mnist_folder)
    (folder / "reports").mkdir()
    (folder / "stages").symlink_to(ROOT / "stages")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "INITLAB_WORKERS": "1"}
    command = [sys.executable, "-c", RUN]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def opened(browser, file, width=1280, scheme="light"):
    """The page when all is drawn; fails where it said or asked for anything."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    )
    tab = context.new_page()
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn")
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    tab.said = said
    return tab


@pytest.fixture
def tab(browser, reports):
    tab = opened(browser, reports / "index.html")
    yield tab
    assert tab.said == []
    tab.context.close()


@pytest.fixture
def known(reports) -> dict:
    """What the page's script knows."""
    text = (reports / "index.html").read_text(encoding="utf-8")
    known = json.loads(re.search(r'id="study">(.*?)</script>', text, re.DOTALL).group(1))
    return known | {"tables": json.loads(zlib.decompress(base64.b64decode(known["tables"]))[1:])}


def tiles(uri: str) -> np.ndarray:
    """The pictures of single units `[units, side, side]` of one image."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    shades, step = np.asarray(image), 28 + 2
    starts = [
        (y, x) for y in range(0, shades.shape[0], step) for x in range(0, shades.shape[1], step)
    ]
    return np.array([shades[y : y + 28, x : x + 28] for y, x in starts])

"""The page's form "Try an initialization": its trainer against ours, and its controls."""

import base64

import numpy as np
import pytest
import torch

from stages.rendering import page, trying
from stages.training import data, probes
from stages.training.activations import ACTIVATIONS
from stages.training.mlp import engine, layout
from stages.training.seeds import Draws
from tests.conftest import needs_chromium, plan_of
from tests.initializations import STUCK, ZERO, constant
from tests.page_study import VARIANTS, opened

pytestmark = [pytest.mark.slow, needs_chromium]

# An array's bytes in base64, which travels to a test faster than a list.
TEXT = """(array) => {
  let letters = "";
  for (const byte of new Uint8Array(array.buffer)) letters += String.fromCharCode(byte);
  return btoa(letters);
}"""

# Trains given weights on given images with the page's own code.
TRAIN = """({ source, plan, floats, pixels, labels, steps }) => {
  const { allocate, tensorsOf, normalized, train, distinct, unitsOf } = new Function(
    `${source}; return { allocate, tensorsOf, normalized, train, distinct, unitsOf }`)();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const layers = allocate(plan.sizes), tensors = tensorsOf(layers), text = TEXT;
  tensors.forEach(({ values }, i) => values.set(new Float32Array(bytes(floats[i]).buffer)));
  const images = normalized(bytes(pixels)), batch = (step) => {
    const [from, to] = [step * plan.batch, (step + 1) * plan.batch];
    return [images.subarray(from * 784, to * 784), Uint8Array.from(labels.slice(from, to))];
  };
  let loss = 0, correct = 0;
  for (let step = 0; step < steps; step++) {
    const [x, own] = batch(step), found = train(layers, plan, x, own, step + 1);
    loss += found.loss / steps;
    correct += found.correct;
  }
  return { loss, correct, values: tensors.map((tensor) => text(tensor.values)),
    distinct: layers.map((layer) => distinct(unitsOf(layer))) };
}""".replace("TEXT", TEXT)


@pytest.fixture(scope="module")
def blank(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


def both(blank, plan, images: data.Images, steps: int) -> tuple[dict, dict]:
    """The same training with our trainer and the page's: `values` by tensor, `loss`, …"""
    state = engine.start(plan, images, 1)
    learner = engine.learner(plan, state)
    named = layout.named(plan.sizes, learner.net.weights)
    floats = [base64.b64encode(tensor.numpy().tobytes()).decode() for tensor in named.values()]
    count = steps * plan.batch_size
    loss, accuracy = learner.train(images, Draws(1, "order"), count)
    order = torch.from_numpy(Draws(1, "order").order(len(images.labels)))
    theirs = blank.evaluate(
        TRAIN,
        {
            "source": page.joined(*page.WORKER),
            "plan": {
                "sizes": plan.sizes, "batch": plan.batch_size, "activation": plan.activation,
                "optimizer": plan.optimizer, "lr": plan.lr,
            },
            "floats": floats,
            "pixels": base64.b64encode(images.pixels[order[:count]].numpy().tobytes()).decode(),
            "labels": images.labels[order[:count]].tolist(),
            "steps": steps,
        },
    )  # fmt: skip
    arrays = [np.frombuffer(base64.b64decode(one), np.float32) for one in theirs["values"]]
    theirs["values"] = dict(zip(named, arrays, strict=True))
    ours = {
        "loss": loss,
        "correct": round(accuracy * count),
        "values": {name: tensor.numpy().ravel() for name, tensor in named.items()},
        "distinct": [
            probes.units(weight.astype(float), bias.astype(float))[0]
            for weight, bias in layout.matrices(plan.sizes, learner.net.weights)
        ],
    }
    return ours, theirs


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, over the largest value."""
    return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-30))


# The learning rate, and the tolerance of weights. Adam divides a gradient by its own size: where
# that is close to its eps of 1e-8, rounding decides a part of a step.
OPTIMIZERS = {"adam": (0.001, 1e-3), "sgd": (0.1, 2e-6)}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", trying.OPTIMIZERS)
def test_form_trains_like_the_trainer(blank, dataset, activation, optimizer):
    lr, tolerance = OPTIMIZERS[optimizer]
    training = {"optimizer": optimizer, "lr": lr}
    plan = plan_of(network={"activation": activation}, training=training)
    ours, theirs = both(blank, plan, dataset.train, 20)
    assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-6)
    assert theirs["correct"] == ours["correct"]
    for name, values in ours["values"].items():
        assert difference(values, theirs["values"][name]) <= tolerance, name


SYMMETRIC = STUCK | {
    "out zero": {"out": ZERO},
    "all ones": {"all": constant(1)},
    "all 0.1": {"all": constant(0.1)},
    "fc1 0.1": {"fc1": constant(0.1)},
    "every unit twice": VARIANTS["twice"][2],
}


@pytest.mark.parametrize("name", SYMMETRIC)
def test_form_moves_the_same_tensors_and_keeps_equal_units_equal(blank, dataset, name):
    plan = plan_of(SYMMETRIC[name])
    ours, theirs = both(blank, plan, dataset.train, 10)
    before = engine.start(plan, dataset.train, 1)
    initial = layout.named(plan.sizes, before.weights)
    for tensor, values in ours["values"].items():
        first = initial[tensor].numpy().ravel()
        assert (values != first).any() == (theirs["values"][tensor] != first).any(), tensor
    assert theirs["distinct"] == ours["distinct"]


# ------------------------------------------------------------------------------ initializers

FILL = """({ source, initializer, given, fanIn, fanOut }) => {
  const { fill } = new Function(source + "; return { fill }")();
  const values = (size) => ({ values: new Float32Array(size) });
  const layer = { name: "fc1", fanIn, fanOut };
  Object.assign(layer, { weight: values(fanIn * fanOut), bias: values(fanOut) });
  fill([layer], { "fc1.weight": [initializer, ...given], "fc1.bias": ["zeros"] }, 3);
  return (TEXT)(layer.weight.values);
}""".replace("TEXT", TEXT)

# As the form has them, and as in params.yaml.
INITIALIZERS = {
    ("default",): None,
    ("zeros",): "zeros",
    ("ones",): "ones",
    ("constant", 0.3): {"constant": {"val": 0.3}},
    ("normal", 0.1, 0.02): {"normal": {"mean": 0.1, "std": 0.02}},
    ("uniform", -0.1, 0.3): {"uniform": {"a": -0.1, "b": 0.3}},
    ("xavier_normal",): "xavier_normal",
    ("xavier_uniform",): "xavier_uniform",
    ("he_normal",): {"kaiming_normal": {"nonlinearity": "relu"}},
    ("he_uniform",): {"kaiming_uniform": {"nonlinearity": "relu"}},
    ("lecun_normal",): {"kaiming_normal": {"nonlinearity": "linear"}},
    ("orthogonal", 1.5): {"orthogonal": {"gain": 1.5}},
    ("eye",): "eye",
    ("hadamard", 1.0): "hadamard",
    ("duplicated", 2, 1): {"duplicated": {"rows": 2}},
}


@pytest.mark.parametrize("choice", INITIALIZERS, ids=lambda choice: choice[0])
def test_form_draws_the_law_of_every_initializer(blank, choice):
    assert {name for name, *_ in INITIALIZERS} == trying.INITIALIZERS.keys()
    variant = {"fc1": {"weight": entry}} if (entry := INITIALIZERS[choice]) else {}
    plan = plan_of(variant, network={"hidden": [128, 64]})
    fill = plan.tensors["fc1.weight"]
    described = {"initializer": fill.initializer, "arguments": dict(fill.arguments)}
    assert trying.choice(described) == list(choice)
    ours = engine.initial_weights(plan, 0)["fc1.weight"].numpy()
    given = {"initializer": choice[0], "given": choice[1:], "fanIn": 784, "fanOut": 128}
    text = blank.evaluate(FILL, {"source": page.joined("try/initializers.js")} | given)
    theirs = np.frombuffer(base64.b64decode(text), np.float32).reshape(128, 784)
    if choice[0] in ("zeros", "ones", "constant", "eye", "hadamard"):
        assert (ours == theirs).all()
        return
    error = float(ours.std()) / ours.size**0.5  # of a mean, and about that of a standard deviation
    assert theirs.mean() == pytest.approx(ours.mean(), abs=10 * error)
    assert theirs.std() == pytest.approx(ours.std(), abs=10 * error)
    tail = np.abs(theirs - theirs.mean()).max() / theirs.std()
    assert tail == pytest.approx(np.abs(ours - ours.mean()).max() / ours.std(), rel=0.35)
    if choice[0] == "orthogonal":
        assert np.abs(theirs @ theirs.T / 1.5**2 - np.eye(128)).max() < 1e-6
    if choice[0] == "duplicated":
        assert (theirs[:64] == theirs[64:]).all() and len(np.unique(theirs, axis=0)) == 64


@pytest.mark.parametrize(("initializer", "arguments"), [
    ("sparse", {"sparsity": 0.5, "std": 0.01}),
    ("duplicated", {"rows": 2, "columns": 1, "noise": 0.1}),
    ("xavier_normal", {"gain": 2.0}),
    ("kaiming_normal", {"a": 0.0, "mode": "fan_out", "nonlinearity": "relu"}),
])  # fmt: skip
def test_form_leaves_out_laws_that_it_lacks(initializer, arguments):
    assert trying.choice({"initializer": initializer, "arguments": arguments}) is None


def test_random_numbers_depend_on_seed_and_tensor_alone(blank):
    draw = """([source, seed, purpose]) => {
      const { generator } = new Function(source + "; return { generator }")();
      return Array.from({ length: 2000 }, generator(seed, purpose));
    }"""
    source = page.joined("try/initializers.js")
    one, again, seed, tensor = (
        np.array(blank.evaluate(draw, [source, *given]))
        for given in ((0, "fc1.weight"), (0, "fc1.weight"), (1, "fc1.weight"), (0, "fc2.weight"))
    )
    assert (one == again).all()
    for other in (seed, tensor):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
        assert other.mean() == pytest.approx(0.5, abs=0.03)


# ---------------------------------------------------------------------------------- controls


@pytest.fixture(scope="module")
def form(browser, reports):
    tab = opened(browser, reports / "index.html")
    tab.locator("#try").scroll_into_view_if_needed()
    wait(tab, "Before training")
    yield tab
    assert tab.logged == []
    assert len(tab.workers) == 1
    tab.context.close()


def wait(tab, text: str, seconds: int = 30) -> str:
    """The status once it starts with a text."""
    started = "text => document.querySelector('#status').textContent.startsWith(text)"
    tab.wait_for_function(started, arg=text, timeout=1000 * seconds)
    return tab.locator("#status").inner_text()


def choose(tab, variant: str) -> None:
    # Another one first, so that the choice is a change.
    for chosen in ("" if variant else "baseline", variant):
        tab.locator("#status").evaluate("it => { it.textContent = '' }")
        tab.locator("[name=preset]").select_option(chosen)
        wait(tab, "Before training")


def step(tab, to: int) -> str:
    """The status after single steps, the last of which is step `to`."""
    for count in range(1, to + 1):
        tab.locator("#step").click()
        text = wait(tab, f"After {count} step")
    return text


def fill(tab, label: str, text: str) -> None:
    tab.locator("#setup").get_by_label(label).fill(text)
    tab.keyboard.press("Tab")


def picture(tab) -> str:
    return tab.evaluate("document.querySelector('#try canvas').toDataURL()")


def test_training_pauses_continues_and_resets_to_the_same_weights(form):
    choose(form, "he_normal")
    run, before = form.locator("#run"), picture(form)
    assert run.inner_text() == "Train" and form.locator("#reset").is_disabled()
    run.click()
    form.wait_for_function("document.querySelector('#run').textContent == 'Pause'")
    # It changes too often to be read aloud.
    assert form.locator("#status").get_attribute("aria-live") == "off"
    wait(form, "After ")
    run.click()
    form.wait_for_function("document.querySelector('#run').textContent == 'Continue'")
    assert form.locator("#status").get_attribute("aria-live") == "polite"
    paused = form.locator("#status").inner_text()
    form.wait_for_timeout(400)
    assert form.locator("#status").inner_text() == paused and picture(form) != before
    results = []
    for _ in range(2):
        form.locator("#reset").click()
        wait(form, "Before training")
        assert picture(form) == before
        results.append((step(form, 3), picture(form)))
    assert results[0] == results[1]


def test_training_stops_after_all_steps(form):
    choose(form, "baseline")
    step(form, 1)  # which counts
    form.locator("#run").click()
    assert "“Continue” trains 2000 more steps" in wait(form, "After 2000 steps", 120)
    assert form.locator("#run").inner_text() == "Continue"


TENSORS = {f"{layer}.{kind}" for layer in ("fc1", "fc2", "out") for kind in ("weight", "bias")}
# After two steps of a variant: key parts of the status, distinct units of fc1, unmoved tensors.
STATUS = {
    "baseline": (
        ["All units of every hidden layer are distinct. Every layer gets a gradient."],
        "16 of 16",
        set(),
    ),
    "all_zero": (
        ["network 784-1-1-10", "fc1 and fc2 outputs 0", "changed only the biases of out"],
        "1 of 16",
        TENSORS - {"out.bias"},
    ),
    "zero_fc1": (
        ["784-1-8-10", "gradient of fc1 is exactly 0", "fc1 outputs 0"],
        "1 of 16",
        {"fc1.weight", "fc1.bias", "fc2.weight"},
    ),
    "all_ones": (["network 784-1-1-10", "Every layer gets a gradient"], "1 of 16", set()),
    "noise": (["units of fc1 differ by at most"], "16 of 16", set()),
    "twice": (["Only 8 of the 16 units of fc1 are distinct"], "8 of 16", set()),
}


@pytest.mark.parametrize("variant", STATUS)
def test_status_states_equal_units_zero_gradients_and_moves(form, variant):
    parts, distinct, still = STATUS[variant]
    choose(form, variant)
    status = step(form, 2)
    for part in parts:
        assert part in status
    found = set()
    for row in form.locator(".layers tbody tr").all():
        for kind, cell in zip(("weight", "bias"), row.locator("td").all()[:2], strict=True):
            if cell.inner_text() == "0":
                assert "zero" in cell.get_attribute("class")
                found.add(f"{row.locator('th').inner_text()}.{kind}")
    assert found == still
    assert form.locator(".layers tbody td:nth-child(5)").first.inner_text() == distinct


def test_status_states_overflow_and_lost_noise(form):
    choose(form, "he_normal")
    form.locator("[name=optimizer]").select_option("sgd")
    fill(form, "Learning rate", "1e30")
    assert "not a number" in step(form, 3)
    choose(form, "noise")
    fill(form, "noise σ: Weights of all layers", "1e-10")
    form.wait_for_function("document.querySelector('#status').textContent.includes('rounding')")


def test_every_variant_of_the_studys_network_can_be_tried(form):
    options = form.locator("[name=preset] option").evaluate_all("all => all.map(one => one.value)")
    assert options == [
        "",
        *(name for name, (*_, entry) in VARIANTS.items() if "network" not in entry),
    ]
    assert form.locator(".try-it").count() == len(options) - 1
    form.get_by_role("link", name="Try all ones").click()
    form.wait_for_function("document.querySelector('[name=preset]').value == 'all_ones'")


def test_address_restores_every_control_and_the_weights(form, browser):
    choose(form, "baseline")
    form.locator("[name=each]").check()
    for tensor in ("fc1.weight", "fc2.bias", "out.weight"):
        select = form.locator(f"[data-tensor='{tensor}']")
        for name in select.locator("option").evaluate_all("all => all.map(one => one.value)"):
            select.select_option(name)
            address = form.evaluate("decodeURIComponent(location.hash)")
            assert (f"{tensor}:{name}" in address) == (name != "default")
    form.locator("[data-tensor='fc1.weight']").select_option("normal")
    fill(form, "mean: Weights of fc1", "0.25")
    fill(form, "noise σ: Weights of fc1", "1e-6")
    form.locator("[name=activation]").select_option("gelu")
    form.locator("[name=optimizer]").select_option("sgd")
    fill(form, "Learning rate", "0.5")
    fill(form, "Seed", "7")
    assert "activation:gelu;optimizer:sgd;lr:0.5;seed:7" in form.url
    assert form.locator("#share").get_attribute("href") in form.url
    assert "seed:7: not trained yet" in form.locator("#tried button").last.inner_text()
    shown = "[...document.querySelectorAll('#setup :is(select, input)')].map(one => one.value)"
    step(form, 2)
    other = browser.new_page()
    other.goto(form.url)
    wait(other, "Before training")
    assert other.evaluate(shown) == form.evaluate(shown)
    step(other, 2)
    assert picture(other) == picture(form)
    other.close()


def test_all_layers_are_set_at_once_or_separately(form):
    choose(form, "zero_fc1")
    assert form.locator("[name=each]").is_checked()
    choose(form, "baseline")
    assert not form.locator("[name=each]").is_checked()
    form.locator("[data-tensor='all.weight']").select_option("zeros")
    form.locator("[data-tensor='all.bias']").select_option("zeros")
    assert form.locator("[name=preset]").input_value() == "all_zero"
    assert not form.locator("[data-tensor='fc2.weight']").is_visible()
    form.locator("[name=each]").check()
    form.locator("[data-tensor='fc2.weight']").select_option("ones")
    assert form.locator("[data-tensor='all.weight']").input_value() == ""
    assert form.locator("[name=preset]").input_value() == ""


WRONG = [
    ("fc9.weight:zeros", "The address: “fc9.weight” is not known; allowed: fc1.weight, fc1.bias, "),
    ("fc1.bias:orthogonal(1)", "fc1.bias: “orthogonal” is not known; allowed: default, zeros, "),
    ("fc1.weight:normal(0,x)", "fc1.weight: noise σ must be a number"),
    ("all.weight:duplicated(0,1)", "fc1.weight: rows must be a whole number above 0"),
    ("activation:swish", "activation: “swish” is not known; allowed: relu, "),
    ("lr:-1", "The learning rate must be a number above 0"),
    ("seed:1.5", "The seed must be a whole number"),
    ("<b>x</b>", "The address: “<b>x</b>” is not known"),
    ("%E0", "The address has a %"),
]


@pytest.mark.parametrize(("address", "line"), WRONG)
def test_wrong_address_is_one_line(form, address, line):
    choose(form, "baseline")
    form.evaluate("address => { location.hash = `#try=${address}`; }", address)
    form.locator("#invalid").wait_for(state="visible")
    assert form.locator("#invalid").inner_text().startswith(line)


def test_wrong_number_is_an_error_until_it_is_right(form):
    choose(form, "noise")
    for label, wrong, right, line in (
        ("noise σ: Weights of all layers", "", "0.5", "fc1.weight: noise σ must be a number"),
        ("Learning rate", "0", "0.1", "The learning rate must be a number above 0"),
    ):
        fill(form, label, wrong)
        assert form.locator("#invalid").inner_text().startswith(line)
        assert form.locator("#run").is_disabled() and form.locator("#step").is_disabled()
        fill(form, label, right)
        assert form.locator("#invalid").is_hidden()
        assert form.locator("#run").is_enabled()


def test_form_grows_below_its_buttons_and_shows_no_moves_before_a_step(form):
    choose(form, "baseline")
    places = []
    for variant in ("baseline", "zero_fc1", "noise"):
        choose(form, variant)
        boxes = [form.locator(at).bounding_box() for at in ("#run", "#setup [name=each]", "#setup")]
        places.append([round(box["y"] - boxes[-1]["y"]) for box in boxes])
    assert places[0] == places[1] == places[2]
    moved = form.locator(".layers tbody tr").first.locator("td").all_inner_texts()[:2]
    assert moved == ["–", "–"]


def test_latest_runs_are_drawn_together_and_can_be_chosen_again(browser, reports):
    tab = opened(browser, reports / "index.html")
    for variant in ("all_ones", "he_normal"):
        choose(tab, variant)
        step(tab, 2)
    entries = tab.locator("#tried button")
    names = [text.split(":")[0].strip() for text in entries.all_inner_texts()]
    assert names == ["all ones", "He normal"]
    entries.last.focus()
    tab.evaluate("document.querySelector('#step').click()")  # which moves no focus
    tab.wait_for_function("document.activeElement.textContent.includes('after 3 steps')")
    assert "all ones" in tab.locator("[data-chart=tried]").get_attribute("aria-label")
    tab.wait_for_function(
        "document.querySelectorAll('[data-chart=tried] .mark-line path').length == 4"
    )
    ending = entries.first.inner_text()
    entries.first.click()
    wait(tab, "Before training")
    assert tab.locator("[name=preset]").input_value() == "all_ones"
    assert entries.last.inner_text() == ending  # its curve stays
    step(tab, 3)
    assert "after 3 steps" in entries.last.inner_text()
    tab.context.close()

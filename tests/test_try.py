"""The page's "Try a start": its trainer against ours, and its controls in a browser."""

import base64
import re

import numpy as np
import pytest
import torch

from stages.rendering import page, style, try_a_start
from stages.rendering.packing import packed
from stages.training import data, epoch, network, probes
from stages.training.activations import ACTIVATIONS
from stages.training.epoch import Learner, initial_state
from stages.training.initialization import initial_weights
from stages.training.seeds import generator
from tests.conftest import needs_chromium, plan_of
from tests.page_study import PARAMS, opened
from tests.starts import STUCK, ZERO, constant

pytestmark = [pytest.mark.slow, needs_chromium]

# An array's bytes in base64, which travels to a test faster than a list.
TEXT = """(array) => {
  let letters = "";
  for (const byte of new Uint8Array(array.buffer)) letters += String.fromCharCode(byte);
  return btoa(letters);
}"""

# What the page's trainer makes of given weights and images: it is the page's own code.
TRAIN = """({ source, plan, floats, pixels, labels, steps }) => {
  const names = "{ allocate, tensorsOf, normalized, forward, backward, train, distinct }";
  const { allocate, tensorsOf, normalized, forward, backward, train, distinct } =
    new Function(`${source}; return ${names}`)();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const text = TEXT;
  const layers = allocate(plan.sizes), tensors = tensorsOf(layers);
  tensors.forEach(({ values }, i) => values.set(new Float32Array(bytes(floats[i]).buffer)));
  const images = normalized(bytes(pixels)), batch = (step) => {
    const [from, to] = [step * plan.batch, (step + 1) * plan.batch];
    return [images.subarray(from * 784, to * 784), Uint8Array.from(labels.slice(from, to))];
  };
  let loss = 0, right = 0;
  for (let step = 0; step < steps; step++) {
    const [x, own] = batch(step), found = train(layers, plan, x, own, step + 1);
    loss += found.loss / steps;
    right += found.right;
  }
  const values = tensors.map((tensor) => text(tensor.values));
  const [x, own] = batch(0);
  backward(layers, plan.activation, forward(layers, plan.activation, x, own.length), own);
  return { loss, right, values, gradients: tensors.map((tensor) => text(tensor.gradient)),
    distinct: layers.map(distinct) };
}""".replace("TEXT", TEXT)


@pytest.fixture(scope="module")
def blank(browser):
    tab = browser.new_page()
    yield tab
    tab.close()


def both(blank, plan, images: data.Images, steps: int) -> tuple[dict, dict]:
    """The same training with our trainer and the page's: `values`, `gradients` by tensor, …"""
    state = initial_state(plan, images, 1)
    learner = Learner.of(plan, state)
    named = learner.net.named()
    floats = [base64.b64encode(tensor.numpy().tobytes()).decode() for tensor in named.values()]
    count = steps * plan.batch_size
    loss, accuracy = epoch.train_epoch(plan, images, learner, generator(1, "order"), count)
    order = torch.randperm(len(images.labels), generator=generator(1, "order"))
    theirs = blank.evaluate(
        TRAIN,
        {
            "source": page.joined("try/network.js", "try/initializations.js", "try/worker.js"),
            "plan": {
                "sizes": plan.sizes, "batch": plan.batch_size, "activation": plan.activation,
                "optimizer": plan.optimizer, "rate": plan.lr,
            },
            "floats": floats,
            "pixels": base64.b64encode(images.pixels[order[:count]].numpy().tobytes()).decode(),
            "labels": images.labels[order[:count]].tolist(),
            "steps": steps,
        },
    )  # fmt: skip
    for what in ("values", "gradients"):
        arrays = [np.frombuffer(base64.b64decode(one), np.float32) for one in theirs[what]]
        theirs[what] = dict(zip(named, arrays, strict=True))
    ours = {
        "loss": loss,
        "right": round(accuracy * count),
        "values": {name: tensor.numpy().ravel() for name, tensor in named.items()},
        "gradients": gradients(plan, learner.net, images, order[: plan.batch_size]),
        "distinct": [
            probes.units(weight.double(), bias.double())[0]
            for weight, bias in zip(learner.net.weights, learner.net.biases, strict=True)
        ],
    }
    return ours, theirs


def gradients(plan, net, images: data.Images, rows) -> dict[str, np.ndarray]:
    grads = network.allocate(plan.sizes)
    buffers = network.Buffers(len(rows), plan.sizes, network.KERNELS[plan.activation])
    data.normalize(images.pixels[rows], buffers.x)
    logits = torch.empty(len(rows), plan.sizes[-1])
    network.forward(net, buffers, logits)
    target = torch.nn.functional.one_hot(images.labels[rows], plan.sizes[-1]).float()
    network.backward(net, grads, buffers, logits, target)
    return {name: tensor.numpy().ravel() for name, tensor in grads.named().items()}


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, over the largest value."""
    return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-30))


TRAININGS = {"adam": {"optimizer": "adam", "lr": 0.001}, "sgd": {"optimizer": "sgd", "lr": 0.1}}
# Adam divides a gradient by its own size: where that is about its eps of 1e-8, rounding decides a
# part of a step.
VALUES = {"adam": 1e-3, "sgd": 2e-6}


@pytest.mark.parametrize("activation", network.KERNELS)
@pytest.mark.parametrize("optimizer", TRAININGS)
@pytest.mark.parametrize("steps", [1, 50])
def test_the_page_trains_as_the_trainer_does(blank, dataset, activation, optimizer, steps):
    plan = plan_of(network={"activation": activation}, training=TRAININGS[optimizer])
    ours, theirs = both(blank, plan, dataset.train, steps)
    assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-6)
    assert theirs["right"] == ours["right"]
    for name, values in ours["values"].items():
        assert apart(values, theirs["values"][name]) <= VALUES[optimizer], name
        assert apart(ours["gradients"][name], theirs["gradients"][name]) <= 5e-5, name


def test_the_page_has_every_activation_and_optimizer():
    assert list(ACTIVATIONS) == list(network.KERNELS)
    assert list(style.OPTIMIZERS) == list(TRAININGS)


STARTS = STUCK | {
    "out zero": {"out": ZERO},
    "all ones": {"all": constant(1)},
    "all 0.1": {"all": constant(0.1)},
    "fc1 0.1": {"fc1": constant(0.1)},
    "every unit twice": {
        "fc1": {"weight": {"duplicated": {"rows": 2}}},
        "fc2": {"weight": {"duplicated": {"rows": 2, "columns": 2}}},
        "out": {"weight": {"duplicated": {"columns": 2}}},
        "all": {"bias": "zeros"},
    },
}


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("start", STARTS)
def test_what_never_moves_and_what_stays_equal_does_so_here_too(blank, dataset, start, activation):
    plan = plan_of(STARTS[start], network={"activation": activation})
    ours, theirs = both(blank, plan, dataset.train, 10)
    before = initial_state(plan, dataset.train, 1)
    initial = network.Tensors(plan.sizes, torch.from_numpy(before.weights)).named()
    for name, values in ours["values"].items():
        start_values = initial[name].numpy().ravel()
        moved, theirs_moved = (one != start_values for one in (values, theirs["values"][name]))
        assert moved.any() == theirs_moved.any(), name
        assert (ours["gradients"][name] == 0).all() == (theirs["gradients"][name] == 0).all(), name
    assert theirs["distinct"] == ours["distinct"]


# ----------------------------------------------------------------------------- how it begins

FILL = """({ source, law, numbers, name, fanIn, fanOut }) => {
  const { fill } = new Function(source + "; return { fill }")();
  const values = (size) => ({ values: new Float32Array(size) });
  const layer = { name: "fc1", fanIn, fanOut };
  Object.assign(layer, { weight: values(fanIn * fanOut), bias: values(fanOut) });
  const fills = { "fc1.weight": [law, ...numbers], "fc1.bias": ["zeros"] };
  fill([layer], fills, 3);
  return (TEXT)(layer.weight.values);
}""".replace("TEXT", TEXT)


def filled(blank, law: str, *numbers: float, fan_in: int = 300, fan_out: int = 200) -> np.ndarray:
    given = {"law": law, "numbers": numbers, "fanIn": fan_in, "fanOut": fan_out}
    values = blank.evaluate(FILL, {"source": page.joined("try/initializations.js")} | given)
    return np.frombuffer(base64.b64decode(values), np.float32).reshape(fan_out, fan_in)


# By the names that the page has for them, as params.yaml would write them.
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
    ("identity",): "eye",
    ("hadamard", 1.0): "hadamard",
    ("copies", 2, 1): {"duplicated": {"rows": 2}},
}


@pytest.mark.parametrize("told", INITIALIZERS, ids=lambda told: told[0])
def test_every_start_has_the_law_of_the_trainers(blank, told):
    variant = {"fc1": {"weight": written}} if (written := INITIALIZERS[told]) else {}
    plan = plan_of(variant, network={"hidden": [128, 64]})
    fill = {"initializer": plan.tensors["fc1.weight"].initializer}
    fill["arguments"] = dict(plan.tensors["fc1.weight"].arguments)
    assert try_a_start.called(fill) == [told[0], *told[1:]]
    ours = initial_weights(plan, 0)["fc1.weight"].numpy()
    theirs = filled(blank, *told, fan_in=784, fan_out=128)
    if told[0] in ("zeros", "ones", "constant", "identity", "hadamard"):
        assert (ours == theirs).all()
        return
    error = float(ours.std()) / ours.size**0.5  # of a mean, and about that of a standard deviation
    assert theirs.mean() == pytest.approx(ours.mean(), abs=10 * error)
    assert theirs.std() == pytest.approx(ours.std(), abs=10 * error)
    tail = np.abs(theirs - theirs.mean()).max() / theirs.std()
    assert tail == pytest.approx(np.abs(ours - ours.mean()).max() / ours.std(), rel=0.35)
    if told[0] == "orthogonal":
        assert np.abs(theirs @ theirs.T / 1.5**2 - np.eye(128)).max() < 1e-6
    if told[0] == "copies":
        assert (theirs[:64] == theirs[64:]).all() and len(np.unique(theirs, axis=0)) == 64


def test_another_tensor_or_seed_draws_other_numbers_and_the_same_the_same(blank):
    source = page.joined("try/initializations.js")
    draw = """([source, seed, purpose]) => {
      const { generator } = new Function(source + "; return { generator }")();
      const uniform = generator(seed, purpose);
      return Array.from({ length: 2000 }, uniform);
    }"""
    one, again, seed, tensor = (
        np.array(blank.evaluate(draw, [source, *given]))
        for given in ((0, "fc1.weight"), (0, "fc1.weight"), (1, "fc1.weight"), (0, "fc2.weight"))
    )
    assert (one == again).all()
    for other in (seed, tensor):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
        assert other.mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("told", [
    ("sparse", {"sparsity": 0.5, "std": 0.01}),
    ("xavier_normal", {"gain": 2.0}),
    ("kaiming_normal", {"a": 0.0, "mode": "fan_out", "nonlinearity": "relu"}),
])  # fmt: skip
def test_what_the_page_does_not_have_is_not_tried(told):
    name, arguments = told
    assert try_a_start.called({"initializer": name, "arguments": arguments}) is None


@pytest.mark.parametrize("size", [1, 255, 1 << 20])
def test_what_is_packed_is_what_a_browser_unpacks(blank, size):
    content = np.random.default_rng(0).integers(0, 256, size, np.uint8).tobytes()
    unpacked = blank.evaluate(
        """async (base64) => {
          const { body } = await fetch(`data:;base64,${base64}`);
          const stream = body.pipeThrough(new DecompressionStream("deflate"));
          const bytes = new Uint8Array(await new Response(stream).arrayBuffer(), 1);
          const sum = bytes.reduce((sum, one) => (sum * 31 + one) % 65521, 0);
          return [bytes.length, bytes[0], bytes.at(-1), sum];
        }""",
        packed(content),
    )
    check = 0
    for one in content:
        check = (check * 31 + one) % 65521
    assert unpacked == [size, content[0], content[-1], check]


# ----------------------------------------------------------------------------- its controls


@pytest.fixture
def tab(browser, reports):
    tab = opened(browser, reports / "index.html")
    tab.locator("#try").scroll_into_view_if_needed()
    tab.wait_for_function("document.querySelector('#telling').textContent")
    yield tab
    assert tab.said == []
    assert len(tab.workers) == 1
    tab.context.close()


def steps_of(tab) -> int:
    """How many steps the page says that it has trained."""
    found = re.match(r"After ([\d,]+) steps?", tab.locator("#telling").inner_text())
    return int(found[1]) if found else 0


def step(tab, count: int = 1) -> None:
    for _ in range(count):
        before = steps_of(tab)
        tab.locator("#step").click()
        tab.wait_for_function(
            f"document.querySelector('#telling').textContent.startsWith('After {before + 1} step')"
        )


def forget(tab) -> None:
    """Empty what is told of the start before, so that it is not taken for the next one's."""
    tab.locator("#telling").evaluate("it => { it.textContent = '' }")


def choose(tab, variant: str) -> None:
    forget(tab)
    tab.locator("[name=preset]").select_option(variant)
    tab.wait_for_function("document.querySelector('#telling').textContent.startsWith('Before')")


def zeros(tab) -> set[str]:
    """The tensors of which the table says that they have not moved at all."""
    rows = tab.locator(".layers tbody tr")
    found = set()
    for row in rows.all():
        for kind, cell in zip(("weight", "bias"), row.locator("td").all()[:2], strict=True):
            if cell.inner_text() == "0":
                assert "zero" in cell.get_attribute("class")
                found.add(f"{row.locator('th').inner_text()}.{kind}")
    return found


def weights(tab) -> str:
    return tab.evaluate("document.querySelector('#try canvas').toDataURL()")


def test_it_starts_pauses_steps_and_begins_again_with_the_same_weights(tab):
    run = tab.locator("#run")
    before = weights(tab)
    assert run.inner_text() == "Start" and tab.locator("#reset").is_disabled()
    run.click()
    tab.wait_for_function("document.querySelector('#run').textContent == 'Pause'")
    tab.wait_for_function("document.querySelector('#telling').textContent.startsWith('After ')")
    run.click()
    tab.wait_for_function("document.querySelector('#run').textContent == 'Go on'")
    paused = steps_of(tab)
    tab.wait_for_timeout(400)
    assert steps_of(tab) == paused > 0
    step(tab)
    assert steps_of(tab) == paused + 1
    trained = weights(tab)
    assert trained != before
    tab.locator("#reset").click()
    tab.wait_for_function("document.querySelector('#telling').textContent.startsWith('Before')")
    assert weights(tab) == before
    step(tab, 3)
    told, seen = tab.locator("#telling").inner_text(), weights(tab)
    tab.locator("#reset").click()
    tab.wait_for_function("document.querySelector('#telling').textContent.startsWith('Before')")
    step(tab, 3)
    assert (tab.locator("#telling").inner_text(), weights(tab)) == (told, seen)


def test_it_rests_by_itself_and_goes_on(tab):
    tab.locator("#run").click()
    tab.wait_for_function(
        "document.querySelector('#telling').textContent.startsWith('After 2000 steps')"
    )
    assert tab.locator("#run").inner_text() == "Go on"
    assert "learns" in tab.locator("#telling").inner_text()
    tab.locator("#run").click()
    tab.wait_for_function("document.querySelector('#run').textContent == 'Pause'")


def test_every_preset_is_set_up_and_takes_a_step(tab):
    options = tab.locator("[name=preset] option").evaluate_all("all => all.map(one => one.value)")
    # All that train the study's own network.
    assert options == ["", *(name for name in PARAMS["variants"] if not name.startswith("deep_"))]
    moved = {}
    for variant in options[1:]:
        choose(tab, variant)
        assert tab.locator("[name=preset]").input_value() == variant
        step(tab)
        moved[variant] = zeros(tab)
    every = {f"{layer}.{kind}" for layer in ("fc1", "fc2", "out") for kind in ("weight", "bias")}
    assert moved["all_zero"] == moved["zero_fc2"] == every - {"out.bias"}
    assert moved["zero_fc1"] >= {"fc1.weight", "fc1.bias", "fc2.weight"}
    assert moved["baseline"] == moved["he_normal"] == moved["all_ones"] == set()


def test_the_reasons_are_those_of_the_study(tab):
    told = {}
    for variant in ("baseline", "all_zero", "zero_fc1", "all_ones", "noise"):
        choose(tab, variant)
        step(tab, 2)
        told[variant] = tab.locator("#telling").inner_text()
        units = tab.locator(".layers tbody tr").first.locator("td").nth(3).inner_text()
        one = variant in ("all_zero", "zero_fc1", "all_ones")
        assert units == ("1 of 16" if one else "16 of 16"), variant
    assert "Only the biases of out can move" in told["all_zero"]
    assert "0. The units of fc1 answer 0 to every image" in told["zero_fc1"]
    assert "the same answer" in told["zero_fc1"]
    assert "784-1-1-10 in disguise" in told["all_ones"]
    assert "they still act almost as one" in told["noise"]
    assert "a gradient arrives at every layer" in told["baseline"]
    choose(tab, "parted")  # weights of 0 and random biases
    assert "for now only" in tab.locator("#telling").inner_text()


def test_every_law_is_set_up_by_hand_written_in_the_address_and_restored_from_it(
    tab,
    browser,
    reports,
):
    tab.locator("[name=each]").check()
    for tensor in ("fc1.weight", "fc2.bias", "out.weight"):
        select = tab.locator(f"[data-tensor='{tensor}']")
        for law in select.locator("option").evaluate_all("all => all.map(one => one.value)"):
            select.select_option(law)
            tab.wait_for_function("document.querySelector('#telling').textContent")
            written = tab.evaluate("decodeURIComponent(location.hash)")
            assert (f"{tensor}:{law}" in written) == (law != "default")
    tab.locator("[data-tensor='fc1.weight']").select_option("normal")
    tab.get_by_label("mean: Weights of fc1").fill("0.25")
    tab.get_by_label("noise σ: Weights of fc1").fill("1e-6")
    tab.locator("[name=activation]").select_option("gelu")
    tab.locator("[name=optimizer]").select_option("sgd")
    tab.locator("[name=lr]").fill("0.5")
    tab.locator("[name=seed]").fill("7")
    tab.locator("[name=seed]").press("Tab")
    address = tab.url
    assert tab.locator("#share").get_attribute("href") in address
    assert "activation:gelu;optimizer:sgd;lr:0.5;seed:7" in address
    shown = "[...document.querySelectorAll('#setup :is(select, input)')].map(one => one.value)"
    step(tab, 2)
    other = browser.new_page()
    other.goto(address)
    other.wait_for_function("document.querySelector('#telling').textContent")
    assert other.evaluate(shown) == tab.evaluate(shown)
    step(other, 2)
    assert weights(other) == weights(tab)
    other.close()


def test_all_layers_are_set_at_once(tab):
    tab.locator("[data-tensor='all.weight']").select_option("zeros")
    assert not tab.locator("[data-tensor='fc2.weight']").is_visible()
    assert tab.locator("[data-tensor='fc2.weight']").input_value() == "zeros"
    tab.locator("[data-tensor='all.bias']").select_option("zeros")
    assert tab.locator("[name=preset]").input_value() == "all_zero"
    tab.locator("[name=each]").check()
    tab.locator("[data-tensor='out.bias']").select_option("ones")
    assert tab.locator("[name=preset]").input_value() == ""
    assert tab.locator("[data-tensor='all.bias']").input_value() == ""


WRONG = [
    ("fc9.weight:zeros", "The address names “fc9.weight”; allowed: fc1.weight, fc1.bias, "),
    ("fc1.bias:orthogonal(1)", "fc1.bias: “orthogonal(1)” is not known; allowed: default, zeros, "),
    ("fc1.weight:normal(0,x)", "noise σ of fc1.weight has to be a number, like 0.01 or 1e-6."),
    ("fc1.weight:copies(0,1)", "rows of fc1.weight has to be a whole number above 0."),
    ("activation:swish", "activation: “swish” is not known; allowed: relu, "),
    ("lr:-1", "The learning rate has to be a number above 0."),
    ("seed:1.5", "The seed has to be a whole number, 0 or more."),
    ("<b>x</b>", "The address names “<b>x</b>”; allowed: "),
    ("%E0", "The address cannot be read"),
]  # fmt: skip


def test_an_address_that_is_wrong_is_one_line(tab):
    for address, line in WRONG:
        tab.evaluate("address => { location.hash = `#try=${address}`; }", address)
        tab.wait_for_function(
            "line => document.querySelector('#refused').textContent.startsWith(line)", arg=line
        )
    refused = tab.locator("#refused")
    assert refused.is_visible()
    choose(tab, "all_zero")
    assert refused.is_hidden()


def test_a_number_may_be_written_as_people_do(tab):
    for text in ("1e-6", "10^-6", "10⁻⁶", "1·10⁻⁶", "0,000001", " 0.000001 "):
        choose(tab, "constant")
        tab.locator("[data-tensor='all.weight']").select_option("normal")
        tab.get_by_label("noise σ: Weights of all layers").fill(text)
        tab.keyboard.press("Tab")
        tab.wait_for_function("document.querySelector('[name=preset]').value == 'noise'")


def test_noise_that_is_rounded_away_is_told(tab):
    choose(tab, "noise")
    units = tab.locator(".layers tbody tr").first.locator("td").nth(3)
    for noise, words, distinct in (
        ("1e-8", "act almost as one", "1 of 16 (nearly equal)"),
        ("1e-10", "near 0.1, 32-bit numbers are 7.5·10⁻⁹ apart, so it is rounded", "1 of 16"),
    ):
        forget(tab)
        tab.get_by_label("noise σ: Weights of all layers").fill(noise)
        tab.keyboard.press("Tab")
        tab.wait_for_function(
            "words => document.querySelector('#telling').textContent.includes(words)", arg=words
        )
        assert units.inner_text() == distinct


def test_a_wrong_number_is_refused_until_it_is_right(tab):
    choose(tab, "noise")
    field = tab.get_by_label("noise σ: Weights of all layers")
    for text in ("much", "", "1e999"):
        field.fill(text)
        field.press("Tab")
        line = f"noise σ (weights of all layers): “{text}” is not a number; write it like 0.01"
        assert tab.locator("#refused").inner_text().startswith(line)
        assert field.get_attribute("aria-invalid") == "true"
        assert tab.locator("#run").is_disabled() and tab.locator("#step").is_disabled()
    field.fill("0.5")
    field.press("Tab")
    assert tab.locator("#refused").is_hidden()
    step(tab)
    tab.locator("[name=lr]").fill("0")
    tab.locator("[name=lr]").press("Tab")
    assert tab.locator("#refused").inner_text() == "The learning rate has to be a number above 0."


def test_starts_tried_are_beside_each_other_and_can_be_set_up_again(tab):
    for variant in ("all_ones", "he_normal"):
        choose(tab, variant)
        step(tab, 2)
    entries = tab.locator("#tried button")
    assert [text.split(":")[0].strip() for text in entries.all_inner_texts()] == [
        "all ones", "He normal",
    ]  # fmt: skip
    assert "after 2 steps" in entries.first.inner_text()
    entries.last.focus()
    tab.evaluate("document.querySelector('#step').click()")  # which moves no focus
    tab.wait_for_function("document.activeElement.textContent.includes('after 3 steps')")
    label = tab.locator("[data-chart=tried]").get_attribute("aria-label")
    assert "all ones" in label and "He normal" in label
    tab.wait_for_function(
        "document.querySelectorAll('[data-chart=tried] .mark-line path').length == 4"
    )
    told = entries.first.inner_text()
    entries.first.click()
    tab.wait_for_function("document.querySelector('#telling').textContent.startsWith('Before')")
    assert tab.locator("[name=preset]").input_value() == "all_ones"
    assert tab.locator("#tried button", has_text="all ones").inner_text() == told  # its curve stays
    step(tab, 3)
    assert "after 3 steps" in tab.locator("#tried button", has_text="all ones").inner_text()


def test_a_start_of_ones_own_is_called_by_what_is_in_it(tab):
    tab.locator("[data-tensor='all.weight']").select_option("normal")
    tab.locator("[name=seed]").fill("3")
    tab.locator("[name=seed]").press("Tab")
    label = tab.locator("#tried button").last.inner_text()
    assert label.startswith("all weights 0.1 + noise of 0.01, seed 3: not trained yet")


def test_a_start_in_the_table_is_a_link_away_from_being_tried(tab):
    tab.get_by_role("link", name="Try all ones").click()
    tab.wait_for_function("document.querySelector('[name=preset]').value == 'all_ones'")
    step(tab)
    assert tab.locator(".try-it").count() == tab.locator("[name=preset] option").count() - 1


def test_it_is_read_aloud_when_it_turns_and_not_at_every_step(tab):
    tab.evaluate(
        """() => {
          window.spoken = 0;
          new MutationObserver(() => { window.spoken += 1; })
            .observe(document.querySelector("#spoken"), { childList: true });
        }"""
    )
    tab.locator("#run").click()
    tab.wait_for_function("+document.querySelector('#telling').textContent.split(' ')[1] > 300")
    tab.locator("#run").click()
    tab.wait_for_function("document.querySelector('#run').textContent == 'Go on'")
    assert 2 <= tab.evaluate("window.spoken") <= 4
    assert tab.locator("#spoken").inner_text() == tab.locator("#telling").inner_text()


def test_what_is_no_number_any_more_is_told(tab):
    choose(tab, "he_normal")
    tab.locator("[name=optimizer]").select_option("sgd")
    tab.locator("[name=lr]").fill("1e30")
    tab.locator("[name=lr]").press("Tab")
    step(tab, 3)
    assert "not a number" in tab.locator("#telling").inner_text()


def test_there_is_one_worker_and_leaving_ends_it(browser, reports):
    tab = opened(browser, reports / "index.html")
    tab.locator("#try").scroll_into_view_if_needed()
    tab.wait_for_function("document.querySelector('#telling').textContent")
    [worker] = tab.workers
    ended = []
    worker.on("close", lambda one: ended.append(one))
    for _ in range(3):
        tab.locator("#step").click()
        tab.locator("#run").click()
        tab.locator("#reset").click()
        tab.locator("[name=preset]").select_option("all_ones")
        assert tab.workers == [worker]
    assert ended == []
    tab.goto("about:blank")
    tab.wait_for_timeout(500)
    assert ended == [worker]
    tab.context.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_as_it_trains_on_every_screen(browser, reports, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(browser, reports / "index.html", width, scheme)
    choose(tab, "noise")
    step(tab, 2)
    violations = Axe().run(tab, "#try").response["violations"]
    assert [(v["id"], [n["html"][:80] for n in v["nodes"]]) for v in violations] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.context.close()

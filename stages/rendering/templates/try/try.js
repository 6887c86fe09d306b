// "Try a start": its controls, its address, and what is seen while the worker trains.

const KEPT = study.looks.length; // starts that are drawn beside each other
const PIXEL = 28, GAP = 2, COLUMNS = 8; // of the units' pictures
const NEAR = 0.1; // a gap between units below which they act almost as one
const TALK = 8000; // milliseconds between two sentences read aloud while it trains

const trying = study.trying;
const names = trying.sizes.slice(1).map((_, i, all) => (i === all.length - 1 ? "out" : `fc${i + 1}`));
const tensors = names.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
const first = {
  fills: Object.fromEntries(tensors.map((tensor) => [tensor, ["default"]])), ...trying.first, seed: 0,
};
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// --------------------------------------------------------------------------------- address

// Like `fc1.weight:normal(0.1,0.01);lr:0.01`: what differs from the study's own start.
function written(setup) {
  const fills = tensors.map((tensor) => [tensor, setup.fills[tensor]])
    .filter(([, [law]]) => law !== "default")
    .map(([tensor, [law, ...numbers]]) => `${tensor}:${law}${numbers.length ? `(${numbers})` : ""}`);
  const rest = ["activation", "optimizer", "lr", "seed"].filter((key) => setup[key] !== first[key])
    .map((key) => `${key}:${setup[key]}`);
  return [...fills, ...rest].join(";");
}

function decoded(address) {
  try {
    return decodeURIComponent(address);
  } catch {
    throw Error("The address cannot be read: a % in it is not followed by two hexadecimal digits.");
  }
}

// The setup that an address tells; throws an Error with a line for the reader.
function read(address) {
  const setup = structuredClone(first);
  for (const part of address.split(";").filter(Boolean)) {
    const [key, value = ""] = part.split(":");
    if (tensors.includes(key)) setup.fills[key] = readFill(key, value);
    else if (key === "activation" || key === "optimizer") setup[key] = oneOf(key, value);
    else if (key === "lr" || key === "seed") setup[key] = Number(value || NaN);
    else throw Error(`The address names “${key}”; allowed: ${[...tensors, "activation", "optimizer", "lr", "seed"].join(", ")}.`);
  }
  return checked(setup);
}

function readFill(tensor, value) {
  const [, law, numbers] = /^(\w+)(?:\((.*)\))?$/.exec(value) ?? [];
  const allowed = lawsOf(tensor);
  if (!allowed.includes(law)) throw Error(`${tensor}: “${value}” is not known; allowed: ${allowed.join(", ")}.`);
  const given = numbers ? numbers.split(",").map(Number) : [];
  const first = Object.values(FILLS[law].numbers ?? {});
  return [law, ...first.map((number, i) => given[i] ?? number)];
}

function oneOf(key, value) {
  const allowed = [...$(`#setup [name=${key}]`).options].map((option) => option.value);
  if (!allowed.includes(value)) throw Error(`${key}: “${value}” is not known; allowed: ${allowed.join(", ")}.`);
  return value;
}

function checked(setup) {
  for (const [tensor, [law, ...numbers]] of Object.entries(setup.fills)) {
    Object.keys(FILLS[law].numbers ?? {}).forEach((name, i) => {
      const whole = law !== "copies" || (Number.isInteger(numbers[i]) && numbers[i] > 0);
      if (!Number.isFinite(numbers[i]) || !whole) {
        throw Error(`${name} of ${tensor} has to be ${law === "copies" ? "a whole number above 0" : "a number"}.`);
      }
    });
  }
  if (!(setup.lr > 0 && setup.lr < Infinity)) throw Error("The learning rate has to be a number above 0.");
  if (!(Number.isInteger(setup.seed) && setup.seed >= 0)) throw Error("The seed has to be a whole number, 0 or more.");
  return setup;
}

const lawsOf = (tensor) => Object.keys(FILLS).filter((law) => tensor.endsWith("weight") || FILLS[law].biases);
const preset = (setup) => Object.keys(trying.variants).find((name) => {
  const { seed, ...rest } = setup;
  return same(sorted(trying.variants[name]), sorted(rest));
});
const sorted = ({ fills, activation, optimizer, lr }) =>
  [tensors.map((tensor) => fills[tensor]), activation, optimizer, lr];

function called(setup) {
  const name = preset(setup);
  const label = name ? study.variants[name].label : written({ ...setup, seed: first.seed }) || "PyTorch default";
  return setup.seed === first.seed ? label : `${label}, seed ${setup.seed}`;
}

// -------------------------------------------------------------------------------- controls

const form = $("#setup");

function fillControls(place, label, tensor, options) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", label);
  select.dataset.tensor = tensor;
  for (const law of options) select.add(new Option(law ? FILLS[law].words : "mixed", law));
  const numbers = document.createElement("span");
  place.append(select, numbers);
  return place;
}

// The numbers that a law takes, beside its name.
function showFill(select, [law, ...numbers]) {
  select.value = law;
  const fields = Object.keys(FILLS[law]?.numbers ?? {}).map((name, i) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "text", inputMode: "decimal", value: numbers[i], size: 8 });
    input.setAttribute("aria-label", `${name}: ${select.getAttribute("aria-label")}`);
    label.append(`${name} `, input);
    return label;
  });
  select.nextElementSibling.replaceChildren(...fields);
}

function buildControls() {
  const rows = [["all", "all layers"], ...names.map((name) => [name, name])].map(([layer, words]) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: words });
    const cells = ["weight", "bias"].map((kind) => {
      const cell = document.createElement("td");
      cell.dataset.label = kind === "weight" ? "Weights" : "Biases";
      const options = lawsOf(`${names[0]}.${kind}`);
      const label = `${kind === "weight" ? "Weights" : "Biases"} of ${words}`;
      return fillControls(cell, label, `${layer}.${kind}`, layer === "all" ? ["", ...options] : options);
    });
    row.append(head, ...cells);
    return row;
  });
  $(".fills tbody").replaceChildren(...rows);
}

function showControls(setup) {
  for (const select of $$("[data-tensor]")) {
    const [layer, kind] = select.dataset.tensor.split(".");
    const own = names.map((name) => setup.fills[`${name}.${kind}`]);
    const alike = own.every((fill) => same(fill, own[0]));
    showFill(select, layer !== "all" ? setup.fills[select.dataset.tensor] : alike ? own[0] : [""]);
  }
  for (const key of ["activation", "optimizer", "lr", "seed"]) form.elements[key].value = setup[key];
  form.elements.preset.value = preset(setup) ?? "";
}

// What the controls say, after one of them changed.
function chosen(changed) {
  if (changed.name === "preset") {
    if (!changed.value) return current.setup;
    return { ...first, ...structuredClone(trying.variants[changed.value]), seed: current.setup.seed };
  }
  const setup = structuredClone(current.setup);
  for (const key of ["activation", "optimizer"]) setup[key] = form.elements[key].value;
  for (const key of ["lr", "seed"]) setup[key] = Number(form.elements[key].value || NaN);
  const cell = changed.closest("td");
  if (!cell) return checked(setup);
  const select = $("select", cell), [layer, kind] = select.dataset.tensor.split(".");
  const law = select.value;
  if (!law) return setup;
  const given = changed === select ? Object.values(FILLS[law].numbers ?? {})
    : $$("input", cell).map((input) => Number(input.value.replace(",", ".") || NaN));
  for (const name of layer === "all" ? names : [layer]) setup.fills[`${name}.${kind}`] = [law, ...given];
  return checked(setup);
}

function refuse(error) {
  $("#refused").textContent = error?.message ?? "";
  $("#refused").hidden = !error;
}

// ------------------------------------------------------------------------------------ runs

// Every start tried: its setup, its points so far, its look. The worker trains the current one.
let runs = [], current = { setup: first }, worker = null, seen = null, count = 0;
const images = unpacked(trying.images);
const tell = (message) => worker?.postMessage(message);

async function wake() {
  const bytes = await images;
  if (worker) return;
  const address = URL.createObjectURL(new Blob([$("#worker").textContent], { type: "text/javascript" }));
  worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => data.id === current.id && report(data);
  const [train, test] = trying.counts, area = PIXEL ** 2;
  const [pixels, labels] = [bytes.slice(0, (train + test) * area), bytes.slice((train + test) * area)];
  tell({ data: {
    train: { pixels: pixels.subarray(0, train * area), labels: labels.subarray(0, train) },
    test: { pixels: pixels.subarray(train * area), labels: labels.subarray(train) },
  } });
  begin(current.setup);
}

function sleep() {
  worker?.terminate();
  worker = null;
}

// Begin a start anew: in the place of the same one, or of one that has not taken a step.
function begin(setup) {
  const key = written(setup);
  runs = runs.filter((run) => written(run.setup) !== key && run.points.length > 1).slice(1 - KEPT);
  const look = study.looks.find(({ color }) => !runs.some((run) => run.look.color === color));
  current = { id: ++count, setup, points: [], look, label: called(setup) };
  runs.push(current);
  const { lr, ...rest } = setup;
  tell({ begin: { ...rest, rate: lr, sizes: trying.sizes, batch: trying.batch, id: current.id } });
}

function report(told) {
  const turned = seen?.id !== told.id || seen.running !== told.running;
  current.points.push(...told.points);
  seen = told;
  $("#run").textContent = told.running ? "Pause" : told.step ? "Go on" : "Start";
  $("#reset").disabled = told.step === 0;
  showLayers(told.layers);
  showPicture();
  const words = sentence(told, current);
  $("#telling").textContent = words;
  speak(words, turned);
  if (told.points.length) showCurves();
}

let spoken = 0;
function speak(words, now) {
  if (!now && performance.now() < spoken + TALK) return;
  spoken = performance.now();
  $("#spoken").textContent = words;
}

// ------------------------------------------------------------------------------------ seen

function curvesNow() {
  const looks = {}, rows = [];
  for (const { id, label, look, points } of runs) {
    for (const [split, dash, words] of [["test", [1, 0], label], ["train", [3, 3], `${label}, training`]]) {
      const variant = `${id}/${split}`;
      looks[variant] = { ...look, color: color(look), dash, label: words };
      for (const point of points) rows.push({ variant, step: point.step, accuracy: point[split], seed: 0, end: "" });
    }
  }
  const last = Math.max(100, ...rows.map((row) => row.step));
  return { rows, signals: { looks, shown: Object.keys(looks), last } };
}

async function showCurves() {
  legendOfRuns();
  if (!views.tried) return;
  const { rows, signals } = curvesNow();
  views.tried.data("table", rows);
  await signal("tried", signals);
}

function drawTried() {
  const { rows, signals } = curvesNow();
  const columns = ["variant", "step", "accuracy", "seed", "end"];
  study.tables.tried = [columns, ...rows.map((row) => columns.map((column) => row[column]))].map(String).join("\n");
  return draw("tried", signals, signals.looks);
}

function legendOfRuns() {
  const legend = $("#tried");
  const words = ({ points }) => points.length < 2 ? "not trained yet"
    : `${percent(points.at(-1).test)} after ${points.at(-1).step} steps`;
  legend.replaceChildren(...runs.map((run) => {
    const button = entry("button", String(run.id), words(run), { ...run.look, dash: [1, 0], label: run.label });
    button.type = "button";
    button.setAttribute("aria-pressed", run === current);
    button.addEventListener("click", () => run === current || change(run.setup));
    return button;
  }));
  $('[data-chart="tried"]').setAttribute("aria-label",
    "Accuracy by step. " + runs.map((run) => `${run.label}: ${words(run)}`).join("; "));
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const inWords = (value) => (value === 0 ? "0" : Number.isFinite(value) ? short(value) : "not a number");
const short = (value) => {
  if (Math.abs(value) >= 0.001 && Math.abs(value) < 1e5) return String(+value.toPrecision(2)).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).replace(".0e", "e").split("e");
  const power = `10${exponent.replace("+", "").replace(/[-0-9]/g, (one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)])}`;
  return digits === "1" ? power : `${digits.replace("-", "−")}·${power}`;
};

function showLayers(layers) {
  const cells = (layer) => [
    ["Weights moved", inWords(layer.moves.weight)],
    ["Biases moved", inWords(layer.moves.bias)],
    ["Gradient", inWords(layer.gradients.weight)],
    ["Distinct units", `${layer.distinct} of ${layer.units}`],
    ["Gap", inWords(layer.gap)],
    ["Dead units", layer.dead === null ? "–" : `${layer.dead} of ${layer.units}`],
  ];
  $(".layers tbody").replaceChildren(...layers.map((layer) => {
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: layer.name }));
    for (const [label, words] of cells(layer)) {
      const cell = Object.assign(document.createElement("td"), { textContent: words });
      cell.dataset.label = label;
      cell.classList.toggle("zero", words === "0");
      row.append(cell);
    }
    return row;
  }));
}

// From blue over white to red, as the pictures above; between two units nothing.
function tint(byte) {
  const part = Math.abs(byte - 128) / 127;
  const [soft, strong] = byte < 128 ? [[146, 197, 222], [33, 102, 172]] : [[244, 165, 130], [178, 24, 43]];
  const [from, to, along] = part < 0.5 ? [[255, 255, 255], soft, 2 * part] : [soft, strong, 2 * part - 1];
  const [red, green, blue] = from.map((channel, i) => Math.round(channel + (to[i] - channel) * along));
  return (255 << 24) | (blue << 16) | (green << 8) | red; // as a pixel of ImageData lies in memory
}
const TINTS = Uint32Array.from({ length: 256 }, (_, byte) => tint(byte));

function showPicture() {
  if (!seen) return;
  const kind = $("[name=shown]:checked").value, { bytes, limit } = seen.picture[kind];
  const canvas = $("#try canvas"), step = PIXEL + GAP, count = bytes.length / PIXEL ** 2;
  const width = COLUMNS * step - GAP, height = Math.ceil(count / COLUMNS) * step - GAP;
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < bytes.length / PIXEL; row++) { // of one unit after the other
    const unit = Math.floor(row / PIXEL);
    const y = Math.floor(unit / COLUMNS) * step + (row % PIXEL), x = (unit % COLUMNS) * step;
    for (let i = 0; i < PIXEL; i++) pixels[y * width + x + i] = TINTS[bytes[row * PIXEL + i]];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const [fc1] = seen.layers;
  const shown = kind === "weights" ? "weights" : "differences";
  $("#scale").textContent = limit === 0 ? `All ${shown} are exactly 0.`
    : `Blue: below 0; white: exactly 0; red: above; the darkest is ±${inWords(limit)}.`;
  canvas.setAttribute("aria-label", `The ${shown} of ${count} units of fc1 after ${seen.step} steps. ` +
    `${fc1.distinct} of its ${fc1.units} units are distinct. ${$("#scale").textContent}`);
}

// -------------------------------------------------------------------------------- sentence

const starved = ({ gradients }) => gradients.weight === 0 && gradients.bias === 0;

// What is happening, and why, from what the worker saw.
function sentence({ step, layers, running }, { setup, points }) {
  const [fc1] = layers, { test, loss } = points.at(-1);
  const when = step === 0 ? "Before training" : `After ${step} ${step === 1 ? "step" : "steps"}`;
  const score = `${when}, ${percent(test)} of the test images are right.`;
  if (!Number.isFinite(loss)) {
    return `${score} The loss is not a number any more: the values grew until they overflowed. A smaller learning rate or smaller weights would help.`;
  }
  return `${score} ${reason(layers, setup, step, test)}`;
}

function reason(layers, setup, step, test) {
  const [fc1] = layers;
  const stuck = layers.filter(starved);
  if (stuck.length) return silence(layers, stuck, setup);
  const hidden = layers.slice(0, -1).filter(({ units }) => units > 1);
  const copies = hidden.filter(({ distinct }) => distinct === 1);
  if (copies.length === hidden.length && hidden.length) {
    const sizes = [trying.sizes[0], ...layers.slice(0, -1).map(() => 1), layers.at(-1).units].join("-");
    return `All units of a layer are equal, so they get equal gradients and stay equal: the network is ${sizes} in disguise, and can learn no more than that.`;
  }
  if (copies.length) {
    return `The ${copies[0].units} units of ${copies[0].name} are equal now, but the layer above weighs them differently: their gradients differ, and so will they.`;
  }
  const twins = hidden.find(({ distinct, units }) => distinct < units);
  if (twins) {
    return `${twins.name} has ${twins.units} units, but only ${twins.distinct} different ones: units that are equal, in what goes in and in what comes out, get equal gradients and stay equal.`;
  }
  if (fc1.gap < NEAR) {
    return `All ${fc1.units} units of fc1 differ, but by ${short(fc1.gap)} of the largest weight at most: they still act almost as one. Their gradients differ a little, so training drives them apart, slowly at first.`;
  }
  const weakest = Math.min(...layers.map(({ gradients }) => gradients.weight));
  const strongest = Math.max(...layers.map(({ gradients }) => gradients.weight));
  if (weakest < 1e-4 * strongest) {
    const { name } = layers.find(({ gradients }) => gradients.weight === weakest);
    return `The gradient that arrives at ${name} is only ${short(weakest)}, against ${short(strongest)} where it is largest: with weights this small or this large it shrinks from layer to layer.`;
  }
  const dead = layers.find((layer) => layer.dead > layer.units / 2);
  if (dead) return `${dead.dead} of ${dead.units} units of ${dead.name} answer 0 to every test image, and pass no gradient on; the others learn.`;
  const all = `All ${fc1.units} units of fc1 differ, and a gradient arrives at every layer`;
  if (step === 0) return `${all}: nothing stands in the way of learning.`;
  return test > 0.3 ? `${all}: the network learns.` : `${all}, but not much has been learned yet.`;
}

// Why layers get no gradient at all, told of the first of them.
function silence(layers, stuck, setup) {
  const [{ name }] = stuck, i = layers.findIndex((layer) => layer.name === name);
  const all = layers.slice(0, -1).every(starved);
  const dead = layers.slice(i, -1).find((layer) => layer.dead === layer.units);
  const zero = layers.slice(i + 1).find((layer) => layer.zero);
  const why = [
    dead && `the units of ${dead.name} answer 0 to every image, and where a unit answers 0 the slope of ReLU is 0`,
    zero && `the weights of ${zero.name} are all 0, and what flows back is multiplied by them`,
  ].filter(Boolean).join("; and ") || "what flows back has become too small for a 32-bit number";
  const which = stuck.length > 1 ? `The gradients of ${stuck.map((layer) => layer.name).join(" and ")} are` : `The gradient of ${name} is`;
  const end = layers.at(-1).gradients.weight === 0 ? " Only out.bias can move: every image gets the same answer."
    : dead ? " Every image gets the same answer."
    : all && zero?.name === "out" ? " The weights of out move first, and then the others."
    : "";
  return `${which} exactly 0: ${why}.${end}`;
}

// ------------------------------------------------------------------------------- beginning

function change(setup) {
  refuse(null);
  begin(setup);
  showControls(setup);
  legendOfRuns();
  const key = `#try=${written(setup)}`;
  $("#share").href = key;
  history.replaceState(null, "", key);
  wake();
}

// From an address like #try=fc1.weight:zeros; tells whether it was one.
function restore() {
  if (!location.hash.startsWith("#try=")) return false;
  try {
    change(read(decoded(location.hash.slice(5))));
  } catch (error) {
    refuse(error);
  }
  $("#try").scrollIntoView();
  return true;
}

function tryAStart() {
  buildControls();
  showControls(first);
  form.addEventListener("change", ({ target }) => {
    if (target.name === "shown") return;
    try {
      change(chosen(target));
    } catch (error) {
      refuse(error);
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await wake();
    tell({ run: !seen?.running });
  });
  $("#step").addEventListener("click", async () => { await wake(); tell({ step: true }); });
  $("#reset").addEventListener("click", () => change(current.setup));
  for (const radio of $$("[name=shown]")) radio.addEventListener("change", showPicture);
  addEventListener("hashchange", restore);
  addEventListener("pagehide", sleep);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) wake(); });
  new IntersectionObserver(([{ isIntersecting }]) => { if (isIntersecting) wake(); }, { rootMargin: "300px" })
    .observe($("#try"));
  restore();
}

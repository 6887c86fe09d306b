// The results of training: curves and legend of the runs, the table of layers, pictures of units.

const SIDE = 28, SPACE = 2, COLUMNS = 8; // of the pictures of units, in pixels and units

function curvesOfRuns() {
  const looks = {}, rows = [];
  for (const { id, label, look, points } of runs) {
    for (const [split, dash, words] of [["test", [1, 0], label], ["train", [3, 3], `${label}, training`]]) {
      const variant = `${id}/${split}`;
      looks[variant] = { ...look, color: color(look), dash, label: words };
      for (const point of points) rows.push({ variant, step: point.step, accuracy: point[split], seed: 0, end: "" });
    }
  }
  const last = Math.max(100, ...rows.map(({ step }) => step));
  return { rows, signals: { looks, shown: Object.keys(looks), last } };
}

async function showCurves() {
  showLegend();
  if (!views.tried) return;
  const { rows, signals } = curvesOfRuns();
  views.tried.data("table", rows);
  await setSignals("tried", signals);
}

function drawTried() {
  const { rows, signals } = curvesOfRuns();
  study.tables.tried = rows;
  return draw("tried", signals, signals.looks);
}

function showLegend() {
  const legend = $("#tried");
  const ending = ({ points }) => (points.length < 2 ? "not trained yet"
    : `${percent(points.at(-1).test)} after ${counted(points.at(-1).step)}`);
  const focused = legend.contains(document.activeElement) && document.activeElement.dataset.variant;
  legend.replaceChildren(...runs.map((run) => {
    const look = { ...run.look, dash: [1, 0], label: run.label };
    const button = legendEntry("button", String(run.id), ending(run), look);
    button.setAttribute("aria-pressed", run === current);
    button.addEventListener("click", () => run === current || tryOut(run.setup));
    return button;
  }));
  $(`[data-variant="${focused}"]`, legend)?.focus();
  $('[data-chart="tried"]').setAttribute("aria-label",
    "Accuracy by step. " + runs.map((run) => `${run.label}: ${ending(run)}`).join("; "));
}

function showLayers({ layers, step }) {
  const moved = (move) => (step === 0 ? "–" : short(move)); // nothing could move yet
  $$(".layers tbody tr").forEach((row, i) => {
    const { moves, gradients, distinct, gap, dead, units } = layers[i];
    const texts = [
      moved(moves.weight), moved(moves.bias), short(gradients.weight),
      `${distinct} of ${units}${distinct === 1 && gap > 0 ? " (nearly equal)" : ""}`, short(gap),
      dead === null ? "–" : `${dead} of ${units}`,
    ];
    $$("td", row).forEach((cell, k) => {
      cell.textContent = texts[k];
      cell.classList.toggle("zero", texts[k] === "0");
    });
  });
}

// Colours from blue over white, which is exactly 0, to red, as pixels of ImageData lie in memory.
const SHADES = 127; // on each side of white
const COLORS = Uint32Array.from({ length: 2 * SHADES + 1 }, (_, i) => {
  const part = Math.abs(i - SHADES) / SHADES;
  const [soft, strong] = i < SHADES ? [[146, 197, 222], [33, 102, 172]] : [[244, 165, 130], [178, 24, 43]];
  const [from, to, along] = part < 0.5 ? [[255, 255, 255], soft, 2 * part] : [soft, strong, 2 * part - 1];
  const [red, green, blue] = from.map((channel, k) => Math.round(channel + (to[k] - channel) * along));
  return (255 << 24) | (blue << 16) | (green << 8) | red;
});

function showPicture() {
  if (!latest) return;
  const kind = $("[name=shown]:checked").value, values = latest.picture[kind];
  const limit = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const canvas = $("#try canvas"), step = SIDE + SPACE, count = values.length / SIDE ** 2;
  const width = COLUMNS * step - SPACE, height = Math.ceil(count / COLUMNS) * step - SPACE;
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  values.forEach((value, i) => {
    const unit = Math.floor(i / SIDE ** 2), row = Math.floor((i % SIDE ** 2) / SIDE);
    const x = (unit % COLUMNS) * step + (i % SIDE), y = Math.floor(unit / COLUMNS) * step + row;
    const shade = Math.sign(value) * Math.ceil((Math.abs(value) / (limit || 1)) * SHADES);
    pixels[y * width + x] = COLORS[SHADES + shade];
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  const [fc1] = latest.layers;
  $("#scale").textContent = limit === 0 ? `All ${kind} are exactly 0.`
    : `Blue: below 0; white: exactly 0; red: above 0. The darkest colour is ±${short(limit)}.`;
  canvas.setAttribute("aria-label", `The ${kind} of ${count} units of fc1 after ${counted(latest.step)}. ` +
    `${fc1.distinct} of its ${fc1.units} units are distinct. ${$("#scale").textContent}`);
}

// A number as people read it, like 0.1 or 2·10⁻⁷; all shown here are 0 or more.
function short(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "not a number";
  if (value >= 0.001 && value < 1e5) return String(+value.toPrecision(2));
  const [digits, exponent] = value.toExponential(1).replace(".0e", "e").replace("+", "").split("e");
  const power = `10${exponent.replace(/[-0-9]/g, (one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)])}`;
  return digits === "1" ? power : `${digits}·${power}`;
}

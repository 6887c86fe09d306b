// What is seen of the starts tried: curves, the table of layers, pictures of units.

const PIXEL = 28, GAP = 2, COLUMNS = 8; // of the units' pictures

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
    : `${percent(points.at(-1).test)} after ${counted(points.at(-1).step)}`;
  // Who is at a button with the keyboard stays there while its words change.
  if (same($$("button", legend).map((button) => +button.dataset.variant), runs.map((run) => run.id))) {
    $$("button", legend).forEach((button, i) => { button.lastChild.data = `${runs[i].label}: ${words(runs[i])}`; });
  } else {
    legend.replaceChildren(...runs.map((run) => {
      const button = entry("button", String(run.id), words(run), { ...run.look, dash: [1, 0], label: run.label });
      button.type = "button";
      button.setAttribute("aria-pressed", run === current);
      button.addEventListener("click", () => run === current || change(run.setup));
      return button;
    }));
  }
  $('[data-chart="tried"]').setAttribute("aria-label",
    "Accuracy by step. " + runs.map((run) => `${run.label}: ${words(run)}`).join("; "));
}

const counted = (steps) => `${steps} ${steps === 1 ? "step" : "steps"}`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const inWords = (value) => (value === 0 ? "0" : Number.isFinite(value) ? short(value) : "not a number");
const short = (value) => {
  if (Math.abs(value) >= 0.001 && Math.abs(value) < 1e5) return String(+value.toPrecision(2)).replace("-", "−");
  const [digits, exponent] = value.toExponential(1).replace(".0e", "e").split("e");
  const power = `10${exponent.replace("+", "").replace(/[-0-9]/g, (one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)])}`;
  return digits === "1" ? power : `${digits.replace("-", "−")}·${power}`;
};

function showLayers(layers) {
  const told = ({ moves, gradients, distinct, gap, dead, units }) => [
    inWords(moves.weight), inWords(moves.bias), inWords(gradients.weight), 
    `${distinct} of ${units}${distinct === 1 && gap > 0 ? " (nearly equal)" : ""}`, inWords(gap),
    dead === null ? "–" : `${dead} of ${units}`,
  ];
  $$(".layers tbody tr").forEach((row, i) => {
    const words = told(layers[i]);
    $$("td", row).forEach((cell, k) => {
      cell.textContent = words[k];
      cell.classList.toggle("zero", words[k] === "0");
    });
  });
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
  canvas.setAttribute("aria-label", `The ${shown} of ${count} units of fc1 after ${counted(seen.step)}. ` +
    `${fc1.distinct} of its ${fc1.units} units are distinct. ${$("#scale").textContent}`);
}

// The page's charts, and the legends beside them.

const study = JSON.parse(document.getElementById("study").textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");
const views = {};
study.tables = JSON.parse(new TextDecoder().decode(await unpacked(study.tables)));

// The bytes that rendering/packing.py packed.
async function unpacked(base64) {
  if (!window.DecompressionStream) $("#too-old").hidden = false;
  const { body } = await fetch(`data:;base64,${base64}`);
  const bytes = await new Response(body.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  return new Uint8Array(bytes, 1);
}

// A chart is drawn after the one before it.
let drawing = Promise.resolve();
const queue = (work) => (drawing = drawing.then(work));

const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Black is the text's colour, which is light in the dark.
const color = (look) => (look.color === "#000000" ? shade("--text") : dark.matches ? look.dark : look.color);
// In a chart of variants from several groups they look otherwise than in their groups: where
// there are more of them than colours, a colour comes again with another dash and another mark.
const byPlace = (shown) => Object.fromEntries(shown.map((name, i) => {
  const { length } = study.looks;
  const { dash, shape } = study.looks[(i + Math.floor(i / length)) % length];
  return [name, { ...study.variants[name], ...study.looks[i % length], dash, shape }];
}));
const looks = (variants) => Object.fromEntries(Object.entries({ ...study.variants, ...variants })
  .map(([name, look]) => [name, { ...look, color: color(look) }]));

// ---------------------------------------------------------------------------------- charts

function theme() {
  const [text, soft, line] = ["--text", "--soft", "--line"].map(shade);
  return {
    background: null,
    font: getComputedStyle(document.body).fontFamily,
    axis: {
      labelColor: text, titleColor: text, gridColor: line, domainColor: soft, tickColor: soft,
      labelFontSize: narrow.matches ? 11 : 12, titleFontSize: 13, titleFontWeight: 600,
      labelLimit: narrow.matches ? 180 : 240,
    },
    legend: { labelColor: text, titleColor: text, labelFontSize: 11, titleFontSize: 12, titleLimit: 300 },
    view: { stroke: null },
    circle: { color: shade("--link") },
    tick: { color: text },
    line: { strokeJoin: "round" },
  };
}

async function draw(name, signals = {}, variants = {}) {
  const values = complete(name, { looks: looks(variants), narrow: narrow.matches, ...signals });
  // Vega gives what it draws in a role and a label of its own; ours has better ones.
  const place = document.createElement("div");
  place.setAttribute("aria-hidden", "true");
  $(`[data-chart="${name}"]`).replaceChildren(place);
  const { table, spec } = study.charts[name];
  const filled = {
    ...spec,
    params: (spec.params ?? []).map((param) => (param.name in values ? { ...param, value: values[param.name] } : param)),
    autosize: { type: "fit", contains: "padding", resize: true },
    data: { name: "table", values: study.tables[table], format: { type: "csv" } },
    $schema: undefined,
  };
  views[name]?.finalize();
  views[name] = (await vegaEmbed(place, filled, { renderer: "svg", actions: false, config: theme() })).view;
}

// Which variants are shown tells where the horizontal axis ends. The baseline, which is drawn
// beside every group, is cut where all others end.
function reach(shown, length = "epochs") {
  const others = shown.filter((variant) => variant !== study.baseline);
  return Math.max(1, ...(others.length ? others : shown).map((variant) => study.variants[variant][length]));
}
function complete(name, signals) {
  if (!signals.shown || signals.last) return signals;
  const length = study.charts[name].table === "depth" ? "depth" : "epochs";
  return { ...signals, last: reach(signals.shown, length) };
}

async function signal(name, values) {
  const view = views[name];
  if (!view) return;
  for (const [key, value] of Object.entries(complete(name, values))) view.signal(key, value);
  await view.runAsync();
}

function swatch(look) {
  const marks = {
    circle: '<circle cx="18" cy="6" r="4"/>',
    square: '<rect x="14" y="2" width="8" height="8"/>',
    "triangle-up": '<path d="M18 1 L23 10 H13 Z"/>',
    diamond: '<path d="M18 0 L23 6 L18 12 L13 6 Z"/>',
    "triangle-down": '<path d="M18 11 L13 2 H23 Z"/>',
    cross: '<path d="M16 1 h4 v3 h3 v4 h-3 v3 h-4 v-3 h-3 v-4 h3 Z"/>',
  };
  const line = `<line x1="0" y1="6" x2="36" y2="6" stroke-width="2" stroke-dasharray="${look.dash.join(" ")}"/>`;
  const span = document.createElement("span");
  span.innerHTML = `<svg width="36" height="12" aria-hidden="true">${line}${marks[look.shape]}</svg>`;
  for (const side of ["stroke", "fill"]) span.firstChild.setAttribute(side, color(look));
  return span.firstChild;
}

function entry(tag, name, words, look = study.variants[name]) {
  const element = document.createElement(tag);
  element.append(swatch(look), `${look.label}: ${words}`);
  element.dataset.variant = name;
  return element;
}

function still(legend, shown) {
  const looks = Object.entries(byPlace(shown));
  legend.replaceChildren(...looks.map(([name, look]) => entry("span", name, look.accuracy, look)));
}

// A finger has no pointer to hover with: a tap tells what is there until the next tap.
let touched = null;
document.addEventListener("click", (event) => {
  if (event.pointerType !== "touch") return;
  const { clientX, clientY } = event;
  const send = (kind) => touched?.dispatchEvent(
    new PointerEvent(kind, { bubbles: true, clientX, clientY, pointerType: "touch" }));
  send("pointerout");
  touched = event.target.closest(".plot svg") ? event.target : null;
  for (const kind of ["pointerover", "pointermove"]) send(kind);
});

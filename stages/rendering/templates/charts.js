// The page's data, and what all its charts share: drawing, signals, looks, and legends.

const study = JSON.parse(document.getElementById("study").textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("screen and (max-width: 40rem)");
const views = {}; // Vega's, by a chart's name
const highlight = {}; // by a place's id: a function that highlights the variants of a link there
study.tables = JSON.parse(new TextDecoder().decode(await unpacked(study.tables)));

// The bytes that rendering/packing.py packed.
async function unpacked(base64) {
  if (!window.DecompressionStream) $("#too-old").hidden = false;
  const { body } = await fetch(`data:;base64,${base64}`);
  const bytes = await new Response(body.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  return new Uint8Array(bytes, 1);
}

// Charts are drawn one after another.
let drawing = Promise.resolve();
const queue = (work) => (drawing = drawing.then(work));

// ----------------------------------------------------------------------------------- looks

const labelOf = (variant) => study.variants[variant].label;
const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Black stands for the text's colour, which is light on a dark screen.
const color = (look) => (look.color === "#000000" ? shade("--text") : dark.matches ? look.dark : look.color);
// Variants of several groups get looks by their place. A colour that comes again has another dash
// and another mark.
const looksByPlace = (shown) => Object.fromEntries(shown.map((name, i) => {
  const { length } = study.looks;
  const { dash, shape } = study.looks[(i + Math.floor(i / length)) % length];
  return [name, { ...study.variants[name], ...study.looks[i % length], dash, shape }];
}));
const coloredLooks = (own) => Object.fromEntries(Object.entries({ ...study.variants, ...own })
  .map(([name, look]) => [name, { ...look, color: color(look) }]));

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

// ---------------------------------------------------------------------------------- charts

async function draw(name, signals = {}, own = {}) {
  const values = withLast(name, { looks: coloredLooks(own), narrow: narrow.matches, ...signals });
  // Vega gives its drawing a role and a label; the place around it has better ones.
  const place = document.createElement("div");
  place.setAttribute("aria-hidden", "true");
  $(`[data-chart="${name}"]`).replaceChildren(place);
  const { table, spec } = study.charts[name], rows = study.tables[table];
  const filled = {
    ...spec,
    params: (spec.params ?? []).map((one) => (one.name in values ? { ...one, value: values[one.name] } : one)),
    autosize: { type: "fit", contains: "padding", resize: true },
    data: { name: "table", values: rows, format: Array.isArray(rows) ? undefined : { type: "csv" } },
    $schema: undefined,
  };
  views[name]?.finalize();
  views[name] = (await vegaEmbed(place, filled, { renderer: "svg", actions: false, config: theme() })).view;
}

async function setSignals(name, signals) {
  const view = views[name];
  if (!view) return;
  for (const [key, value] of Object.entries(withLast(name, signals))) view.signal(key, value);
  await view.runAsync();
}

// The longest training, or the deepest network, of the variants shown. The baseline, which every
// group shows, is cut where all others end.
function lastOf(shown, length = "epochs") {
  const others = shown.filter((variant) => variant !== study.baseline);
  return Math.max(1, ...(others.length ? others : shown).map((variant) => study.variants[variant][length]));
}
function withLast(name, signals) {
  if (!signals.shown || signals.last) return signals;
  return { ...signals, last: lastOf(signals.shown, study.charts[name].table === "depth" ? "depth" : "epochs") };
}

// --------------------------------------------------------------------------------- legends

const MARKS = {
  circle: "M14 6 a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0",
  square: "M14 2 h8 v8 h-8 Z",
  "triangle-up": "M18 1 L23 10 H13 Z",
  diamond: "M18 0 L23 6 L18 12 L13 6 Z",
  "triangle-down": "M18 11 L13 2 H23 Z",
  cross: "M16 1 h4 v3 h3 v4 h-3 v3 h-4 v-3 h-3 v-4 h3 Z",
};

function legendEntry(tag, name, text, look = study.variants[name]) {
  const element = document.createElement(tag);
  const line = `<path d="M0 6 H36" stroke-width="2" stroke-dasharray="${look.dash.join(" ")}"/>`;
  element.innerHTML = `<svg width="36" height="12" aria-hidden="true" stroke="${color(look)}" fill="${color(look)}">` +
    `${line}<path d="${MARKS[look.shape]}"/></svg>`;
  element.append(`${look.label}: ${text}`);
  element.dataset.variant = name;
  if (tag === "button") element.type = "button";
  return element;
}

function showFixedLegend(legend, shown) {
  legend.replaceChildren(...Object.entries(looksByPlace(shown))
    .map(([name, look]) => legendEntry("span", name, look.accuracy, look)));
}

// A finger has no pointer to hover with: a tap shows a tooltip until the next tap.
let tapped = null;
document.addEventListener("click", (event) => {
  if (event.pointerType !== "touch") return;
  const { clientX, clientY } = event;
  const send = (kind) => tapped?.dispatchEvent(
    new PointerEvent(kind, { bubbles: true, clientX, clientY, pointerType: "touch" }));
  send("pointerout");
  tapped = event.target.closest(".plot svg") ? event.target : null;
  for (const kind of ["pointerover", "pointermove"]) send(kind);
});

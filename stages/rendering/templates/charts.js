// The page's charts, and the legends beside them.

const study = JSON.parse(document.getElementById("study").textContent);
study.tables = JSON.parse(new TextDecoder().decode(await unpacked(study.tables)));
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");
const views = {};

// The bytes that rendering/packing.py packed.
async function unpacked(base64) {
  const { body } = await fetch(`data:;base64,${base64}`);
  const bytes = await new Response(body.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  return new Uint8Array(bytes, 1);
}

// A chart is drawn after the one before it.
let drawing = Promise.resolve();
const queue = (work) => (drawing = drawing.then(work));

const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Black is the text's colour, which is light in the dark.
const color = (look) => (look.color === "#000000" ? shade("--text") : look.color);
// In a chart of variants from several groups they look otherwise than in their groups.
const byPlace = (shown) => Object.fromEntries(
  shown.map((name, i) => [name, { ...study.variants[name], ...study.looks[i % study.looks.length] }]));

// ---------------------------------------------------------------------------------- charts

function theme() {
  const [text, soft, line] = ["--text", "--soft", "--line"].map(shade);
  return {
    background: null,
    font: getComputedStyle(document.body).fontFamily,
    axis: {
      labelColor: text, titleColor: text, gridColor: line, domainColor: soft, tickColor: soft,
      labelFontSize: narrow.matches ? 11 : 12, titleFontSize: 13, titleFontWeight: 600,
      labelLimit: narrow.matches ? 150 : 240,
    },
    view: { stroke: null },
    circle: { color: shade("--link") },
    tick: { color: text },
    line: { strokeJoin: "round" },
  };
}

async function draw(name, signals = {}, variants = {}) {
  const looks = Object.fromEntries(Object.entries({ ...study.variants, ...variants })
    .map(([variant, look]) => [variant, { ...look, color: color(look) }]));
  const values = complete(name, { looks, narrow: narrow.matches, ...signals });
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

// Which variants are shown tells where the horizontal axis ends.
function complete(name, signals) {
  if (!signals.shown || signals.last) return signals;
  const length = study.charts[name].table === "depth" ? "depth" : "epochs";
  return { ...signals, last: Math.max(...signals.shown.map((variant) => study.variants[variant][length])) };
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

// A chart with a picker of groups and a legend, one entry of which can stand alone.
function curves(figure) {
  const name = figure.dataset.curves;
  const legend = $(".legend", figure);
  const plot = $(".plot", figure);
  let alone = null;
  const end = (variant) => study.variants[variant][figure.dataset.end];
  const group = () => study.groups[$("input:checked", figure).value];
  const shown = () => [...new Set([...group(), study.baseline])].filter(Boolean);

  function press() {
    legend.classList.toggle("alone", alone !== null);
    for (const button of $$("button", legend)) button.setAttribute("aria-pressed", button.dataset.variant === alone);
    plot.setAttribute("aria-label", `${$("figcaption", figure).textContent}. At the end: ` +
      shown().map((variant) => `${study.variants[variant].label} ${end(variant)}`).join("; ") + ".");
  }
  async function choose() {
    alone = null;
    legend.replaceChildren(...shown().map((variant) => {
      const button = entry("button", variant, end(variant));
      button.type = "button";
      button.addEventListener("click", () => {
        alone = alone === variant ? null : variant;
        press();
        signal(name, { alone });
      });
      return button;
    }));
    press();
    await signal(name, { shown: shown(), alone });
  }
  for (const radio of $$("input", figure)) radio.addEventListener("change", choose);
  return async () => {
    await draw(name, { shown: shown(), alone });
    const kept = alone;
    await choose();
    if (kept !== null) $(`[data-variant="${kept}"]`, legend).click();
  };
}

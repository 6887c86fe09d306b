const study = JSON.parse(document.getElementById("study").textContent);
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");
const views = {};

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
    params: spec.params.map((param) => (param.name in values ? { ...param, value: values[param.name] } : param)),
    autosize: { type: "fit", contains: "padding", resize: true },
    data: { name: "table", values: study.tables[table], format: { type: "csv" } },
    $schema: undefined,
  };
  views[name]?.finalize();
  views[name] = (await vegaEmbed(place, filled, { renderer: "svg", actions: false, config: theme() })).view;
}

// Which variants are shown tells where the horizontal axis ends.
function complete(name, signals) {
  if (!signals.shown) return signals;
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

// ---------------------------------------------------------------------------- watch symmetry

function symmetry() {
  const slider = $("#epoch");
  if (!slider) return null;
  const pickers = $$("[data-film]");
  const play = $("#play");
  const frames = () => pickers.flatMap((picker) => study.films.variants[picker.value].frames);
  const epochs = () => [...new Set(frames().map((frame) => frame.epoch))].sort((a, b) => a - b);
  const shownEpoch = () => epochs()[Math.min(slider.value, epochs().length - 1)];
  const when = (epoch) => (epoch === 0 ? "before training" : `after epoch ${epoch}`);
  let timer = null;

  function show() {
    const epoch = shownEpoch();
    slider.max = epochs().length - 1;
    const words = when(epoch) + (epoch === 0 ? "" : ` of ${epochs().pop()}`);
    $(".slider output").textContent = words;
    slider.setAttribute("aria-valuetext", words);
    for (const picker of pickers) {
      const film = study.films.variants[picker.value];
      // A start that was trained for fewer epochs stays at its last picture.
      const frame = film.frames.filter((one) => one.epoch <= epoch).pop();
      const figure = picker.closest("figure");
      const distinct = film.distinct[frame.epoch];
      const alt = `Weights of ${study.variants[picker.value].label} ${when(frame.epoch)}: ${frame.alt}`;
      Object.assign($("img", figure), { src: study.films.images[frame.image], alt });
      $("figcaption", figure).textContent =
        `${frame.alt}, ${when(frame.epoch)}. ${distinct} of the first layer’s ${film.width} units ` +
        `${distinct === 1 ? "is" : "are"} distinct. ` +
        (film.scale === "0" ? "" : `Colours, for all epochs: up to ±${film.scale}.`);
    }
    signal("symmetry", { marked: epoch });
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  async function choose() {
    const shown = [...new Set(pickers.map((picker) => picker.value))];
    still($("#figure-why_stuck .legend"), shown);
    $('[data-chart="symmetry"]').setAttribute("aria-label",
      "Symmetry gap by epoch of " + shown.map((name) => study.variants[name].label).join(" and "));
    await draw("symmetry", { shown, marked: shownEpoch() }, byPlace(shown));
    show();
  }
  slider.addEventListener("input", () => { stop(); show(); });
  for (const picker of pickers) picker.addEventListener("change", () => queue(choose));
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    show();
    play.textContent = "Pause";
    timer = setInterval(() => {
      slider.value = +slider.value + 1;
      show();
      if (slider.value === slider.max) stop();
    }, 900);
  });
  return choose;
}

// ------------------------------------------------------------------------- table, downloads

function table() {
  const body = $("#starts tbody");
  const rows = $$("tr", body);
  const heads = $$("#starts thead th");
  const count = $(".filter output");

  const compare = (a, b) => (Number.isNaN(a - b) ? a.localeCompare(b) : a - b);
  heads.forEach((head, column) => {
    $("button", head).addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (row) => row.children[column].dataset.value;
      const empty = (row) => value(row) === "nan"; // below in either order
      rows.sort((a, b) => empty(a) - empty(b) || (up ? 1 : -1) * compare(value(a), value(b)));
      body.append(...rows);
    });
  });
  function filter() {
    const words = $("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      // A word of the row begins with it: "he" finds He, and not "the".
      const own = row.textContent.toLowerCase().split(/[\s,():]+/);
      row.hidden = !words.every((word) => own.some((one) => one.startsWith(word)));
      left += !row.hidden;
    }
    count.textContent = `${left} of ${rows.length}`;
  }
  $("#filter").addEventListener("input", filter);
  filter();
}

for (const button of $$("[data-csv]")) {
  button.addEventListener("click", () => {
    const href = URL.createObjectURL(new Blob([study.tables[button.dataset.csv]], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href, download: `${button.dataset.csv}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  });
}

// A link to a claim opens its reason.
addEventListener("hashchange", () => {
  const reason = document.getElementById(location.hash.slice(1))?.querySelector("details");
  if (reason) reason.open = true;
});

// -------------------------------------------------------------------------------- beginning

table();
const redraw = [...$$("[data-curves]").map(curves), symmetry()].filter(Boolean);
for (const name of ["who_moved", "final_accuracy"]) redraw.push(() => draw(name));
for (const legend of $$("[data-legend]")) {
  const name = legend.dataset.legend;
  const { shown } = study.charts[name];
  redraw.push(() => {
    still(legend, shown);
    return draw(name, { shown }, byPlace(shown));
  });
}
function all() {
  for (const one of redraw) queue(one);
  const screen = `${dark.matches ? "dark" : "light"} ${narrow.matches ? "narrow" : "wide"}`;
  queue(() => { document.documentElement.dataset.drawn = screen; });
}
// Text is painted before charts are drawn.
requestAnimationFrame(() => setTimeout(all));
dark.addEventListener("change", all);
narrow.addEventListener("change", all);

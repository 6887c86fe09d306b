// A chart of curves by epoch: which starts it shows, which of them stand out, how far it reaches.

const TOP = 0.1; // below the best end: what "the top" is
const show = {}; // by the id of a place: what shows there the variants that a link is about

// The values of a variant at an epoch, one a seed.
const tables = {};
function values(name, variant, epoch) {
  const { table, y } = study.charts[name];
  tables[table] ??= study.tables[table].trim().split("\n").map((line) => line.split(","));
  const [head, ...rows] = tables[table];
  const [start, when, value] = ["variant", "epoch", y].map((column) => head.indexOf(column));
  return rows.filter((row) => row[start] === variant && +row[when] === epoch && row[value] !== "")
    .map((row) => +row[value]);
}
const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

// The vertical axis around those that end near the best one, from their first epoch on.
function top(name, shown, last) {
  const ends = shown.map((variant) => mean(values(name, variant, last)));
  const best = Math.max(...ends.filter(Number.isFinite));
  const near = shown.filter((_, i) => ends[i] >= best - TOP);
  const seen = near.flatMap((variant) => Array.from({ length: last }, (_, i) => values(name, variant, i + 1)).flat());
  const low = Math.max(best - TOP, Math.min(...seen, best));
  const high = Math.max(...seen, best);
  const margin = (high - low) / 20 || 0.01;
  return [Math.max(low - margin, 0), Math.min(high + margin, 1)];
}

function curves(figure) {
  const name = figure.dataset.curves;
  const [legend, plot, zoom] = [".legend", ".plot", ".zoom"].map((selector) => $(selector, figure));
  const radios = $$("[type=radio]", figure);
  const boxes = $$("[type=checkbox]", figure);
  const ofGroup = (group) => [...new Set([...study.groups[group], study.baseline])].filter(Boolean);
  const group = () => $("[type=radio]:checked", figure) ?? radios[0];
  let alone = [];
  let shown = ofGroup(group().value);

  const zoomed = () => zoom?.getAttribute("aria-pressed") === "true";
  function end(variant) {
    const { epochs, [figure.dataset.end]: words } = study.variants[variant];
    const last = reach(shown);
    const cut = last < epochs && mean(values(name, variant, last));
    if (!Number.isFinite(cut) || cut === false) return words;
    return `${(100 * cut).toFixed(2)} % after ${last} epoch${last === 1 ? "" : "s"}`;
  }
  // In its group a variant looks as everywhere; what is chosen across groups looks by its place.
  function looked() {
    const own = shown.filter((variant) => variant !== study.baseline);
    const together = Object.values(study.groups).some((group) => own.every((variant) => group.includes(variant)));
    return together ? {} : byPlace(shown);
  }
  function signals() {
    const span = zoomed() && shown.length ? top(name, shown, reach(shown)) : [0, 1];
    return { shown, alone, span };
  }
  function press() {
    legend.classList.toggle("alone", alone.length > 0);
    for (const button of $$("button", legend)) button.setAttribute("aria-pressed", alone.includes(button.dataset.variant));
    plot.setAttribute("aria-label", `${$("figcaption", figure).textContent}. At the end: ` +
      shown.map((variant) => `${study.variants[variant].label} ${end(variant)}`).join("; ") + ".");
  }
  function entries() {
    const look = looked();
    legend.replaceChildren(...shown.map((variant) => {
      const button = entry("button", variant, end(variant), look[variant]);
      button.type = "button";
      button.addEventListener("click", () => {
        alone = alone.includes(variant) ? [] : [variant];
        press();
        signal(name, { alone });
      });
      return button;
    }));
    press();
  }
  async function choose(variants, standing = []) {
    shown = variants;
    alone = standing;
    for (const box of boxes) box.checked = shown.includes(box.value);
    entries();
    await signal(name, { looks: looks(looked()), ...signals() });
  }
  const byGroup = () => choose(ofGroup(group().value));
  function byHand(variants, standing) {
    for (const radio of radios) radio.checked = false;
    return choose(variants, standing);
  }
  for (const radio of radios) radio.addEventListener("change", byGroup);
  for (const box of boxes) {
    box.addEventListener("change", () => byHand(boxes.filter((one) => one.checked).map((one) => one.value)));
  }
  zoom?.addEventListener("click", () => {
    zoom.setAttribute("aria-pressed", !zoomed());
    signal(name, signals());
  });
  // A group that has them all, with these standing out; else these alone.
  show[figure.id] = (variants) => {
    const radio = radios.find((one) => variants.every((variant) => ofGroup(one.value).includes(variant)));
    if (!radio) return byHand(variants, []);
    radio.checked = true;
    const all = ofGroup(radio.value);
    return choose(all, variants.length < all.length ? variants : []);
  };
  return async () => {
    await draw(name, signals(), looked());
    await choose(shown, alone);
  };
}

// A chart of curves by epoch, with groups of variants, a legend, and a zoom.

const TOP = 0.1; // accuracy below the best end that the zoom shows

const mean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
const withBaseline = (group) => [...new Set([...study.groups[group], study.baseline])].filter(Boolean);

// A table's head and rows.
const parsed = {};
const rowsOf = (table) => (parsed[table] ??= study.tables[table].trim().split("\n").map((line) => line.split(",")));

// The values of a variant at an epoch, one for each seed.
function valuesAt(name, variant, epoch) {
  const { table, y } = study.charts[name], [head, ...rows] = rowsOf(table);
  const [own, when, value] = ["variant", "epoch", y].map((column) => head.indexOf(column));
  return rows.filter((row) => row[own] === variant && +row[when] === epoch && row[value] !== "")
    .map((row) => +row[value]);
}

// The range of the vertical axis around the variants that end near the best one, after epoch 1.
function topRange(name, shown, last) {
  const ends = shown.map((variant) => mean(valuesAt(name, variant, last)));
  const best = Math.max(...ends.filter(Number.isFinite));
  const near = shown.filter((_, i) => ends[i] >= best - TOP);
  const epochs = Array.from({ length: last }, (_, i) => i + 1);
  const values = near.flatMap((variant) => epochs.flatMap((epoch) => valuesAt(name, variant, epoch)));
  const low = Math.max(best - TOP, Math.min(...values, best)), high = Math.max(...values, best);
  const margin = (high - low) / 20 || 0.01;
  return [Math.max(low - margin, 0), Math.min(high + margin, 1)];
}

class Curves {
  constructor(figure) {
    Object.assign(this, { figure, name: figure.dataset.curves, alone: [] });
    [this.legend, this.zoom] = [$(".legend", figure), $(".zoom", figure)];
    this.radios = $$("[type=radio]", figure);
    this.boxes = $$("[type=checkbox]", figure);
    this.shown = withBaseline(this.radios.find((radio) => radio.checked)?.value ?? this.radios[0].value);
    figure.addEventListener("change", ({ target }) => {
      if (target.type === "radio") this.show(withBaseline(target.value));
      else this.showByHand(this.boxes.filter((box) => box.checked).map((box) => box.value));
    });
    $(".clear", figure).addEventListener("click", () => this.showByHand([]));
    this.zoom?.addEventListener("click", () => {
      this.zoom.setAttribute("aria-pressed", !this.zoomed());
      setSignals(this.name, this.signals());
    });
    highlight[figure.id] = (variants) => this.highlight(variants);
  }

  zoomed() {
    return this.zoom?.getAttribute("aria-pressed") === "true";
  }

  signals() {
    const { name, shown, alone } = this;
    return { shown, alone, span: this.zoomed() && shown.length ? topRange(name, shown, lastOf(shown)) : [0, 1] };
  }

  // A variant has the same look in every chart of its group; across groups it has one by its place.
  looks() {
    const own = this.shown.filter((variant) => variant !== study.baseline);
    const together = Object.values(study.groups).some((group) => own.every((variant) => group.includes(variant)));
    return together ? {} : looksByPlace(this.shown);
  }

  // The value of a variant at the end, or where its curve is cut.
  ending(variant) {
    const { epochs, [this.figure.dataset.end]: text } = study.variants[variant];
    const last = lastOf(this.shown), cut = last < epochs ? mean(valuesAt(this.name, variant, last)) : NaN;
    return Number.isFinite(cut) ? `${(100 * cut).toFixed(2)} % after ${last} epoch${last === 1 ? "" : "s"}` : text;
  }

  showLegend() {
    const looks = this.looks();
    this.legend.replaceChildren(...this.shown.map((variant) => {
      const button = legendEntry("button", variant, this.ending(variant), looks[variant]);
      button.addEventListener("click", () => {
        this.alone = this.alone.includes(variant) ? [] : [variant];
        this.pressButtons();
        setSignals(this.name, { alone: this.alone });
      });
      return button;
    }));
    this.pressButtons();
    $(".plot", this.figure).setAttribute("aria-label", `${$("figcaption", this.figure).textContent}. At the end: ` +
      this.shown.map((variant) => `${labelOf(variant)} ${this.ending(variant)}`).join("; ") + ".");
  }

  pressButtons() {
    this.legend.classList.toggle("alone", this.alone.length > 0);
    for (const button of $$("button", this.legend)) {
      button.setAttribute("aria-pressed", this.alone.includes(button.dataset.variant));
    }
  }

  async show(variants, alone = []) {
    Object.assign(this, { shown: variants, alone });
    for (const box of this.boxes) box.checked = variants.includes(box.value);
    this.showLegend();
    await setSignals(this.name, { looks: coloredLooks(this.looks()), ...this.signals() });
  }

  showByHand(variants) {
    for (const radio of this.radios) radio.checked = false;
    return this.show(variants);
  }

  // Show a group that has all these variants, and highlight them in it; without such a group, show
  // them alone.
  highlight(variants) {
    const radio = this.radios.find(({ value }) => variants.every((variant) => withBaseline(value).includes(variant)));
    if (!radio) return this.showByHand(variants);
    radio.checked = true;
    const all = withBaseline(radio.value);
    return this.show(all, variants.length < all.length ? variants : []);
  }

  async draw() {
    await draw(this.name, this.signals(), this.looks());
    await this.show(this.shown, this.alone);
  }
}

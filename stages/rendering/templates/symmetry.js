// Pictures of the first layer's units at the slider's epoch, and the charts of their symmetry.

const CHARTS = { units: "Distinct units", symmetry: "Symmetry gap" };
const FRAME = 900; // milliseconds

const filmOf = (picker) => study.films.variants[picker.value];
const afterEpoch = (epoch) => (epoch === 0 ? "before training" : `after epoch ${epoch}`);

function captionOf({ distinct, width, relative, twins, scale }, frame, ended) {
  const count = distinct[frame.epoch];
  const colors = relative ? "differences from the mean of these units, up to" : "up to";
  return `${frame.alt}, ${afterEpoch(frame.epoch)}${ended ? ", where its training ended" : ""}. ` +
    `${count} of the first layer’s ${width} units ${count === 1 ? "is" : "are"} distinct.` +
    (twins ? " Equal units are next to each other." : "") +
    (scale === "0" ? "" : ` Colours, for all epochs: ${colors} ±${scale}.`);
}

class Films {
  constructor(slider) {
    Object.assign(this, { slider, pickers: $$("[data-film]"), play: $("#play"), timer: null });
    slider.addEventListener("input", () => { this.pause(); this.showFrames(); });
    for (const picker of this.pickers) picker.addEventListener("change", () => queue(() => this.show()));
    this.play.addEventListener("click", () => (this.timer ? this.pause() : this.start()));
    highlight.films = (variants) => this.highlight(variants);
  }

  epochs() {
    const all = this.pickers.flatMap((picker) => filmOf(picker).frames.map(({ epoch }) => epoch));
    return [...new Set(all)].sort((a, b) => a - b);
  }

  epoch() {
    const epochs = this.epochs();
    return epochs[Math.min(this.slider.value, epochs.length - 1)];
  }

  textAt(epoch) {
    return afterEpoch(epoch) + (epoch === 0 ? "" : ` of ${this.epochs().pop()}`);
  }

  showFrames() {
    const epoch = this.epoch(), text = this.textAt(epoch);
    $(".slider output").textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    for (const picker of this.pickers) {
      // A variant with a shorter training stays at its last picture.
      const film = filmOf(picker), frame = film.frames.filter((one) => one.epoch <= epoch).pop();
      const figure = picker.closest("figure");
      const alt = `Weights of ${labelOf(picker.value)} ${afterEpoch(frame.epoch)}: ${frame.alt}`;
      Object.assign($("img", figure), { src: study.films.images[frame.image], alt });
      $("figcaption", figure).textContent = captionOf(film, frame, frame.epoch < epoch);
    }
    for (const name in CHARTS) setSignals(name, { marked: epoch });
  }

  // A tick for every picture.
  showTicks() {
    const epochs = this.epochs();
    this.slider.max = epochs.length - 1;
    $(".ticks").replaceChildren(...epochs.map((epoch) =>
      Object.assign(document.createElement("span"), { textContent: epoch })));
  }

  async show() {
    const shown = [...new Set(this.pickers.map((picker) => picker.value))];
    showFixedLegend($("#figure-why_stuck .legend"), shown);
    this.showTicks();
    for (const [name, title] of Object.entries(CHARTS)) {
      const label = `${title} by epoch of ${shown.map(labelOf).join(" and ")}`;
      $(`[data-chart="${name}"]`).setAttribute("aria-label", label);
      await draw(name, { shown, marked: this.epoch() }, looksByPlace(shown));
    }
    this.showFrames();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
  }

  start() {
    const { slider } = this;
    if (slider.value === slider.max) slider.value = 0;
    this.showFrames();
    this.play.textContent = "Pause";
    this.timer = setInterval(() => {
      slider.value = +slider.value + 1;
      this.showFrames();
      if (slider.value === slider.max) this.pause();
    }, FRAME);
  }

  // A single variant is shown next to the baseline.
  highlight(variants) {
    const pictured = [...variants, study.baseline].filter((variant) => variant in study.films.variants);
    pictured.slice(0, this.pickers.length).forEach((variant, i) => { this.pickers[i].value = variant; });
    return this.show();
  }
}

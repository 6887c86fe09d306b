// Pictures of the first layer's units, and the charts of how they come apart.

function symmetry() {
  const slider = $("#epoch");
  if (!slider) return null;
  const output = $(".slider output");
  const pickers = $$("[data-film]");
  const play = $("#play");
  const film = (picker) => study.films.variants[picker.value];
  const epochs = () => [...new Set(pickers.flatMap((picker) => film(picker).frames.map((frame) => frame.epoch)))]
    .sort((a, b) => a - b);
  const shownEpoch = () => epochs()[Math.min(slider.value, epochs().length - 1)];
  const when = (epoch) => (epoch === 0 ? "before training" : `after epoch ${epoch}`);
  const said = (epoch) => when(epoch) + (epoch === 0 ? "" : ` of ${epochs().pop()}`);
  let timer = null;

  function caption({ distinct, width, relative, twins, scale }, frame, ended) {
    const count = distinct[frame.epoch];
    const colours = relative ? "differences from the mean of these units, up to" : "up to";
    return `${frame.alt}, ${when(frame.epoch)}${ended ? ", where its training ended" : ""}. ` +
      `${count} of the first layer’s ${width} units ${count === 1 ? "is" : "are"} distinct.` +
      (twins ? " Equal units stand side by side." : "") +
      (scale === "0" ? "" : ` Colours, for all epochs: ${colours} ±${scale}.`);
  }
  function frame() {
    const epoch = shownEpoch();
    const words = said(epoch);
    output.textContent = words;
    slider.setAttribute("aria-valuetext", words);
    for (const picker of pickers) {
      const { frames } = film(picker);
      // A start that was trained for fewer epochs stays at its last picture.
      const shown = frames.filter((one) => one.epoch <= epoch).pop();
      const figure = picker.closest("figure");
      const alt = `Weights of ${study.variants[picker.value].label} ${when(shown.epoch)}: ${shown.alt}`;
      Object.assign($("img", figure), { src: study.films.images[shown.image], alt });
      $("figcaption", figure).textContent = caption(film(picker), shown, shown.epoch < epoch);
    }
    for (const name of ["units", "symmetry"]) signal(name, { marked: epoch });
  }
  // A tick for every picture that there is. The words' places are as large as the longest ones
  // need, so that nothing jumps.
  function stops() {
    slider.max = epochs().length - 1;
    output.style.minWidth = `${Math.max(...epochs().map((epoch) => said(epoch).length))}ch`;
    $(".ticks").replaceChildren(...epochs().map((epoch) => {
      const tick = document.createElement("span");
      tick.textContent = epoch;
      return tick;
    }));
    for (const picker of pickers) {
      const words = $("figcaption", picker.closest("figure"));
      words.style.minHeight = "";
      const heights = film(picker).frames.map((one, i, { length }) => {
        words.textContent = caption(film(picker), one, i === length - 1 && one.epoch < epochs().pop());
        return words.offsetHeight;
      });
      words.style.minHeight = `${Math.max(...heights)}px`;
    }
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  async function choose() {
    const shown = [...new Set(pickers.map((picker) => picker.value))];
    still($("#figure-why_stuck .legend"), shown);
    stops();
    for (const [name, what] of [["units", "Distinct units"], ["symmetry", "Symmetry gap"]]) {
      $(`[data-chart="${name}"]`).setAttribute("aria-label",
        `${what} by epoch of ` + shown.map((variant) => study.variants[variant].label).join(" and "));
      await draw(name, { shown, marked: shownEpoch() }, byPlace(shown));
    }
    frame();
  }
  slider.addEventListener("input", () => { stop(); frame(); });
  for (const picker of pickers) picker.addEventListener("change", () => queue(choose));
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    frame();
    play.textContent = "Pause";
    timer = setInterval(() => {
      slider.value = +slider.value + 1;
      frame();
      if (slider.value === slider.max) stop();
    }, 900);
  });
  // One start stands beside the baseline, where it is another.
  show.films = (variants) => {
    const pictured = [...variants, study.baseline].filter((variant) => variant in study.films.variants);
    pictured.slice(0, pickers.length).forEach((variant, i) => { pickers[i].value = variant; });
    return choose();
  };
  return choose;
}

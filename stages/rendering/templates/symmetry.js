// Pictures of the first layer's units at the slider's epoch, and the charts of their symmetry.

const CHARTS = { units: "Distinct units", symmetry: "Symmetry gap" };
const FRAME = 900; // milliseconds
const slider = $("#epoch"), pickers = $$("[data-film]"); // none in a study without pictures
let playing = null; // a timer

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

function epochsOfFilms() {
  const all = pickers.flatMap((picker) => filmOf(picker).frames.map(({ epoch }) => epoch));
  return [...new Set(all)].sort((a, b) => a - b);
}

function epochOfSlider() {
  const epochs = epochsOfFilms();
  return epochs[Math.min(slider.value, epochs.length - 1)];
}

function showFrames() {
  const epoch = epochOfSlider();
  const text = afterEpoch(epoch) + (epoch === 0 ? "" : ` of ${epochsOfFilms().pop()}`);
  $(".slider output").textContent = text;
  slider.setAttribute("aria-valuetext", text);
  for (const picker of pickers) {
    // A variant with a shorter training stays at its last picture.
    const film = filmOf(picker), frame = film.frames.filter((one) => one.epoch <= epoch).pop();
    const figure = picker.closest("figure");
    const alt = `Weights of ${labelOf(picker.value)} ${afterEpoch(frame.epoch)}: ${frame.alt}`;
    Object.assign($("img", figure), { src: study.films.images[frame.image], alt });
    $("figcaption", figure).textContent = captionOf(film, frame, frame.epoch < epoch);
  }
  for (const name in CHARTS) setSignals(name, { marked: epoch });
}

async function showFilms() {
  const shown = [...new Set(pickers.map((picker) => picker.value))], epochs = epochsOfFilms();
  showFixedLegend($("#figure-why_stuck .legend"), shown);
  slider.max = epochs.length - 1;
  $(".ticks").replaceChildren(...epochs.map((epoch) =>
    Object.assign(document.createElement("span"), { textContent: epoch })));
  for (const [name, title] of Object.entries(CHARTS)) {
    const label = `${title} by epoch of ${shown.map(labelOf).join(" and ")}`;
    $(`[data-chart="${name}"]`).setAttribute("aria-label", label);
    await draw(name, { shown, marked: epochOfSlider() }, looksByPlace(shown));
  }
  showFrames();
}

function pauseFilms() {
  clearInterval(playing);
  playing = null;
  $("#play").textContent = "Play";
}

function playFilms() {
  if (slider.value === slider.max) slider.value = 0;
  showFrames();
  $("#play").textContent = "Pause";
  playing = setInterval(() => {
    slider.value = +slider.value + 1;
    showFrames();
    if (slider.value === slider.max) pauseFilms();
  }, FRAME);
}

// A single variant is shown next to the baseline.
function highlightFilms(variants) {
  const pictured = [...variants, study.baseline].filter((variant) => variant in study.films.variants);
  pictured.slice(0, pickers.length).forEach((variant, i) => { pickers[i].value = variant; });
  return showFilms();
}

function startFilms() {
  slider.addEventListener("input", () => { pauseFilms(); showFrames(); });
  for (const picker of pickers) picker.addEventListener("change", () => queue(showFilms));
  $("#play").addEventListener("click", () => (playing ? pauseFilms() : playFilms()));
  highlight.films = highlightFilms;
}

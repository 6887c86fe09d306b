// The page's other parts, and the order in which all is drawn.

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
    if (words.length) body.closest("details").open = true;
    count.textContent = left ? `${left} of ${rows.length}` : "No start has all of these words.";
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

// On a phone a long table is one line until it is wanted.
const phone = matchMedia("(max-width: 48rem)");
function fold() {
  for (const one of $$(".fold")) one.open = !phone.matches;
}
phone.addEventListener("change", fold);

// A link opens what it leads to: a word, or a claim and its reason.
function reach() {
  const place = document.getElementById(location.hash.slice(1));
  const closed = [place?.closest("details"), place?.querySelector("details")].filter((one) => one && !one.open);
  for (const one of closed) one.open = true;
  if (closed.length) place.scrollIntoView({ behavior: "instant" });
}
addEventListener("hashchange", reach);

// -------------------------------------------------------------------------------- beginning

table();
fold();
reach();
tryAStart();
const redraw = [drawTried, ...$$("[data-curves]").map(curves), symmetry()].filter(Boolean);
const maps = Object.keys(study.charts).filter((name) => name.startsWith("map_"));
for (const name of ["who_moved", ...maps, "final_accuracy"]) redraw.push(() => draw(name));
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

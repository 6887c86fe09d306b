// The table of variants, downloads, folded parts, links, and the order in which all is drawn.

// ------------------------------------------------------------------------- table, downloads

function sortTable(head, rows) {
  const column = head.cellIndex, ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const value = (row) => row.children[column].dataset.value;
  const empty = (row) => value(row) === "nan"; // at the end in either order
  const compare = (a, b) => (Number.isNaN(a - b) ? a.localeCompare(b) : a - b);
  rows.sort((a, b) => empty(a) - empty(b) || (ascending ? 1 : -1) * compare(value(a), value(b)));
  $("#all-variants tbody").append(...rows);
}

function filterTable(rows) {
  const words = $("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    // Words of the row begin with the given ones: "he" finds He, and not "the".
    const own = row.textContent.toLowerCase().split(/[\s,():]+/);
    row.hidden = !words.every((word) => own.some((one) => one.startsWith(word)));
  }
  if (words.length) $("#all-variants").closest("details").open = true;
  const left = rows.filter((row) => !row.hidden).length;
  $("output[for=filter]").textContent = left ? `${left} of ${rows.length}` : "No variant matches all of these words.";
}

function startTable() {
  const rows = $$("#all-variants tbody tr");
  for (const head of $$("#all-variants thead th")) {
    $("button", head).addEventListener("click", () => sortTable(head, rows));
  }
  $("#filter").addEventListener("input", () => filterTable(rows));
  filterTable(rows);
}

// A question is found by words in it or in its answer, and shown with its topic.
function filterQuestions() {
  // γ is typed as gamma, and N(0, 1) and 5 % without their space; an address is found, too.
  const plain = (text) => text.toLowerCase().replaceAll("γ", "gamma").replaceAll("σ", "sigma").replaceAll(/[μµ]/g, "mu")
    .replaceAll(/,\s+/g, ",").replaceAll(/\s+%/g, "%");
  const words = plain($("#question").value).split(/[\s=?]+/).filter(Boolean);
  const questions = $$("details.question");
  for (const one of questions) one.hidden = !words.every((word) => plain(one.textContent + $("a", one).href).includes(word));
  for (const topic of $$(".topic")) topic.hidden = !$("details:not([hidden])", topic);
  const left = questions.filter((one) => !one.hidden).length;
  $("output[for=question]").textContent = left ? `${left} of ${questions.length}` : "No question has all of these words.";
}
$("#question")?.addEventListener("input", filterQuestions);

function download(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}
for (const button of $$("[data-csv]")) {
  const name = button.dataset.csv;
  button.addEventListener("click", () => download(`${name}.csv`, study.tables[name]));
}

// -------------------------------------------------------------------------- folds and links

// On a phone a long table is folded.
const phone = matchMedia("screen and (max-width: 48rem)");
function fold() {
  for (const one of $$(".fold")) one.open = !phone.matches;
}
phone.addEventListener("change", fold);

// On paper all parts are open.
let opened = [];
addEventListener("beforeprint", () => {
  opened = $$("main details:not([open], .choose)");
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});

// A link to a word or a claim opens it, and all around it.
function unfold() {
  const place = document.getElementById(location.hash.slice(1));
  const closed = $$("details:not([open])").filter((one) => one.contains(place));
  for (const one of closed) one.open = true;
  if (closed.length) place.scrollIntoView({ behavior: "instant" });
}
addEventListener("hashchange", unfold);

// A link from a claim to a chart highlights the claim's variants there.
function followLinks() {
  for (const link of $$("a[data-about]")) {
    const variants = link.dataset.about.split(" ").filter(Boolean), place = link.hash.slice(1);
    if (!variants.length || !highlight[place]) continue;
    link.addEventListener("click", () => queue(async () => {
      await highlight[place](variants);
      document.getElementById(place).scrollIntoView(); // drawing may have held up the browser's own
    }));
  }
}

// -------------------------------------------------------------------------------- beginning

startTable();
startComparing();
fold();
unfold();
const redraw = [];
if (study.trying) { // the form is about MNIST's images
  startTrying();
  redraw.push(drawTried);
}
for (const figure of $$("[data-curves]")) {
  const curves = new Curves(figure);
  redraw.push(() => curves.draw());
}
if (slider) {
  startFilms();
  redraw.push(showFilms);
}
for (const name of Object.keys(study.charts).filter((name) => name.startsWith("map_"))) redraw.push(() => draw(name));
for (const name of ["who_moved", "final_accuracy"]) {
  let about = [];
  redraw.push(() => draw(name, { about }));
  highlight[`figure-${name}`] = (variants) => setSignals(name, { about: about = variants });
}
for (const legend of $$("[data-legend]")) {
  const name = legend.dataset.legend, { shown } = study.charts[name];
  redraw.push(() => {
    showFixedLegend(legend, shown);
    return draw(name, { shown }, looksByPlace(shown));
  });
}
followLinks();

function drawAll() {
  for (const one of redraw) queue(one);
  const screen = `${dark.matches ? "dark" : "light"} ${narrow.matches ? "narrow" : "wide"}`;
  queue(() => { document.documentElement.dataset.drawn = screen; });
}
// Text is painted before charts are drawn.
requestAnimationFrame(() => setTimeout(drawAll));
dark.addEventListener("change", drawAll);
narrow.addEventListener("change", drawAll);

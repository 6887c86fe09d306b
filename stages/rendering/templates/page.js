// The page's other parts, and the order in which all is drawn.

// ------------------------------------------------------------------------- table, downloads

function table() {
  const body = $("#all-variants tbody");
  const rows = $$("tr", body);
  const heads = $$("#all-variants thead th");
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
function unfold() {
  const place = document.getElementById(location.hash.slice(1));
  const closed = [place?.closest("details"), place?.querySelector(":scope > td details")].filter((one) => one && !one.open);
  for (const one of closed) one.open = true;
  if (closed.length) place.scrollIntoView({ behavior: "instant" });
}
addEventListener("hashchange", unfold);

// -------------------------------------------------------------------------------- beginning

table();
fold();
unfold();
tryAStart();
const redraw = [drawTried, ...$$("[data-curves]").map(curves), symmetry()].filter(Boolean);
const maps = Object.keys(study.charts).filter((name) => name.startsWith("map_"));
for (const name of maps) redraw.push(() => draw(name));
for (const name of ["who_moved", "final_accuracy"]) {
  let about = [];
  redraw.push(() => draw(name, { about }));
  show[`figure-${name}`] = (variants) => signal(name, { about: about = variants });
}
for (const legend of $$("[data-legend]")) {
  const name = legend.dataset.legend;
  const { shown } = study.charts[name];
  redraw.push(() => {
    still(legend, shown);
    return draw(name, { shown }, byPlace(shown));
  });
}

// A link from a claim to a chart shows there what the claim is about.
for (const link of $$("a[data-about]")) {
  const variants = link.dataset.about.split(" ").filter(Boolean);
  const place = link.hash.slice(1);
  if (!variants.length || !show[place]) continue;
  link.addEventListener("click", () => queue(async () => {
    await show[place](variants);
    document.getElementById(place).scrollIntoView(); // where drawing has held the browser up
  }));
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

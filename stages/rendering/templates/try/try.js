// "Try an initialization": the worker that trains, the runs so far, and the form's buttons.

const KEPT = study.looks.length; // runs that are drawn together

// A run has a setup, its points so far, and its look. The worker trains the current one.
let runs = [], current = { setup: standard }, worker = null, latest = null, count = 0;
const images = unpacked(trying.images);
const post = (message) => worker?.postMessage(message);

async function startWorker() {
  const bytes = await images;
  if (worker) return;
  const address = URL.createObjectURL(new Blob([$("#worker").textContent], { type: "text/javascript" }));
  worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => data.id === current.id && showReport(data);
  const [train, test] = trying.counts, area = SIDE ** 2, labels = bytes.slice((train + test) * area);
  post({ images: {
    train: { pixels: bytes.slice(0, train * area), labels: labels.slice(0, train) },
    test: { pixels: bytes.slice(train * area, (train + test) * area), labels: labels.slice(train) },
  } });
  begin(current.setup);
}

// Begin a run. It takes the place of a run with the same setup, whose curve it draws again, point
// by point, and of runs without a step.
function begin(setup) {
  const same = runs.find((run) => addressOf(run.setup) === addressOf(setup));
  runs = runs.filter((run) => run !== same && run.points.length > 1).slice(1 - KEPT);
  const look = study.looks.find(({ color }) => !runs.some((run) => run.look.color === color));
  current = { setup, points: [], look, label: nameOf(setup), ...same, id: ++count };
  runs.push(current);
  const { sizes, batch, steps } = trying;
  post({ begin: { ...setup, sizes, batch, steps, id: current.id } });
}

function showReport(report) {
  const last = current.points.at(-1)?.step ?? -1;
  current.points.push(...report.points.filter(({ step }) => step > last));
  latest = report;
  $("#run").textContent = report.running ? "Pause" : report.step ? "Continue" : "Train";
  $("#reset").disabled = report.step === 0;
  showLayers(report);
  showPicture();
  // During training it changes too often to be read aloud.
  $("#status").setAttribute("aria-live", report.running ? "off" : "polite");
  $("#status").textContent = statusOf(report, current.setup);
  if (report.points.length) showCurves();
}

// Set up a run, in the form and at an address, too.
function tryOut(setup, separately) {
  showError(null);
  begin(setup);
  showControls(setup, separately);
  showLegend();
  $("#share").href = addressOf(setup);
  history.replaceState(null, "", addressOf(setup));
  startWorker();
}

function attempt(setup, separately) {
  try {
    tryOut(setup(), separately);
  } catch (error) {
    showError(error);
  }
}

function readAddress() {
  if (!location.hash.startsWith("#try=")) return;
  attempt(() => setupAt(location.hash));
  $("#try").scrollIntoView();
}

// A link from the table of variants to every variant that can be tried.
function addLinks() {
  for (const [name, variant] of Object.entries(trying.variants)) {
    const link = Object.assign(document.createElement("a"), { textContent: "Try it", className: "try-it" });
    link.href = addressOf({ ...standard, ...variant });
    link.setAttribute("aria-label", `Try ${labelOf(name)}`);
    $(`#variant-${CSS.escape(name)} th`).append(link);
  }
}

function startTrying() {
  addLinks();
  showControls(standard);
  $("#status").textContent = "Loading the images …";
  form.addEventListener("change", ({ target }) => {
    if (target.name === "each") showLayerRows();
    else attempt(() => changed(current.setup, target), target.name !== "preset" && form.elements.each.checked);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await startWorker();
    post({ run: !latest?.running });
  });
  $("#step").addEventListener("click", async () => { await startWorker(); post({ step: true }); });
  $("#reset").addEventListener("click", () => tryOut(current.setup, form.elements.each.checked));
  for (const radio of $$("[name=shown]")) radio.addEventListener("change", showPicture);
  addEventListener("hashchange", readAddress);
  new IntersectionObserver(([{ isIntersecting }]) => { if (isIntersecting) startWorker(); },
    { rootMargin: "300px" }).observe($("#try"));
  readAddress();
}

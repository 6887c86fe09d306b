// "Try a start": the worker that trains, the starts tried so far, and what its buttons do.

const KEPT = study.looks.length; // starts that are drawn beside each other
const TALK = 8000; // milliseconds between two sentences read aloud while it trains

// Every start tried: its setup, its points so far, its look. The worker trains the current one.
let runs = [], current = { setup: first }, worker = null, seen = null, count = 0;
const images = unpacked(trying.images);
const tell = (message) => worker?.postMessage(message);

async function wake() {
  const bytes = await images;
  if (worker) return;
  const address = URL.createObjectURL(new Blob([$("#worker").textContent], { type: "text/javascript" }));
  worker = new Worker(address);
  URL.revokeObjectURL(address);
  worker.onmessage = ({ data }) => data.id === current.id && report(data);
  const [train, test] = trying.counts, area = PIXEL ** 2;
  const [pixels, labels] = [bytes.slice(0, (train + test) * area), bytes.slice((train + test) * area)];
  tell({ data: {
    train: { pixels: pixels.subarray(0, train * area), labels: labels.subarray(0, train) },
    test: { pixels: pixels.subarray(train * area), labels: labels.subarray(train) },
  } });
  begin(current.setup);
}

function sleep() {
  worker?.terminate();
  worker = null;
}

// Begin a start anew, or for the first time: in the place of the same one, whose curve it will draw
// again, point by point, or of one that has not taken a step.
function begin(setup) {
  const key = written(setup);
  const again = runs.find((run) => written(run.setup) === key);
  runs = runs.filter((run) => run !== again && run.points.length > 1).slice(1 - KEPT);
  const look = study.looks.find(({ color }) => !runs.some((run) => run.look.color === color));
  current = { setup, points: [], look, label: called(setup), ...again, id: ++count };
  runs.push(current);
  const { lr, ...rest } = setup;
  tell({ begin: { ...rest, rate: lr, sizes: trying.sizes, batch: trying.batch, steps: trying.steps, id: current.id } });
}

function report(told) {
  const turned = seen?.id !== told.id || seen.running !== told.running;
  const last = current.points.at(-1)?.step ?? -1;
  current.points.push(...told.points.filter(({ step }) => step > last));
  seen = told;
  $("#run").textContent = told.running ? "Pause" : told.step ? "Go on" : "Start";
  $("#reset").disabled = told.step === 0;
  showLayers(told.layers);
  showPicture();
  const words = sentence(told, current.setup, current.points);
  $("#telling").textContent = words;
  speak(words, turned);
  if (told.points.length) showCurves();
}

let spoken = 0;
function speak(words, now) {
  if (!now && performance.now() < spoken + TALK) return;
  spoken = performance.now();
  $("#spoken").textContent = words;
}

function change(setup) {
  refuse(null);
  begin(setup);
  showControls(setup);
  legendOfRuns();
  const key = `#try=${written(setup)}`;
  $("#share").href = key;
  history.replaceState(null, "", key);
  wake();
}

// From an address like #try=fc1.weight:zeros.
function restore() {
  if (!location.hash.startsWith("#try=")) return;
  try {
    change(read(decoded(location.hash.slice(5))));
  } catch (error) {
    refuse(error);
  }
  $("#try").scrollIntoView();
}

// A way from the table of all starts to each that can be tried.
function linkStarts() {
  for (const [name, start] of Object.entries(trying.variants)) {
    const link = Object.assign(document.createElement("a"), { textContent: "Try it", className: "try-it" });
    link.href = `#try=${written({ ...start, seed: first.seed })}`;
    link.setAttribute("aria-label", `Try ${study.variants[name].label}`);
    $(`#variant-${CSS.escape(name)} th`).append(link);
  }
}

function tryAStart() {
  linkStarts();
  buildControls();
  showControls(first);
  form.addEventListener("change", ({ target }) => {
    if (target.name === "each") return showLayerRows();
    try {
      change(chosen(target));
    } catch (error) {
      refuse(error);
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await wake();
    tell({ run: !seen?.running });
  });
  $("#step").addEventListener("click", async () => { await wake(); tell({ step: true }); });
  $("#reset").addEventListener("click", () => change(current.setup));
  for (const radio of $$("[name=shown]")) radio.addEventListener("change", showPicture);
  addEventListener("hashchange", restore);
  addEventListener("pagehide", sleep);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) wake(); });
  new IntersectionObserver(([{ isIntersecting }]) => { if (isIntersecting) wake(); }, { rootMargin: "300px" })
    .observe($("#try"));
  restore();
}

// The controls of "Try a start": what they show of a setup, and the setup that they tell.

const form = $("#setup");

function fillControls(place, label, tensor, options) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", label);
  select.dataset.tensor = tensor;
  for (const law of options) select.add(new Option(law ? FILLS[law].words : "mixed", law));
  const numbers = document.createElement("span");
  place.append(select, numbers);
  return place;
}

// The numbers that a law takes, beside its name.
function showFill(select, [law, ...numbers]) {
  select.value = law;
  const fields = Object.keys(FILLS[law]?.numbers ?? {}).map((name, i) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "text", inputMode: "decimal", value: numbers[i], size: 8 });
    input.setAttribute("aria-label", `${name}: ${select.getAttribute("aria-label")}`);
    label.append(`${name} `, input);
    return label;
  });
  select.nextElementSibling.replaceChildren(...fields);
}

function buildControls() {
  const rows = [["all", "all layers"], ...names.map((name) => [name, name])].map(([layer, words]) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: words });
    const cells = ["weight", "bias"].map((kind) => {
      const cell = document.createElement("td");
      cell.dataset.label = kind === "weight" ? "Weights" : "Biases";
      const options = lawsOf(`${names[0]}.${kind}`);
      const label = `${kind === "weight" ? "Weights" : "Biases"} of ${words}`;
      return fillControls(cell, label, `${layer}.${kind}`, layer === "all" ? ["", ...options] : options);
    });
    row.append(head, ...cells);
    return row;
  });
  $(".fills tbody").replaceChildren(...rows);
}

function showControls(setup) {
  const kinds = ["weight", "bias"];
  const alike = Object.fromEntries(kinds.map((kind) => [kind, names.every((name) =>
    same(setup.fills[`${name}.${kind}`], setup.fills[`${names[0]}.${kind}`]))]));
  if (!alike.weight || !alike.bias) form.elements.each.checked = true;
  showLayerRows();
  for (const select of $$("[data-tensor]")) {
    const [layer, kind] = select.dataset.tensor.split(".");
    const name = layer === "all" ? names[0] : layer;
    showFill(select, layer === "all" && !alike[kind] ? [""] : setup.fills[`${name}.${kind}`]);
  }
  for (const key of ["activation", "optimizer", "lr", "seed"]) form.elements[key].value = setup[key];
  form.elements.preset.value = preset(setup) ?? "";
}

// Layers one by one, where that is wanted or needed.
function showLayerRows() {
  $$(".fills tbody tr").slice(1).forEach((row) => { row.hidden = !form.elements.each.checked; });
}

// A number as people write it: 0.1, 1e-6, 10^-6, 10⁻⁶, 0,1.
function numberOf(text) {
  const plain = text.trim().replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (one) => "-0123456789"["⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(one)])
    .replace(",", ".").replace("−", "-");
  const power = /^(?:(.+?)\s*[·*x]\s*)?10\^?(-\d+)$/.exec(plain);
  return power ? Number(power[1] ?? 1) * 10 ** Number(power[2]) : Number(plain || NaN);
}

function numberIn(input) {
  const number = numberOf(input.value);
  const [name, place] = (input.getAttribute("aria-label") ?? "").split(": ");
  input.setAttribute("aria-invalid", !Number.isFinite(number));
  if (!Number.isFinite(number)) throw Error(`${name} (${place.toLowerCase()}): “${input.value}” is not a number; write it like 0.01 or 1e-6.`);
  return number;
}

// What the controls say, after one of them changed.
function chosen(changed) {
  if (changed.name === "preset") {
    if (!changed.value) return current.setup;
    return { ...first, ...structuredClone(trying.variants[changed.value]), seed: current.setup.seed };
  }
  const setup = structuredClone(current.setup);
  for (const key of ["activation", "optimizer"]) setup[key] = form.elements[key].value;
  for (const key of ["lr", "seed"]) setup[key] = Number(form.elements[key].value || NaN);
  const cell = changed.closest("td");
  if (!cell) return checked(setup);
  const select = $("select", cell), [layer, kind] = select.dataset.tensor.split(".");
  const law = select.value;
  if (!law) return setup;
  const given = changed === select ? Object.values(FILLS[law].numbers ?? {})
    : $$("input", cell).map(numberIn);
  for (const name of layer === "all" ? names : [layer]) setup.fills[`${name}.${kind}`] = [law, ...given];
  return checked(setup);
}

function refuse(error) {
  $("#refused").textContent = error?.message ?? "";
  $("#refused").hidden = !error;
  for (const button of ["#run", "#step"]) $(button).disabled = Boolean(error);
}

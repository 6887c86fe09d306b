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
  for (const select of $$("[data-tensor]")) {
    const [layer, kind] = select.dataset.tensor.split(".");
    const own = names.map((name) => setup.fills[`${name}.${kind}`]);
    const alike = own.every((fill) => same(fill, own[0]));
    showFill(select, layer !== "all" ? setup.fills[select.dataset.tensor] : alike ? own[0] : [""]);
  }
  for (const key of ["activation", "optimizer", "lr", "seed"]) form.elements[key].value = setup[key];
  form.elements.preset.value = preset(setup) ?? "";
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
    : $$("input", cell).map((input) => Number(input.value.replace(",", ".") || NaN));
  for (const name of layer === "all" ? names : [layer]) setup.fills[`${name}.${kind}`] = [law, ...given];
  return checked(setup);
}

function refuse(error) {
  $("#refused").textContent = error?.message ?? "";
  $("#refused").hidden = !error;
}

// The form: it shows a setup, and gives the setup after a change of its controls.

const form = $("#setup");

// Show an initializer, and a field for each of its arguments.
function showInitializer(select, [initializer, ...given]) {
  select.value = initializer;
  const fields = Object.keys(initializers[initializer]?.arguments ?? {}).map((name, i) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "number", step: "any", value: given[i], required: true });
    input.setAttribute("aria-label", `${name}: ${select.getAttribute("aria-label")}`);
    label.append(`${name} `, input);
    return label;
  });
  select.nextElementSibling.replaceChildren(...fields);
}

// Layers are set separately where that is needed, or wanted for this setup.
function showLayerRows() {
  $$(".tensors tbody tr").slice(1).forEach((row) => { row.hidden = !form.elements.each.checked; });
}

function showControls(setup, separately = false) {
  form.elements.each.checked = separately || !isSame(setup, "weight") || !isSame(setup, "bias");
  showLayerRows();
  for (const select of $$("[data-tensor]")) {
    const [layer, kind] = select.dataset.tensor.split(".");
    if (layer !== "all") showInitializer(select, setup.tensors[select.dataset.tensor]);
    else showInitializer(select, isSame(setup, kind) ? setup.tensors[`out.${kind}`] : [""]);
  }
  for (const key of SETTINGS) form.elements[key].value = setup[key];
  form.elements.preset.value = variantOf(setup) ?? "";
}

// The setup after a change of one control; throws an Error with a line for the reader.
function changed(setup, control) {
  if (control.name === "preset") return { ...setup, ...trying.variants[control.value] };
  const next = structuredClone(setup), cell = control.closest("td");
  for (const key of ["activation", "optimizer"]) next[key] = form.elements[key].value;
  for (const key of ["lr", "seed"]) next[key] = form.elements[key].valueAsNumber;
  if (cell) {
    const select = $("select", cell), [layer, kind] = select.dataset.tensor.split(".");
    if (!select.value) return setup;
    const given = control === select ? firstArguments(select.value)
      : $$("input", cell).map((input) => input.valueAsNumber);
    for (const name of layer === "all" ? layerNames : [layer]) {
      next.tensors[`${name}.${kind}`] = [select.value, ...given];
    }
  }
  return checked(next);
}

function showError(error) {
  const undecoded = error instanceof URIError && "The address has a % without two hexadecimal digits.";
  $("#invalid").textContent = undecoded || (error?.message ?? "");
  $("#invalid").hidden = !error;
  for (const button of ["#run", "#step"]) $(button).disabled = Boolean(error);
}

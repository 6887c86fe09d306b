// A setup of the form: [initializer, ...arguments] by tensor, activation, optimizer, learning rate
// and seed. Its address is like #try=fc1.weight:normal(0.1,0.01);lr:0.01.

const trying = study.trying;
const { layers: layerNames, initializers } = trying;
const tensorNames = layerNames.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
const SETTINGS = ["activation", "optimizer", "lr", "seed"];
const standard = {
  tensors: Object.fromEntries(tensorNames.map((name) => [name, ["default"]])), ...trying.settings, seed: 0,
};

const firstArguments = (initializer) => Object.values(initializers[initializer]?.arguments ?? {});
const initializersOf = (tensor) => Object.keys(initializers)
  .filter((name) => tensor.endsWith("weight") || initializers[name].biases);
const isSame = (setup, kind) => new Set(layerNames.map((layer) => `${setup.tensors[`${layer}.${kind}`]}`)).size === 1;

// The differences from the standard setup, like `all.weight:zeros` and `lr:0.01`.
function differences(setup) {
  const tensors = ["weight", "bias"].flatMap((kind) => (isSame(setup, kind) ? ["all"] : layerNames).map((layer) => {
    const [initializer, ...given] = setup.tensors[`${layer === "all" ? "out" : layer}.${kind}`];
    return initializer !== "default" && `${layer}.${kind}:${initializer}${given.length ? `(${given})` : ""}`;
  }));
  const settings = SETTINGS.map((key) => setup[key] !== standard[key] && `${key}:${setup[key]}`);
  return [...tensors, ...settings].filter(Boolean);
}
const addressOf = (setup) => `#try=${differences(setup).join(";")}`;

// The setup at an address; throws an Error with a line for the reader.
function setupAt(address) {
  const setup = structuredClone(standard);
  for (const part of decodeURIComponent(address).replace("#try=", "").split(";").filter(Boolean)) {
    const [key, value] = part.split(/:(.*)/), [layer, kind] = key.split(".");
    const tensors = layer === "all" ? tensorNames.filter((name) => name.endsWith(`.${kind}`)) : [key];
    requireOneOf("The address", tensors[0] ?? key, [...tensorNames, ...SETTINGS]);
    if (SETTINGS.includes(key)) setup[key] = key === "lr" || key === "seed" ? Number(value || NaN) : value;
    else {
      const [, initializer, given] = /^(\w+)(?:\((.*)\))?$/.exec(value) ?? [, value];
      const numbers = given ? given.split(",").map(Number) : firstArguments(initializer);
      for (const tensor of tensors) setup.tensors[tensor] = [initializer, ...numbers];
    }
  }
  return checked(setup);
}

function requireOneOf(place, value, allowed) {
  if (!allowed.includes(value)) throw Error(`${place}: “${value}” is not known; allowed: ${allowed.join(", ")}.`);
}

// The setup itself; throws an Error with a line for the reader.
function checked(setup) {
  for (const [tensor, [initializer, ...given]] of Object.entries(setup.tensors)) {
    requireOneOf(tensor, initializer, initializersOf(tensor));
    Object.keys(initializers[initializer].arguments).forEach((name, i) => {
      const whole = initializer === "duplicated";
      if (whole ? !(Number.isInteger(given[i]) && given[i] > 0) : !Number.isFinite(given[i])) {
        throw Error(`${tensor}: ${name} must be a ${whole ? "whole number above 0" : "number, such as 0.01 or 1e-6"}.`);
      }
    });
  }
  requireOneOf("activation", setup.activation, Object.keys(trying.activations));
  requireOneOf("optimizer", setup.optimizer, Object.keys(trying.optimizers));
  if (!(setup.lr > 0 && setup.lr < Infinity)) throw Error("The learning rate must be a number above 0.");
  if (!(Number.isInteger(setup.seed) && setup.seed >= 0)) throw Error("The seed must be a whole number, 0 or more.");
  return setup;
}

// The study's variant with this setup, if there is one.
const variantOf = (setup) => Object.keys(trying.variants)
  .find((name) => addressOf({ ...trying.variants[name], seed: setup.seed }) === addressOf(setup));

function nameOf(setup) {
  const variant = variantOf(setup), seed = setup.seed === standard.seed ? "" : `, seed:${setup.seed}`;
  return variant ? labelOf(variant) + seed : differences(setup).join(", ") || "default";
}

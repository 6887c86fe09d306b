// The address of a start, like #try=fc1.weight:normal(0.1,0.01);lr:0.01, and what may stand in it.

const trying = study.trying;
const names = trying.layers;
const tensors = names.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
const first = {
  fills: Object.fromEntries(tensors.map((tensor) => [tensor, ["default"]])), ...trying.first, seed: 0,
};
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// Like `fc1.weight:normal(0.1,0.01);lr:0.01`: what differs from the study's own start.
function written(setup) {
  const fills = tensors.map((tensor) => [tensor, setup.fills[tensor]])
    .filter(([, [law]]) => law !== "default")
    .map(([tensor, [law, ...numbers]]) => `${tensor}:${law}${numbers.length ? `(${numbers})` : ""}`);
  const rest = ["activation", "optimizer", "lr", "seed"].filter((key) => setup[key] !== first[key])
    .map((key) => `${key}:${setup[key]}`);
  return [...fills, ...rest].join(";");
}

function decoded(address) {
  try {
    return decodeURIComponent(address);
  } catch {
    throw Error("The address cannot be read: a % in it is not followed by two hexadecimal digits.");
  }
}

// The setup that an address tells; throws an Error with a line for the reader.
function read(address) {
  const setup = structuredClone(first);
  for (const part of address.split(";").filter(Boolean)) {
    const [key, value = ""] = part.split(":");
    if (tensors.includes(key)) setup.fills[key] = readFill(key, value);
    else if (key === "activation" || key === "optimizer") setup[key] = oneOf(key, value);
    else if (key === "lr" || key === "seed") setup[key] = Number(value || NaN);
    else throw Error(`The address names “${key}”; allowed: ${[...tensors, "activation", "optimizer", "lr", "seed"].join(", ")}.`);
  }
  return checked(setup);
}

function readFill(tensor, value) {
  const [, law, numbers] = /^(\w+)(?:\((.*)\))?$/.exec(value) ?? [];
  const allowed = lawsOf(tensor);
  if (!allowed.includes(law)) throw Error(`${tensor}: “${value}” is not known; allowed: ${allowed.join(", ")}.`);
  const given = numbers ? numbers.split(",").map(Number) : [];
  const first = Object.values(FILLS[law].numbers ?? {});
  return [law, ...first.map((number, i) => given[i] ?? number)];
}

function oneOf(key, value) {
  const allowed = [...$(`#setup [name=${key}]`).options].map((option) => option.value);
  if (!allowed.includes(value)) throw Error(`${key}: “${value}” is not known; allowed: ${allowed.join(", ")}.`);
  return value;
}

function checked(setup) {
  for (const [tensor, [law, ...numbers]] of Object.entries(setup.fills)) {
    Object.keys(FILLS[law].numbers ?? {}).forEach((name, i) => {
      const whole = law !== "copies" || (Number.isInteger(numbers[i]) && numbers[i] > 0);
      if (!Number.isFinite(numbers[i]) || !whole) {
        throw Error(`${name} of ${tensor} has to be ${law === "copies" ? "a whole number above 0" : "a number, like 0.01 or 1e-6"}.`);
      }
    });
  }
  if (!(setup.lr > 0 && setup.lr < Infinity)) throw Error("The learning rate has to be a number above 0.");
  if (!(Number.isInteger(setup.seed) && setup.seed >= 0)) throw Error("The seed has to be a whole number, 0 or more.");
  return setup;
}

const lawsOf = (tensor) => Object.keys(FILLS).filter((law) => tensor.endsWith("weight") || FILLS[law].biases);
const preset = (setup) => Object.keys(trying.variants).find((name) => {
  const { seed, ...rest } = setup;
  return same(sorted(trying.variants[name]), sorted(rest));
});
const sorted = ({ fills, activation, optimizer, lr }) =>
  [tensors.map((tensor) => fills[tensor]), activation, optimizer, lr];

// A way to fill, like `0.1 + noise of 10⁻⁶`.
function told([law, ...numbers]) {
  const [one, other] = numbers.map((number) => (number === 0 ? "0" : short(number)));
  if (law === "constant") return one;
  if (law === "normal") return numbers[0] === 0 ? `noise of ${other}` : `${one} + noise of ${other}`;
  return [FILLS[law].words, one, other].filter(Boolean).join(" ");
}

// What a start is called: as in the study, or by what is not PyTorch's default in it.
function called(setup) {
  const name = preset(setup), seed = setup.seed === first.seed ? [] : [`seed ${setup.seed}`];
  if (name) return [study.variants[name].label, ...seed].join(", ");
  const fills = ["weight", "bias"].flatMap((kind) => {
    const kinds = kind === "weight" ? "weights" : "biases";
    const own = names.map((layer) => [layer, setup.fills[`${layer}.${kind}`]]);
    if (own.every(([, fill]) => same(fill, own[0][1]))) own.splice(0, own.length, ["all", own[0][1]]);
    return own.filter(([, [law]]) => law !== "default").map(([layer, fill]) => `${layer} ${kinds} ${told(fill)}`);
  });
  const rest = ["activation", "optimizer", "lr"].filter((key) => setup[key] !== first[key]).map((key) => `${key} ${setup[key]}`);
  return [...(fills.length ? fills : ["default"]), ...rest, ...seed].join(", ");
}

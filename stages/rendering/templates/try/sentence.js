// What is happening, and why, in a few sentences from what the worker saw.

const NEAR = 0.1; // a gap between units below which they act almost as one
const LATELY = 200; // steps over which it is looked whether accuracy still grows
const GROWS = 0.02;

const starved = ({ gradients }) => gradients.weight === 0 && gradients.bias === 0;

// `points` are those of the curves, which may go further than the worker now is.
function sentence({ step, layers, score, rested }, setup, points) {
  const when = step === 0 ? "Before training" : `After ${counted(step)}`;
  const why = Number.isFinite(score.loss) ? reason(layers, setup, step, progress(score, points))
    : "The loss is not a number any more: the values grew until they overflowed. A smaller learning rate or smaller weights would help.";
  const rest = rested ? " It rests here; “Go on” trains as long again." : "";
  return `${when}, ${percent(score.test)} of the test images are right. ${why}${rest}`;
}

function reason(layers, setup, step, learn) {
  const [fc1] = layers;
  const stuck = layers.filter(starved);
  if (stuck.length) return silence(layers, stuck);
  const hidden = layers.slice(0, -1).filter(({ units }) => units > 1);
  const equal = hidden.filter(({ gap }) => gap === 0);
  if (equal.length && equal.length === hidden.length) {
    const sizes = [trying.sizes[0], ...layers.slice(0, -1).map(() => 1), layers.at(-1).units].join("-");
    return `All units of each hidden layer are exactly equal, so they get equal gradients and stay equal: the network is ${sizes} in disguise, and learns no more than that one can.${lost(setup)}`;
  }
  if (equal.length) {
    return `The ${equal[0].units} units of ${equal[0].name} are exactly equal now. They part where the layer above weighs them differently, since then their gradients differ.${lost(setup)}`;
  }
  if (fc1.gap < NEAR) {
    return `The ${fc1.units} units of fc1 differ, but by ${short(fc1.gap)} of the largest weight at most: they still act almost as one. Their gradients differ a little, so training can drive them apart: that may take a thousand steps and more.`;
  }
  const weakest = Math.min(...layers.map(({ gradients }) => gradients.weight));
  const strongest = Math.max(...layers.map(({ gradients }) => gradients.weight));
  if (weakest < 1e-4 * strongest) {
    const { name } = layers.find(({ gradients }) => gradients.weight === weakest);
    return `The gradient that arrives at ${name} is only ${short(weakest)}, against ${short(strongest)} where it is largest: with weights this small or this large it shrinks from layer to layer.`;
  }
  const dead = layers.find((layer) => layer.dead > layer.units / 2);
  if (dead) return `${dead.dead} of ${dead.units} units of ${dead.name} answer 0 to every test image, and pass no gradient on; the others ${learn("learn", "have")}.`;
  const twins = hidden.find(({ distinct, units }) => distinct <= 0.75 * units);
  if (twins) {
    return `${twins.name} has ${twins.units} units, but only ${twins.distinct} different ones. Units that are equal, in what goes in and in what comes out, get equal gradients and stay equal.`;
  }
  const all = `The ${fc1.units} units of fc1 differ, and a gradient arrives at every layer`;
  return step === 0 ? `${all}: nothing stands in the way of learning.` : `${all}: the network ${learn("learns", "has")}.`;
}

// That noise around a constant is rounded away, if units are equal though there was some.
function lost(setup) {
  const [, mean] = Object.values(setup.fills).find(([law, mean, std]) => law === "normal" && mean !== 0 && std !== 0) ?? [];
  if (mean === undefined) return "";
  const spacing = 2 ** (Math.floor(Math.log2(Math.abs(mean))) - 23);
  return ` The noise is too small: near ${short(mean)}, 32-bit numbers are ${short(spacing)} apart, so it is rounded away.`;
}

// Tells in words whether anything is learned, like “learns, and accuracy still grows”.
function progress({ step, test }, points) {
  const before = points.filter((point) => point.step <= step - LATELY).at(-1) ?? points[0];
  const better = test - before.test > GROWS;
  return (learns, has) => {
    if (test < 0.3) return better ? `${has} begun to learn` : `${has} not learned much yet`;
    return better ? `${learns}, and accuracy still grows` : learns;
  };
}

// Why layers get no gradient at all, told of the first of them.
function silence(layers, stuck) {
  const i = layers.indexOf(stuck[0]), out = layers.at(-1);
  const dead = layers.slice(i, -1).find((layer) => layer.dead === layer.units);
  const zero = layers.slice(i + 1).find((layer) => layer.zero);
  const found = [`${stuck.length > 1 ? "The gradients" : "The gradient"} of ${stuck.map(({ name }) => name).join(" and ")} ${stuck.length > 1 ? "are" : "is"} exactly 0.`];
  if (dead) found.push(`The units of ${dead.name} answer 0 to every image, and where a unit answers 0 the slope of ReLU is 0.`);
  if (zero) found.push(`The weights of ${zero.name} are all 0, and what flows back is multiplied by them.`);
  if (!dead && !zero) found.push("What flows back has become too small for a 32-bit number.");
  if (out.gradients.weight === 0) {
    found.unshift("Only the biases of out can move, so every image gets the same answer, for ever.");
    found.push("The weights of out get no gradient either, since what comes in there is 0.");
  }
  else if (dead) found.push("So every image gets the same answer.");
  else if (zero) found.push("That is so for now only: the weights of out get a gradient and move first, and then the layers below.");
  return found.join(" ");
}

// What is happening, and why, in a sentence from what the worker saw.

const NEAR = 0.1; // a gap between units below which they act almost as one

const starved = ({ gradients }) => gradients.weight === 0 && gradients.bias === 0;

// What is happening, and why, from what the worker saw.
function sentence({ step, layers, running }, { setup, points }) {
  const [fc1] = layers, { test, loss } = points.at(-1);
  const when = step === 0 ? "Before training" : `After ${step} ${step === 1 ? "step" : "steps"}`;
  const score = `${when}, ${percent(test)} of the test images are right.`;
  if (!Number.isFinite(loss)) {
    return `${score} The loss is not a number any more: the values grew until they overflowed. A smaller learning rate or smaller weights would help.`;
  }
  return `${score} ${reason(layers, setup, step, test)}`;
}

function reason(layers, setup, step, test) {
  const [fc1] = layers;
  const stuck = layers.filter(starved);
  if (stuck.length) return silence(layers, stuck, setup);
  const hidden = layers.slice(0, -1).filter(({ units }) => units > 1);
  const copies = hidden.filter(({ distinct }) => distinct === 1);
  if (copies.length === hidden.length && hidden.length) {
    const sizes = [trying.sizes[0], ...layers.slice(0, -1).map(() => 1), layers.at(-1).units].join("-");
    return `All units of a layer are equal, so they get equal gradients and stay equal: the network is ${sizes} in disguise, and can learn no more than that.`;
  }
  if (copies.length) {
    return `The ${copies[0].units} units of ${copies[0].name} are equal now, but the layer above weighs them differently: their gradients differ, and so will they.`;
  }
  const twins = hidden.find(({ distinct, units }) => distinct < units);
  if (twins) {
    return `${twins.name} has ${twins.units} units, but only ${twins.distinct} different ones: units that are equal, in what goes in and in what comes out, get equal gradients and stay equal.`;
  }
  if (fc1.gap < NEAR) {
    return `All ${fc1.units} units of fc1 differ, but by ${short(fc1.gap)} of the largest weight at most: they still act almost as one. Their gradients differ a little, so training drives them apart, slowly at first.`;
  }
  const weakest = Math.min(...layers.map(({ gradients }) => gradients.weight));
  const strongest = Math.max(...layers.map(({ gradients }) => gradients.weight));
  if (weakest < 1e-4 * strongest) {
    const { name } = layers.find(({ gradients }) => gradients.weight === weakest);
    return `The gradient that arrives at ${name} is only ${short(weakest)}, against ${short(strongest)} where it is largest: with weights this small or this large it shrinks from layer to layer.`;
  }
  const dead = layers.find((layer) => layer.dead > layer.units / 2);
  if (dead) return `${dead.dead} of ${dead.units} units of ${dead.name} answer 0 to every test image, and pass no gradient on; the others learn.`;
  const all = `All ${fc1.units} units of fc1 differ, and a gradient arrives at every layer`;
  if (step === 0) return `${all}: nothing stands in the way of learning.`;
  return test > 0.3 ? `${all}: the network learns.` : `${all}, but not much has been learned yet.`;
}

// Why layers get no gradient at all, told of the first of them.
function silence(layers, stuck, setup) {
  const [{ name }] = stuck, i = layers.findIndex((layer) => layer.name === name);
  const all = layers.slice(0, -1).every(starved);
  const dead = layers.slice(i, -1).find((layer) => layer.dead === layer.units);
  const zero = layers.slice(i + 1).find((layer) => layer.zero);
  const why = [
    dead && `the units of ${dead.name} answer 0 to every image, and where a unit answers 0 the slope of ReLU is 0`,
    zero && `the weights of ${zero.name} are all 0, and what flows back is multiplied by them`,
  ].filter(Boolean).join("; and ") || "what flows back has become too small for a 32-bit number";
  const which = stuck.length > 1 ? `The gradients of ${stuck.map((layer) => layer.name).join(" and ")} are` : `The gradient of ${name} is`;
  const end = layers.at(-1).gradients.weight === 0 ? " Only out.bias can move: every image gets the same answer."
    : dead ? " Every image gets the same answer."
    : all && zero?.name === "out" ? " The weights of out move first, and then the others."
    : "";
  return `${which} exactly 0: ${why}.${end}`;
}

// The status line: sentences that follow directly from the numbers that the worker measured.

const CLOSE = 0.1; // a gap between units below which they are nearly equal

const counted = (steps) => `${steps} ${steps === 1 ? "step" : "steps"}`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const listed = (names) => new Intl.ListFormat("en-GB").format(names);
const namesOf = (layers) => listed(layers.map(({ name }) => name));

function statusOf({ layers, score, finished }, setup) {
  const when = score.step === 0 ? "Before training" : `After ${counted(score.step)}`;
  const findings = Number.isFinite(score.loss)
    ? [onUnits(layers, setup), onGradients(layers), score.step > 0 && onMoves(layers)].flat()
    : ["The loss is not a number: a value became too large for a 32-bit float."];
  return [
    `${when}, ${percent(score.test)} of the test images are classified correctly.`, ...findings,
    finished && `“Continue” trains ${trying.steps} more steps.`,
  ].filter(Boolean).join(" ");
}

function onUnits(layers, { tensors }) {
  const hidden = layers.slice(0, -1).filter(({ units }) => units > 1);
  const same = hidden.filter(({ gap }) => gap === 0);
  const near = hidden.filter(({ gap }) => gap > 0 && gap < CLOSE);
  const fewer = hidden.filter(({ gap, distinct, units }) => gap >= CLOSE && distinct < units);
  const rounded = same.filter(({ name }) => {
    const [initializer, , deviation] = tensors[`${name}.weight`];
    return initializer === "normal" && deviation !== 0;
  });
  const sizes = [trying.sizes[0], ...layers.map((layer) => (same.includes(layer) ? 1 : layer.units))];
  if (hidden.every(({ gap, distinct, units }) => gap >= CLOSE && distinct === units)) {
    return "All units of every hidden layer are distinct.";
  }
  return [
    same.length && `All units of ${namesOf(same)} have exactly equal weights and biases: ` +
      `the network computes no more than a network ${sizes.join("-")} can.`,
    rounded.length && `The noise in ${namesOf(rounded)} is lost in the rounding of 32-bit floats.`,
    ...near.map(({ name, gap }) =>
      `The units of ${name} differ by at most ${short(gap)} of its largest weight or bias.`),
    ...fewer.map(({ name, distinct, units }) =>
      `Only ${distinct} of the ${units} units of ${name} are distinct.`),
  ];
}

function onGradients(layers) {
  const none = layers.filter(({ gradients }) => gradients.weight === 0 && gradients.bias === 0);
  if (!none.length) return "Every layer gets a gradient.";
  const dead = layers.filter((layer) => layer.dead === layer.units);
  const zero = layers.slice(1).filter((layer) => layer.zero);
  return [
    `The gradient of ${namesOf(none)} is exactly 0.`,
    dead.length && `Every unit of ${namesOf(dead)} outputs 0 for every test image, where the slope of ReLU is 0.`,
    zero.length && `All weights of ${namesOf(zero)} are 0, and no gradient passes through them.`,
  ];
}

function onMoves(layers) {
  const moves = layers.flatMap(({ name, moves: { weight, bias } }) =>
    [[`the weights of ${name}`, weight], [`the biases of ${name}`, bias]]);
  const moved = moves.filter(([, move]) => move !== 0).map(([tensor]) => tensor);
  if (moved.length === moves.length) return "";
  return moved.length ? `Training has changed only ${listed(moved)}.` : "Training has not changed any value.";
}

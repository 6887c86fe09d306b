// Trains in the background, below network.js and initializers.js in one worker.
//
// Messages to it: {images}, {begin: setup}, {run: true}, {run: false}, {step: true}. After each of
// them, and while it trains, it posts a report of the network.

const TOLERANCE = 1e-5; // of the largest unit: rounding alone may drive equal units this far apart
const PICTURED = 32; // units of fc1
const SLICE = 60; // milliseconds of training between two checks for messages
const INTERVAL = 150; // milliseconds between two reports

let images, run, timer = null, reported = 0;

// A point of the curves is due often at first, and then less often.
const due = (step) => step % (step < 10 ? 5 : step < 100 ? 10 : step < 500 ? 25 : 50) === 0;

function begin(setup) {
  const layers = allocate(setup.sizes);
  fill(layers, setup.tensors, setup.seed);
  run = {
    setup, layers, initial: tensorsOf(layers).map(({ values }) => values.slice()),
    step: 0, left: setup.steps, order: [], at: 0, epoch: 0, correct: 0, trained: 0, points: [],
  };
  // The first report has the gradients and scores before the first step.
  const { x, labels } = batch();
  const passes = forward(layers, setup.activation, x, labels.length);
  const { loss, correct } = backward(layers, setup.activation, passes, labels);
  Object.assign(run, { loss, correct, trained: labels.length });
  addPoint();
}

// The next images in an epoch's order; the last batch of an epoch may be smaller.
function batch() {
  const { train } = images;
  if (run.at === 0) {
    run.epoch += run.step > 0;
    run.order = shuffled(train.labels.length, generator(run.setup.seed, `order/${run.epoch}`));
  }
  const rows = run.order.subarray(run.at, run.at + run.setup.batch);
  const x = new Float32Array(rows.length * 784);
  rows.forEach((row, n) => x.set(train.x.subarray(row * 784, (row + 1) * 784), n * 784));
  return { x, labels: Uint8Array.from(rows, (row) => train.labels[row]) };
}

function takeStep() {
  const { x, labels } = batch(), next = run.at + run.setup.batch;
  run.at = next < images.train.labels.length ? next : 0;
  run.step += 1;
  run.left -= 1;
  const { loss, correct } = train(run.layers, run.setup, x, labels, run.step);
  Object.assign(run, { loss, correct: run.correct + correct, trained: run.trained + labels.length });
  if (due(run.step)) addPoint();
}

// Measure test accuracy and dead units, and add a point to the curves, if there is none yet for
// the last step.
function addPoint() {
  if (run.trained === 0) return;
  const { x, labels } = images.test, { step, loss } = run;
  const passes = forward(run.layers, run.setup.activation, x, labels.length);
  const { correct } = scores(passes.at(-1).a, labels);
  run.score = { step, loss, train: run.correct / run.trained, test: correct / labels.length };
  run.points.push(run.score);
  run.correct = run.trained = 0;
  run.dead = passes.slice(0, -1).map(({ a }, i) => silent(a, run.layers[i].fanOut));
}

// The number of units whose output is 0 for every image.
function silent(a, width) {
  const active = new Uint8Array(width);
  a.forEach((value, i) => { if (value !== 0) active[i % width] = 1; });
  return width - active.reduce((sum, one) => sum + one, 0);
}

// The weights and bias of every unit, a row each.
const unitsOf = ({ weight, bias, fanIn, fanOut }) => Array.from({ length: fanOut }, (_, j) =>
  Float32Array.from([...weight.values.subarray(j * fanIn, (j + 1) * fanIn), bias.values[j]]));

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const squares = (values) => values.reduce((sum, value) => sum + value * value, 0);
const distance = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

// The number of units that differ from all units before them.
function distinct(units) {
  const limit = TOLERANCE ** 2 * Math.max(...units.map(squares)), found = [];
  if (!Number.isFinite(limit)) return units.length;
  const equal = (a, b) => {
    let sum = 0;
    for (let k = 0; k < a.length && sum <= limit; k++) sum += (a[k] - b[k]) ** 2;
    return sum <= limit;
  };
  for (const unit of units) if (!found.some((other) => equal(unit, other))) found.push(unit);
  return found.length;
}

// The largest difference between two units in one weight or bias, over the largest of them all.
function gap(units) {
  const ranges = units[0].map((_, k) => {
    const values = units.map((unit) => unit[k]);
    return Math.max(...values) - Math.min(...values);
  });
  return largest(ranges) / (Math.max(...units.map(largest)) || 1);
}

function measured(layer, i) {
  const { name, weight, bias, fanOut } = layer, units = unitsOf(layer);
  return {
    name, units: fanOut, distinct: distinct(units), gap: gap(units),
    moves: {
      weight: distance(weight.values, run.initial[2 * i]),
      bias: distance(bias.values, run.initial[2 * i + 1]),
    },
    gradients: {
      weight: Math.sqrt(squares(weight.gradient)), bias: Math.sqrt(squares(bias.gradient)),
    },
    zero: largest(weight.values) === 0,
    dead: run.setup.activation === "relu" && i < run.dead.length ? run.dead[i] : null,
  };
}

// The weights of fc1's first units [units, 784], and their differences from the mean of all units.
function picture() {
  const { weight, fanIn, fanOut } = run.layers[0];
  const sums = new Float64Array(fanIn);
  weight.values.forEach((value, i) => { sums[i % fanIn] += value; });
  const weights = weight.values.slice(0, Math.min(PICTURED, fanOut) * fanIn);
  return { weights, differences: weights.map((value, i) => value - sums[i % fanIn] / fanOut) };
}

function report() {
  reported = performance.now();
  const { setup, step, left, score, points, layers } = run;
  postMessage({ id: setup.id, step, running: timer !== null, finished: left === 0, score, points,
    layers: layers.map(measured), picture: picture() });
  run.points = [];
}

function pause() {
  clearTimeout(timer);
  timer = null;
}

function trainSlice() {
  const until = performance.now() + SLICE;
  do takeStep(); while (run.left > 0 && performance.now() < until);
  timer = run.left > 0 ? setTimeout(trainSlice) : null;
  if (timer === null || performance.now() > reported + INTERVAL) report();
}

onmessage = ({ data: message }) => {
  if (message.images) {
    images = message.images;
    for (const part of [images.train, images.test]) part.x = normalized(part.pixels);
    return;
  }
  if (message.begin || message.step || message.run === false) pause();
  if (message.begin) begin(message.begin);
  if (message.step) takeStep();
  if (message.step || message.run === false) addPoint();
  if (message.run && timer === null) {
    run.left = run.setup.steps - (run.step % run.setup.steps); // all runs end at the same step
    timer = setTimeout(trainSlice);
  }
  report();
};

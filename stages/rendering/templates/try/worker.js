// Trains in the background: network.js and starts.js stand above this in one worker.
//
// It is told {begin: setup}, {run: true}, {run: false} or {step: true}, and says how it looks.

const ALIKE = 1e-5; // of the largest unit: how far apart rounding alone may drive equal units
const PICTURED = 32; // units of fc1
const SLICE = 60; // milliseconds of training between two looks at what it is told
const REPORT = 150; // milliseconds between two reports

let data, run, timer = null, reported = 0;

// A point of the curves is due often at first, and then less often.
const due = (step) => step % (step < 10 ? 5 : step < 100 ? 10 : step < 500 ? 25 : 50) === 0;

function begin(setup) {
  const layers = allocate(setup.sizes);
  fill(layers, setup.fills, setup.seed);
  run = {
    setup, layers, start: tensorsOf(layers).map(({ values }) => values.slice()),
    step: 0, rest: setup.steps, order: [], at: 0, epoch: 0, right: 0, seen: 0, points: [],
  };
  // The gradients before the first step, so that there is something to tell.
  const { x, labels } = batch(0);
  const found = backward(layers, setup.activation, forward(layers, setup.activation, x, labels.length), labels);
  test({ train: found.right / labels.length, loss: found.loss });
}

// The next images of an epoch's order; the last batch of an epoch may be smaller.
function batch(at) {
  const { train } = data, size = run.setup.batch;
  if (at === 0) {
    run.epoch += run.step > 0;
    run.order = shuffled(train.labels.length, generator(run.setup.seed, `order/${run.epoch}`));
  }
  const rows = run.order.subarray(at, at + size);
  const x = new Float32Array(rows.length * 784);
  rows.forEach((row, n) => x.set(train.x.subarray(row * 784, (row + 1) * 784), n * 784));
  return { x, labels: Uint8Array.from(rows, (row) => train.labels[row]) };
}

function oneStep() {
  const { x, labels } = batch(run.at);
  run.at = run.at + run.setup.batch < data.train.labels.length ? run.at + run.setup.batch : 0;
  run.step += 1;
  const { loss, right } = train(run.layers, run.setup, x, labels, run.step);
  Object.assign(run, { loss, right: run.right + right, seen: run.seen + labels.length });
  if (due(run.step)) point();
}

// A point of the curves, if there was a step since the last one.
function point() {
  if (run.seen === 0) return;
  test({ train: run.right / run.seen, loss: run.loss });
  run.right = run.seen = 0;
}

// How many test images are right, and which units answer to none.
function test(point) {
  const passes = forward(run.layers, run.setup.activation, data.test.x, data.test.labels.length);
  const { right } = scores(passes.at(-1).a, data.test.labels);
  run.score = { step: run.step, test: right / data.test.labels.length, ...point };
  run.points.push(run.score);
  run.dead = passes.slice(0, -1).map(({ a }, i) => silent(a, run.layers[i].fanOut));
}

// How many units answer 0 to every image.
function silent(a, width) {
  const awake = new Uint8Array(width);
  a.forEach((value, i) => { if (value !== 0) awake[i % width] = 1; });
  return width - awake.reduce((sum, one) => sum + one, 0);
}

// Units that differ in their incoming weights and bias from all before them.
function distinct({ weight, bias, fanIn, fanOut }) {
  const rows = Array.from({ length: fanOut }, (_, j) =>
    [...weight.values.subarray(j * fanIn, (j + 1) * fanIn), bias.values[j]]);
  const longest = Math.max(...rows.map((row) => row.reduce((sum, value) => sum + value * value, 0)));
  if (!Number.isFinite(longest)) return fanOut;
  const limit = ALIKE ** 2 * longest, different = [];
  const alike = (a, b) => {
    let apart = 0;
    for (let k = 0; k <= fanIn && apart <= limit; k++) apart += (a[k] - b[k]) ** 2;
    return apart <= limit;
  };
  for (const row of rows) if (!different.some((other) => alike(row, other))) different.push(row);
  return different.length;
}

// The largest difference between two units in one of their weights, over the largest weight.
function gap({ weight, bias, fanIn, fanOut }) {
  let most = 0;
  for (let k = 0; k <= fanIn; k++) {
    let low = Infinity, high = -Infinity;
    for (let j = 0; j < fanOut; j++) {
      const value = k < fanIn ? weight.values[j * fanIn + k] : bias.values[j];
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    most = Math.max(most, high - low);
  }
  return most / (Math.max(largest(weight.values), largest(bias.values)) || 1);
}

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function look() {
  const moves = tensorsOf(run.layers).map(({ values }, i) =>
    values.reduce((most, value, k) => Math.max(most, Math.abs(value - run.start[i][k])), 0));
  return run.layers.map((layer, i) => ({
    name: layer.name, units: layer.fanOut,
    moves: { weight: moves[2 * i], bias: moves[2 * i + 1] },
    gradients: { weight: norm(layer.weight.gradient), bias: norm(layer.bias.gradient) },
    zero: largest(layer.weight.values) === 0,
    distinct: distinct(layer), gap: gap(layer),
    dead: run.setup.activation === "relu" && i < run.dead.length ? run.dead[i] : null,
  }));
}

// fc1's first units, as bytes from 1 (most negative) over 128 (exactly 0) to 255; and the scale.
function picture() {
  const { weight, fanIn, fanOut } = run.layers[0];
  const shown = weight.values.slice(0, Math.min(PICTURED, fanOut) * fanIn);
  const mean = Float32Array.from({ length: fanIn }, (_, k) => {
    let sum = 0;
    for (let j = 0; j < fanOut; j++) sum += weight.values[j * fanIn + k];
    return sum / fanOut;
  });
  const apart = shown.map((value, i) => value - mean[i % fanIn]);
  return { weights: shades(shown), differences: shades(apart) };
}

function shades(values) {
  const limit = largest(values);
  // Away from 0: what is not 0 has a colour.
  const byte = (value) => 128 + Math.sign(value) * Math.ceil((Math.abs(value) / (limit || 1)) * 127);
  return { bytes: Uint8Array.from(values, byte), limit };
}

function say(running) {
  postMessage({ id: run.setup.id, step: run.step, running, rested: run.rest <= 0,
    score: run.score, points: run.points, layers: look(), picture: picture() });
  run.points = [];
}

function rest() {
  clearTimeout(timer);
  timer = null;
}

function go() {
  const until = performance.now() + SLICE;
  do {
    oneStep();
    run.rest -= 1;
  } while (run.rest > 0 && performance.now() < until);
  const running = run.rest > 0;
  timer = running ? setTimeout(go) : null;
  if (!running || performance.now() > reported + REPORT) {
    reported = performance.now();
    say(running);
  }
}

onmessage = ({ data: told }) => {
  if (told.data) {
    data = told.data;
    for (const part of [data.train, data.test]) part.x = normalized(part.pixels);
    return;
  }
  if (told.begin) { rest(); begin(told.begin); }
  if (told.run === false) { rest(); point(); }
  if (told.step) { rest(); oneStep(); point(); }
  if (told.run && timer === null) { run.rest = run.setup.steps; timer = setTimeout(go); }
  say(timer !== null);
};

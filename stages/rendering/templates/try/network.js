// The network of stages/training on typed arrays: forward, backward, and one step of an optimizer.
//
// Values are kept in float32. A sum is taken in float64 and rounded once, in the same order for
// every unit: units that are equal stay equal, bit for bit.

const MEAN = 0.1307, STD = 0.3081; // of MNIST's training pixels, scaled to [0, 1]

// erf, by a series of terms of one sign (Abramowitz & Stegun 7.1.6).
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

// What a unit answers to its input z, and the slope there; a is the answer in float32.
const ACTIVATIONS = {
  relu: [(z) => (z < 0 ? 0 : z), (z, a) => (a <= 0 ? 0 : 1)], // what is no number stays none
  leaky_relu: [(z) => (z > 0 ? z : 0.01 * z), (z, a) => (a > 0 ? 1 : 0.01)],
  tanh: [Math.tanh, (z, a) => 1 - a * a],
  sigmoid: [(z) => 1 / (1 + Math.exp(-z)), (z, a) => a * (1 - a)],
  gelu: [
    (z) => 0.5 * z * (1 + erf(z / Math.SQRT2)),
    (z) => 0.5 * (1 + erf(z / Math.SQRT2)) + (z * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI),
  ],
  linear: [(z) => z, () => 1],
};

// Layers from the first hidden one to the output; weight and gradient are [fanOut, fanIn].
function allocate(sizes) {
  return sizes.slice(1).map((fanOut, i) => {
    const fanIn = sizes[i];
    const tensor = (size) => ({
      values: new Float32Array(size), gradient: new Float32Array(size),
      mean: new Float32Array(size), square: new Float32Array(size), // Adam's moments
    });
    const name = i === sizes.length - 2 ? "out" : `fc${i + 1}`;
    return { name, fanIn, fanOut, weight: tensor(fanIn * fanOut), bias: tensor(fanOut) };
  });
}

// Images [rows, 784] of uint8, normalized as the trainer does.
function normalized(pixels) {
  const scaled = Float32Array.from({ length: 256 }, (_, value) => value / (255 * STD) - MEAN / STD);
  return Float32Array.from(pixels, (value) => scaled[value]);
}

// out[n, j] = bias[j] + Σ x[n, k] · weight[j, k], four units j at a time.
function affine(x, rows, { weight, bias, fanIn, fanOut }, out) {
  const w = weight.values, b = bias.values;
  let j = 0;
  for (; j + 4 <= fanOut; j += 4) {
    const w0 = j * fanIn, w1 = w0 + fanIn, w2 = w1 + fanIn, w3 = w2 + fanIn;
    for (let n = 0; n < rows; n++) {
      const start = n * fanIn;
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (let k = 0; k < fanIn; k++) {
        const v = x[start + k];
        s0 += v * w[w0 + k]; s1 += v * w[w1 + k]; s2 += v * w[w2 + k]; s3 += v * w[w3 + k];
      }
      const to = n * fanOut + j;
      out[to] = s0 + b[j]; out[to + 1] = s1 + b[j + 1];
      out[to + 2] = s2 + b[j + 2]; out[to + 3] = s3 + b[j + 3];
    }
  }
  for (; j < fanOut; j++) {
    for (let n = 0; n < rows; n++) {
      let sum = 0;
      for (let k = 0; k < fanIn; k++) sum += x[n * fanIn + k] * w[j * fanIn + k];
      out[n * fanOut + j] = sum + b[j];
    }
  }
}

// gradient[j, k] = Σ delta[n, j] · x[n, k], four images n at a time.
function weightGradient(x, rows, delta, { weight, fanIn, fanOut }) {
  const g = weight.gradient;
  const sums = new Float64Array(fanIn);
  for (let j = 0; j < fanOut; j++) {
    sums.fill(0);
    let n = 0;
    for (; n + 4 <= rows; n += 4) {
      const d0 = delta[n * fanOut + j], d1 = delta[(n + 1) * fanOut + j];
      const d2 = delta[(n + 2) * fanOut + j], d3 = delta[(n + 3) * fanOut + j];
      const x0 = n * fanIn, x1 = x0 + fanIn, x2 = x1 + fanIn, x3 = x2 + fanIn;
      for (let k = 0; k < fanIn; k++) {
        sums[k] += d0 * x[x0 + k] + d1 * x[x1 + k] + d2 * x[x2 + k] + d3 * x[x3 + k];
      }
    }
    for (; n < rows; n++) {
      const d = delta[n * fanOut + j];
      for (let k = 0; k < fanIn; k++) sums[k] += d * x[n * fanIn + k];
    }
    g.set(sums, j * fanIn);
  }
}

function biasGradient(rows, delta, { bias, fanOut }) {
  for (let j = 0; j < fanOut; j++) {
    let sum = 0;
    for (let n = 0; n < rows; n++) sum += delta[n * fanOut + j];
    bias.gradient[j] = sum;
  }
}

// The gradient at the inputs of a layer: below[n, k] = Σ delta[n, j] · weight[j, k].
function passedDown(rows, delta, { weight, fanIn, fanOut }) {
  const below = new Float32Array(rows * fanIn), sums = new Float64Array(fanIn), w = weight.values;
  for (let n = 0; n < rows; n++) {
    sums.fill(0);
    for (let j = 0; j < fanOut; j++) {
      const d = delta[n * fanOut + j];
      for (let k = 0; k < fanIn; k++) sums[k] += d * w[j * fanIn + k];
    }
    below.set(sums, n * fanIn);
  }
  return below;
}

// What every layer makes of x [rows, 784]: inputs, z and a of each; `out` has no activation.
function forward(layers, activation, x, rows) {
  const [answer] = ACTIVATIONS[activation];
  let inputs = x;
  return layers.map((layer, i) => {
    const z = new Float32Array(rows * layer.fanOut);
    affine(inputs, rows, layer, z);
    const a = i === layers.length - 1 ? z : z.map(answer);
    const pass = { inputs, z, a };
    inputs = a;
    return pass;
  });
}

// Softmax [rows, classes] in float32, the mean cross-entropy in nats, and how many are right.
function scores(logits, labels) {
  const rows = labels.length, classes = logits.length / rows;
  const softmax = new Float32Array(logits.length);
  let loss = 0, right = 0;
  for (let n = 0; n < rows; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    let best = 0, sum = 0;
    row.forEach((logit, c) => { if (logit > row[best]) best = c; }); // of equal ones the first
    const powers = row.map((logit) => Math.exp(Math.fround(logit - row[best])));
    for (const power of powers) sum += power;
    softmax.set(powers.map((power) => power / sum), n * classes);
    loss += Math.log(sum) - (row[labels[n]] - row[best]);
    right += best === labels[n];
  }
  return { softmax, loss: loss / rows, right };
}

// Fill every tensor's gradient of the mean loss; gives the scores that it comes from.
function backward(layers, activation, passes, labels) {
  const rows = labels.length, slope = ACTIVATIONS[activation][1];
  const found = scores(passes.at(-1).a, labels);
  const classes = layers.at(-1).fanOut;
  let delta = found.softmax.slice();
  labels.forEach((label, n) => { delta[n * classes + label] -= 1; });
  const share = Math.fround(1 / rows);
  delta = delta.map((value) => value * share);
  for (let i = layers.length - 1; i >= 0; i--) {
    weightGradient(passes[i].inputs, rows, delta, layers[i]);
    biasGradient(rows, delta, layers[i]);
    if (i === 0) break;
    const { z, a } = passes[i - 1];
    delta = passedDown(rows, delta, layers[i]).map((value, at) => value * slope(z[at], a[at]));
  }
  return found;
}

const tensorsOf = (layers) => layers.flatMap(({ weight, bias }) => [weight, bias]);

// One step of torch.optim.Adam, with its defaults, or of torch.optim.SGD; `step` counts from 1.
function update(layers, optimizer, rate, step) {
  const size = rate / (1 - 0.9 ** step), root = Math.sqrt(1 - 0.999 ** step);
  for (const { values, gradient, mean, square } of tensorsOf(layers)) {
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i];
      if (optimizer === "sgd") {
        values[i] -= rate * g;
        continue;
      }
      mean[i] += 0.1 * (g - mean[i]);
      square[i] = 0.999 * square[i] + 0.001 * g * g;
      values[i] -= (size * mean[i]) / (Math.sqrt(square[i]) / root + 1e-8);
    }
  }
}

// Learn from one batch; gives its scores, from before the step.
function train(layers, { activation, optimizer, rate }, x, labels, step) {
  const found = backward(layers, activation, forward(layers, activation, x, labels.length), labels);
  update(layers, optimizer, rate, step);
  return found;
}

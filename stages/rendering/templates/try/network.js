// The network of stages/training on typed arrays: forward, backward, and a step of an optimizer.
//
// Values are float32. A sum is taken in float64 and rounded once, in the same order for every
// unit, so units with equal weights stay equal, bit for bit.

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
const normalShare = (z) => 0.5 * (1 + erf(z / Math.SQRT2));
const normalDensity = (z) => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

// By the names in stages/training/activations.py: the value at z, and the slope there, where `a`
// is the value in float32.
const ACTIVATIONS = {
  relu: { value: (z) => (z < 0 ? 0 : z), slope: (z, a) => (a <= 0 ? 0 : 1) }, // NaN stays NaN
  leaky_relu: { value: (z) => (z > 0 ? z : 0.01 * z), slope: (z, a) => (a > 0 ? 1 : 0.01) },
  tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  sigmoid: { value: (z) => 1 / (1 + Math.exp(-z)), slope: (z, a) => a * (1 - a) },
  gelu: { value: (z) => z * normalShare(z), slope: (z) => normalShare(z) + z * normalDensity(z) },
  linear: { value: (z) => z, slope: () => 1 },
};

// Layers from the first hidden one to the output; a weight is [fanOut, fanIn].
function allocate(sizes) {
  const tensor = (size) => ({
    values: new Float32Array(size), gradient: new Float32Array(size),
    mean: new Float32Array(size), square: new Float32Array(size), // Adam's moments
  });
  return sizes.slice(1).map((fanOut, i) => {
    const fanIn = sizes[i], name = i === sizes.length - 2 ? "out" : `fc${i + 1}`;
    return { name, fanIn, fanOut, weight: tensor(fanIn * fanOut), bias: tensor(fanOut) };
  });
}
const tensorsOf = (layers) => layers.flatMap(({ weight, bias }) => [weight, bias]);

// Images [rows, 784] of uint8, normalized as in training.
function normalized(pixels) {
  const scaled = Float32Array.from({ length: 256 }, (_, value) => value / (255 * STD) - MEAN / STD);
  return Float32Array.from(pixels, (value) => scaled[value]);
}

// Σ a[i, k] · b[k, j] as [rows, columns], plus first[j] where given. Four k at a time are faster.
function product(a, b, [rows, inner, columns], first) {
  const out = new Float32Array(rows * columns), sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    sums.fill(0);
    if (first) sums.set(first);
    let k = 0;
    for (; k + 4 <= inner; k += 4) {
      const at = i * inner + k, a0 = a[at], a1 = a[at + 1], a2 = a[at + 2], a3 = a[at + 3];
      const b0 = k * columns, b1 = b0 + columns, b2 = b1 + columns, b3 = b2 + columns;
      for (let j = 0; j < columns; j++) {
        sums[j] += a0 * b[b0 + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j];
      }
    }
    for (; k < inner; k++) {
      for (let j = 0; j < columns; j++) sums[j] += a[i * inner + k] * b[k * columns + j];
    }
    out.set(sums, i * columns);
  }
  return out;
}

function transposed(matrix, rows, columns) {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  }
  return out;
}

// For x [rows, 784] every layer's inputs, sums z and activations a; `out` has no activation.
function forward(layers, activation, x, rows) {
  const { value } = ACTIVATIONS[activation];
  let inputs = x;
  return layers.map(({ weight, bias, fanIn, fanOut }, i) => {
    const columns = transposed(weight.values, fanOut, fanIn);
    const z = product(inputs, columns, [rows, fanIn, fanOut], bias.values);
    const pass = { inputs, z, a: i === layers.length - 1 ? z : z.map(value) };
    inputs = pass.a;
    return pass;
  });
}

// Softmax [rows, classes] in float32, the mean cross-entropy in nats, and the number of correct rows.
function scores(logits, labels) {
  const rows = labels.length, classes = logits.length / rows;
  const softmax = new Float32Array(logits.length);
  let loss = 0, correct = 0;
  for (let n = 0; n < rows; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    let best = 0, sum = 0;
    row.forEach((logit, c) => { if (logit > row[best]) best = c; }); // the first of equal ones
    const powers = row.map((logit) => Math.exp(Math.fround(logit - row[best])));
    for (const power of powers) sum += power;
    softmax.set(powers.map((power) => power / sum), n * classes);
    loss += Math.log(sum) - (row[labels[n]] - row[best]);
    correct += best === labels[n];
  }
  return { softmax, loss: loss / rows, correct };
}

// Set every tensor's gradient of the mean loss; returns the scores.
function backward(layers, activation, passes, labels) {
  const rows = labels.length, classes = layers.at(-1).fanOut, { slope } = ACTIVATIONS[activation];
  const found = scores(passes.at(-1).a, labels), share = Math.fround(1 / rows);
  let delta = found.softmax.slice();
  labels.forEach((label, n) => { delta[n * classes + label] -= 1; });
  delta = delta.map((value) => value * share);
  for (let i = layers.length - 1; i >= 0; i--) {
    const { weight, bias, fanIn, fanOut } = layers[i];
    const units = transposed(delta, rows, fanOut);
    weight.gradient = product(units, passes[i].inputs, [fanOut, rows, fanIn]);
    bias.gradient = product(units, new Float32Array(rows).fill(1), [fanOut, rows, 1]);
    if (i === 0) break;
    const { z, a } = passes[i - 1];
    delta = product(delta, weight.values, [rows, fanOut, fanIn])
      .map((value, at) => value * slope(z[at], a[at]));
  }
  return found;
}

// A step of torch.optim.Adam with its defaults, or of torch.optim.SGD; `step` counts from 1.
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

// Train on one batch; returns its scores from before the step.
function train(layers, { activation, optimizer, lr }, x, labels, step) {
  const found = backward(layers, activation, forward(layers, activation, x, labels.length), labels);
  update(layers, optimizer, lr, step);
  return found;
}

// What the weights are before training: the laws of stages/training/initialization.py, with random
// numbers of the browser's own.

// What one purpose draws never shifts what another draws: a generator has a seed and a purpose.
// Numbers in [0, 1) by sfc32 (Chris Doty-Humphrey, PractRand), whose state FNV-1a fills.
function generator(seed, purpose) {
  const state = [0, 1, 2, 3].map((part) => {
    let hash = 0x811c9dc5;
    for (const letter of `${part}/${seed}/${purpose}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    return hash;
  });
  let [a, b, c, d] = state;
  function uniform() {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  }
  for (let i = 0; i < 20; i++) uniform();
  return uniform;
}

// Box & Muller 1958.
const normal = (uniform) => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

function shuffled(count, uniform) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Q with orthonormal rows, or columns where there are more rows (Saxe et al. 2013): modified
// Gram-Schmidt on normal vectors, twice, since once loses digits.
function orthonormal(fanOut, fanIn, uniform) {
  const count = Math.min(fanOut, fanIn), length = Math.max(fanOut, fanIn), vectors = [];
  for (let i = 0; i < count; i++) {
    const vector = Float64Array.from({ length }, () => normal(uniform));
    for (const other of [...vectors, ...vectors]) {
      const along = vector.reduce((sum, value, k) => sum + value * other[k], 0);
      for (let k = 0; k < length; k++) vector[k] -= along * other[k];
    }
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    vectors.push(vector.map((value) => value / norm));
  }
  return (j, k) => (fanOut <= fanIn ? vectors[j][k] : vectors[k][j]);
}

// (−1)^(number of ones that j and k share in binary)
function hadamard(j, k) {
  let shared = j & k, sign = 1;
  for (; shared; shared &= shared - 1) sign = -sign;
  return sign;
}

// Every way to fill a tensor: its words, its numbers with their first values, and the value at
// [j, k], given the numbers, random numbers, and the tensor's fanIn and fanOut. Those of `biases`
// fill a bias too.
const FILLS = {
  default: { words: "default", biases: true,
    at: ([], u, { fanIn }) => within(-1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn), u) },
  zeros: { words: "zeros", biases: true, at: () => () => 0 },
  ones: { words: "ones", biases: true, at: () => () => 1 },
  constant: { words: "a constant", numbers: { value: 0.1 }, biases: true, at: ([value]) => () => value },
  normal: { words: "mean + noise", numbers: { mean: 0.1, "noise σ": 0.01 }, biases: true,
    at: ([mean, std], u) => () => mean + std * normal(u) },
  uniform: { words: "uniform", numbers: { from: -0.05, to: 0.05 }, biases: true,
    at: ([low, high], u) => within(low, high, u) },
  xavier_normal: { words: "Xavier normal", at: ([], u, t) => scaled(2 / (t.fanIn + t.fanOut), u) },
  xavier_uniform: { words: "Xavier uniform", at: ([], u, t) => spread(2 / (t.fanIn + t.fanOut), u) },
  he_normal: { words: "He normal", at: ([], u, t) => scaled(2 / t.fanIn, u) },
  he_uniform: { words: "He uniform", at: ([], u, t) => spread(2 / t.fanIn, u) },
  lecun_normal: { words: "LeCun normal", at: ([], u, t) => scaled(1 / t.fanIn, u) },
  orthogonal: { words: "orthogonal", numbers: { gain: 1 },
    at: ([gain], u, { fanIn, fanOut }) => {
      const q = orthonormal(fanOut, fanIn, u);
      return (j, k) => gain * q(j, k);
    } },
  identity: { words: "identity", at: () => (j, k) => +(j === k) },
  hadamard: { words: "Hadamard", numbers: { gain: Math.SQRT2 },
    at: ([gain], u, { fanIn }) => (j, k) => hadamard(j, k) * (gain / Math.sqrt(fanIn)) },
  copies: { words: "in copies", numbers: { rows: 2, columns: 1 }, at: copies },
};
const within = (low, high, uniform) => () => low + (high - low) * uniform();
const scaled = (variance, uniform) => () => Math.sqrt(variance) * normal(uniform);
const spread = (variance, uniform) => within(-Math.sqrt(3 * variance), Math.sqrt(3 * variance), uniform);

// `rows` copies of every unit have equal weights in; `columns` copies of every unit below, out.
function copies([rows, columns], uniform, { fanIn, fanOut }) {
  const height = Math.ceil(fanOut / rows), width = Math.ceil(fanIn / columns);
  const draw = within(-1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn), uniform);
  const base = Float32Array.from({ length: height * width }, draw);
  return (j, k) => base[(j % height) * width + (k % width)];
}

// Fill a network's tensors: `fills` by `fc1.weight`, … as [name, ...numbers].
function fill(layers, fills, seed) {
  for (const layer of layers) {
    for (const kind of ["weight", "bias"]) {
      const name = `${layer.name}.${kind}`, [law, ...numbers] = fills[name];
      const at = FILLS[law].at(numbers, generator(seed, name), layer);
      const width = kind === "weight" ? layer.fanIn : 1;
      layer[kind].values.forEach((_, i, values) => {
        values[i] = at(Math.floor(i / width), i % width);
      });
    }
  }
}

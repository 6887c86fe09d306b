// The values of a tensor before training, with random numbers of the browser's own.

// Uniform random numbers in [0, 1) for one seed and one purpose, by sfc32 (Chris Doty-Humphrey,
// PractRand), whose state FNV-1a fills. Purposes draw independently of each other.
function generator(seed, purpose) {
  let [a, b, c, d] = [0, 1, 2, 3].map((part) => {
    let hash = 0x811c9dc5;
    for (const letter of `${part}/${seed}/${purpose}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    return hash;
  });
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
const between = (low, high, uniform) => low + (high - low) * uniform();
const normalOf = (variance, uniform) => () => Math.sqrt(variance) * normal(uniform);
const uniformOf = (variance, uniform) => () => between(-Math.sqrt(3 * variance), Math.sqrt(3 * variance), uniform);

function shuffled(count, uniform) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Orthonormal rows, or columns where there are more rows (Saxe et al. 2013): modified Gram-Schmidt
// on normal vectors, twice, since once loses digits.
function orthogonal({ fanIn, fanOut }, uniform, gain) {
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
  return (j, k) => gain * (fanOut <= fanIn ? vectors[j][k] : vectors[k][j]);
}

// (−1)^(number of binary ones that j and k share)
function hadamard(j, k) {
  let sign = 1;
  for (let shared = j & k; shared; shared &= shared - 1) sign = -sign;
  return sign;
}

// `rows` copies of every unit have equal incoming weights; `columns` copies of every unit below
// have equal outgoing ones.
function duplicated({ fanIn, fanOut }, uniform, rows, columns) {
  const height = Math.ceil(fanOut / rows), width = Math.ceil(fanIn / columns);
  const base = Float32Array.from({ length: height * width }, uniformOf(1 / (3 * fanIn), uniform));
  return (j, k) => base[(j % height) * width + (k % width)];
}

// By the names in rendering/trying.py: the value at [j, k], for a tensor's fanIn and fanOut,
// uniform random numbers, and the initializer's arguments.
const INITIALIZERS = {
  default: ({ fanIn }, uniform) => uniformOf(1 / (3 * fanIn), uniform),
  zeros: () => () => 0,
  ones: () => () => 1,
  constant: (_, uniform, value) => () => value,
  normal: (_, uniform, mean, std) => () => mean + std * normal(uniform),
  uniform: (_, uniform, low, high) => () => between(low, high, uniform),
  xavier_normal: ({ fanIn, fanOut }, uniform) => normalOf(2 / (fanIn + fanOut), uniform),
  xavier_uniform: ({ fanIn, fanOut }, uniform) => uniformOf(2 / (fanIn + fanOut), uniform),
  he_normal: ({ fanIn }, uniform) => normalOf(2 / fanIn, uniform),
  he_uniform: ({ fanIn }, uniform) => uniformOf(2 / fanIn, uniform),
  lecun_normal: ({ fanIn }, uniform) => normalOf(1 / fanIn, uniform),
  orthogonal,
  eye: () => (j, k) => +(j === k),
  hadamard: ({ fanIn }, uniform, gain) => (j, k) => hadamard(j, k) * (gain / Math.sqrt(fanIn)),
  duplicated,
};

// Fill a network's tensors; `tensors` has [initializer, ...arguments] by fc1.weight, fc1.bias, …
function fill(layers, tensors, seed) {
  for (const layer of layers) {
    for (const kind of ["weight", "bias"]) {
      const name = `${layer.name}.${kind}`, [initializer, ...given] = tensors[name];
      const valueAt = INITIALIZERS[initializer](layer, generator(seed, name), ...given);
      const width = kind === "weight" ? layer.fanIn : 1;
      layer[kind].values.forEach((_, i, values) => {
        values[i] = valueAt(Math.floor(i / width), i % width);
      });
    }
  }
}

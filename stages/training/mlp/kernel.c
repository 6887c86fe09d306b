// A fully connected network: forward, backward, and steps of an optimizer.
//
// Every output of a product is one chain of fused multiply-adds in the order of the contraction
// index, all other sums are taken in the order of their terms, and elementwise functions are made
// of IEEE 754's operations alone. So bits depend neither on the width of vectors nor on the
// processor, its maker, or a library: compile with -ffp-contract=off and without -ffast-math.
//
// REAL is float or double. ROWS and COLUMNS set the tile of a product: how many rows and vectors
// of outputs are computed at once, for which a processor needs ROWS x COLUMNS vector registers.
// build.py defines these, the activations' numbers, and what else is shared with Python.
#include <stdint.h>

typedef REAL real;
#define FMA(a, b, c) _Generic((real)0, float: __builtin_fmaf, double: __builtin_fma)(a, b, c)
enum { BYTES = 64, LANES = BYTES / sizeof(real) };
typedef real vec __attribute__((ext_vector_type(LANES)));
typedef real loose __attribute__((ext_vector_type(LANES), aligned(sizeof(real))));
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec load(const real *at) { return *(const loose *)at; }
INLINE void store(real *at, vec values) { *(loose *)at = values; }
INLINE long padded(long width) { return (width + LANES - 1) / LANES * LANES; }

// ------------------------------------------------------------------------- exponentials

typedef union { double value; int64_t bits; } word;

INLINE double power_of_two(double k) { // for whole k from -1022 to 1023
  word w = { .bits = ((int64_t)k + 1023) << 52 };
  return w.value;
}

// exp(x) - 1 as scale * p + (scale - 1): p is a Taylor polynomial on [-ln(2) / 2, ln(2) / 2].
INLINE double exponent(double x, double *scale) {
  const double whole = 6755399441055744.0; // 1.5 * 2^52: adding it rounds to a whole number
  x = x < -708 ? -708 : x > 709 ? 709 : x; // keeps NaN
  double k = __builtin_fma(x, 1.4426950408889634, whole) - whole;
  double r = __builtin_fma(k, -1.9082149292705877e-10, __builtin_fma(k, -0.6931471803691238, x));
  double p = 1.0 / 87178291200;
  const double factors[] = { 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
    1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0 };
  UNROLL for (int i = 0; i < 13; i++) p = __builtin_fma(p, r, factors[i]);
  *scale = power_of_two(k == k ? k : 0);
  return p * r;
}

INLINE double exp_(double x) {
  double scale, p = exponent(x, &scale);
  return __builtin_fma(scale, p, scale);
}

INLINE double expm1_(double x) {
  double scale, p = exponent(x, &scale);
  return __builtin_fma(scale, p, scale - 1);
}

// log(x) for normal x > 0, by the series of artanh; NaN and infinity stay what they are.
INLINE double log_(double x) {
  word w = { x };
  int64_t k = (w.bits - 0x3fe6a09e667f3bcd) >> 52; // the mantissa lies in [sqrt(1/2), sqrt(2))
  w.bits -= k * ((int64_t)1 << 52);
  double s = (w.value - 1) / (w.value + 1), square = s * s, sum = 0;
  UNROLL for (int n = 23; n > 1; n -= 2) sum = __builtin_fma(sum, square, 1.0 / n);
  double series = 2 * s * __builtin_fma(sum, square, 1);
  return x - x == 0 ? __builtin_fma((double)k, 0.6931471805599453, series) : x;
}

// erfc(z) * exp(z^2) * (1 + 2 z) for z in [0, 6.5] as a polynomial in (z - 3.75) / (z + 3.75), by
// Chebyshev's interpolation in 60 digits; its error is below 4e-19.
INLINE double erfc_(double z) {
  const double factors[] = { -1.9870632174033806e-07, -6.455164470987616e-07,
    -4.583472146527017e-07, 1.5013763894423576e-06, -1.047873213260728e-06, -1.1430580829182459e-05,
    2.2405483384944786e-05, 5.1655642122858255e-05, -0.00029015471040746754, 0.0002937127914062492,
    0.001755625733569513, -0.009746579512511427, 0.02836227743026428, -0.058693398591094584,
    0.09230432115993463, -0.1088039301417071, 0.08227673849015424, 0.003585415485463714,
    -0.14024059858554702, 1.2375126308378275 };
  z = z > 6.5 ? 6.5 : z;
  double u = (z - 3.75) / (z + 3.75), p = -2.1716017002971408e-08;
  UNROLL for (int i = 0; i < 20; i++) p = __builtin_fma(p, u, factors[i]);
  return exp_(-z * z) * p / __builtin_fma(2.0, z, 1.0);
}

// The share of the standard normal distribution below x.
INLINE double normal_share(double x) {
  double half = 0.5 * erfc_((x < 0 ? -x : x) * 0.7071067811865476);
  return x < 0 ? half : 1 - half;
}

INLINE double ratio(const double *above, const double *below, double r) {
  double a = above[7], b = below[7];
  UNROLL for (int i = 6; i >= 0; i--) {
    a = __builtin_fma(a, r, above[i]);
    b = __builtin_fma(b, r, below[i]);
  }
  return a / b;
}

// The x below which a share of the standard normal distribution lies: Wichura 1988, algorithm
// AS 241 (PPND16), with its coefficients.
static double quantile(double share) {
  static const double above[3][8] = {
    { 3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
      45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727 },
    { 1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
      3.64784832476320460504, 1.27045825245236838258, 0.241780725177450611770,
      0.0227238449892691845833, 7.74545014278341407640e-4 },
    { 6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
      0.296560571828504891230, 0.0265321895265761230930, 0.00124266094738807843860,
      2.71155556874348757815e-5, 2.01033439929228813265e-7 } };
  static const double below[3][8] = {
    { 1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
      21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610 },
    { 1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550,
      0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4,
      1.05075007164441684324e-9 },
    { 1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
      7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
      2.04426310338993978564e-15 } };
  double q = share - 0.5;
  if (-0.425 <= q && q <= 0.425) return q * ratio(above[0], below[0], 0.180625 - q * q);
  double r = __builtin_sqrt(-log_(q < 0 ? share : 1 - share));
  double found = r <= 5 ? ratio(above[1], below[1], r - 1.6) : ratio(above[2], below[2], r - 5);
  return q < 0 ? -found : found;
}

// --------------------------------------------------------------------------- activations

INLINE double value(int activation, double z) {
  switch (activation) {
  case RELU: return z < 0 ? 0 : z; // NaN stays NaN
  case LEAKY_RELU: return z > 0 ? z : z * LEAKY_SLOPE;
  case TANH: {
    double t = expm1_(2 * (z > 20 ? 20 : z < -20 ? -20 : z));
    return t / (t + 2);
  }
  case SIGMOID: return 1 / (1 + exp_(-z));
  case GELU: return z * normal_share(z);
  default: return z;
  }
}

// The slope at z, where the activation's value is a.
INLINE double slope(int activation, double z, double a) {
  switch (activation) {
  case RELU: return a <= 0 ? 0 : 1;
  case LEAKY_RELU: return a > 0 ? 1 : LEAKY_SLOPE;
  case TANH: return 1 - a * a;
  case SIGMOID: return a * (1 - a);
  case GELU: return __builtin_fma(z, 0.3989422804014327 * exp_(-0.5 * z * z), normal_share(z));
  default: return 1;
  }
}

INLINE void activate_all(int activation, const real *z, real *a, long count) {
  for (long i = 0; i < count; i++) a[i] = (real)value(activation, z[i]);
}

INLINE void multiply_by_slopes(int activation, real *delta, const real *z, const real *a, long count) {
  for (long i = 0; i < count; i++) delta[i] = (real)(delta[i] * slope(activation, z[i], a[i]));
}

// A loop for each activation, which the compiler turns into vectors.
#define EACH(call) switch (activation) { \
  case RELU: call(RELU); break; case LEAKY_RELU: call(LEAKY_RELU); break; \
  case TANH: call(TANH); break; case SIGMOID: call(SIGMOID); break; \
  case GELU: call(GELU); break; default: call(LINEAR); }

static void activate(int activation, const real *z, real *a, long count) {
#define CALL(one) activate_all(one, z, a, count)
  EACH(CALL)
#undef CALL
}

static void differentiate(int activation, real *delta, const real *z, const real *a, long count) {
#define CALL(one) multiply_by_slopes(one, delta, z, a, count)
  EACH(CALL)
#undef CALL
}

// ----------------------------------------------------------------------------- optimizers

enum { ADAM, SGD };

// The settings of an optimizer, and what a step of it needs. `first` and `second` are the powers of
// Adam's decay rates after the last step.
typedef struct {
  int32_t kind;
  int64_t step;
  double rate, momentum, first, second;
} optimizer;

typedef struct { vec rate, inverse_root; } pace; // of Adam, at one step

INLINE pace next_step(optimizer *o) {
  o->step += 1;
  o->first *= 0.9;
  o->second *= 0.999;
  pace found = { (vec)(real)(o->rate / (1 - o->first)),
    (vec)(real)(1 / __builtin_sqrt(1 - o->second)) };
  return found;
}

// Moments so small change no weight, but decay to subnormal numbers, with which some processors
// compute a hundred times as slowly.
INLINE vec without_tiny(vec values, real least) {
  return __builtin_elementwise_abs(values) < least ? (vec)(real)0 : values;
}

// A step of torch.optim.Adam with its defaults, or of torch.optim.SGD, on one vector of weights.
INLINE void update(const optimizer *o, const pace *p, real *weight, real *first, real *second, vec g) {
  if (o->kind == ADAM) {
    vec mean = load(first), square = load(second);
    mean = without_tiny(__builtin_elementwise_fma(g - mean, (vec)(real)0.1, mean), 1e-30);
    g = without_tiny(g, 1e-15);
    square = without_tiny(__builtin_elementwise_fma(g * (real)0.001, g, square * (real)0.999), 1e-32);
    store(first, mean);
    store(second, square);
    vec root = __builtin_elementwise_sqrt(square);
    vec size = __builtin_elementwise_fma(root, p->inverse_root, (vec)(real)1e-8);
    store(weight, load(weight) - mean * p->rate / size);
    return;
  }
  if (o->momentum != 0) {
    g = __builtin_elementwise_fma(load(first), (vec)(real)o->momentum, g);
    store(first, g);
  }
  store(weight, __builtin_elementwise_fma(g, (vec)(real)-o->rate, load(weight)));
}

// ------------------------------------------------------------------------------- products

// out[i, j] = start[j] + the sum over k of a[i, k] * b[k, j], where a[i, k] is at i * row + k * term
// and b[k, j] at k * width + j; out has the same width. With an optimizer the sums are gradients of
// `out`, which is a weight matrix.
typedef struct {
  const real *a;
  long row, term;
  const real *b, *start;
  real *out;
  long rows, terms, width;
  const optimizer *o;
  const pace *p;
  long first, second; // from a weight to its moments
} product;

INLINE void tile(const product *q, const int rows, const int columns, long i, long j) {
  vec sum[ROWS][COLUMNS];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int c = 0; c < columns; c++)
      sum[r][c] = q->start ? load(q->start + j + c * LANES) : (vec)(real)0;
  const real *a = q->a + i * q->row, *b = q->b + j;
  const long row = q->row, term = q->term, width = q->width;
  for (long k = 0; k < q->terms; k++, a += term, b += width) {
    vec factors[COLUMNS];
    UNROLL for (int c = 0; c < columns; c++) factors[c] = load(b + c * LANES);
    UNROLL for (int r = 0; r < rows; r++)
      UNROLL for (int c = 0; c < columns; c++)
        sum[r][c] = __builtin_elementwise_fma((vec)a[r * row], factors[c], sum[r][c]);
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int c = 0; c < columns; c++) {
      real *out = q->out + (i + r) * width + j + c * LANES;
      if (q->o) update(q->o, q->p, out, out + q->first, out + q->second, sum[r][c]);
      else store(out, sum[r][c]);
    }
}

INLINE void panel(const product *q, const int columns, long j) {
  long i = 0;
  for (; i + ROWS <= q->rows; i += ROWS) tile(q, ROWS, columns, i, j);
  for (; i < q->rows; i++) tile(q, 1, columns, i, j);
}

static void multiply(const product *q) {
  long j = 0;
  for (; j + COLUMNS * LANES <= q->width; j += COLUMNS * LANES) panel(q, COLUMNS, j);
  for (; j < q->width; j += LANES) panel(q, 1, j);
}

// ------------------------------------------------------------------------------- a network

// Layer l has inputs of width sizes[l] and outputs of width sizes[l + 1]. Its weights are
// [sizes[l], padded(sizes[l + 1])], its biases follow them; all layers lie one after the other in
// `weights`, `first` and `second` (the moments), `initial`. What is padded is 0.
typedef struct {
  int32_t layers, activation;
  const int64_t *sizes;
  real *weights, *first, *second;
  const real *initial;
  int64_t *moved_at; // the step at which a layer's weights and biases moved first; 0: not yet
} network;

// The inputs of all examples: either bytes, which are normalized, or floats, taken as they are.
typedef struct {
  const uint8_t *pixels;
  const float *floats;
} examples;

// The buffers of a pass over some images: inputs x, every layer's z, its activation a (in the place
// of z where the slope does not need z), delta, the gradient at z, and a transposed weight matrix.
typedef struct {
  long rows;
  real *x, *z[MOST_LAYERS], *a[MOST_LAYERS], *delta[MOST_LAYERS], *transposed;
} pass;

INLINE long width_of(const network *n, int i) { return padded(n->sizes[i]); }
INLINE long length_of(const network *n, int l) { return (n->sizes[l] + 1) * width_of(n, l + 1); }

static long lay_out(pass *p, const network *n, long rows, real *scratch) {
  real *at = scratch;
  long largest = 0;
  p->rows = rows;
  p->x = at;
  at += rows * width_of(n, 0);
  for (int l = 0; l < n->layers; l++) {
    long count = rows * width_of(n, l + 1), matrix = n->sizes[l + 1] * width_of(n, l);
    p->z[l] = p->a[l] = at;
    at += count;
    if (n->activation == GELU && l < n->layers - 1) p->a[l] = at, at += count;
    p->delta[l] = at;
    at += count;
    if (l > 0 && matrix > largest) largest = matrix;
  }
  p->transposed = at;
  return at + largest - scratch;
}

static void normalize(const network *n, const pass *p, examples e, long from, const int64_t *order) {
  const real factor = (real)(1 / (255 * STD)), shift = (real)(-MEAN / STD);
  const long count = n->sizes[0], width = width_of(n, 0);
  for (long i = 0; i < p->rows; i++) {
    const long at = (order ? order[i] : from + i) * count;
    real *x = p->x + i * width;
    if (e.pixels)
      for (long k = 0; k < count; k++) x[k] = FMA((real)e.pixels[at + k], factor, shift);
    else
      for (long k = 0; k < count; k++) x[k] = (real)e.floats[at + k];
    for (long k = count; k < width; k++) x[k] = 0;
  }
}

static void forward(const network *n, const pass *p) {
  const real *inputs = p->x, *weights = n->weights;
  for (int l = 0; l < n->layers; l++) {
    const long terms = n->sizes[l], width = width_of(n, l + 1);
    multiply(&(product){ .a = inputs, .row = width_of(n, l), .term = 1, .b = weights,
      .start = weights + terms * width, .out = p->z[l], .rows = p->rows, .terms = terms, .width = width });
    if (l < n->layers - 1) activate(n->activation, p->z[l], p->a[l], p->rows * width);
    inputs = p->a[l];
    weights += length_of(n, l);
  }
}

// Add cross-entropies and the number of correct answers; write the gradient of the mean loss at the
// logits into delta.
static void judge(const network *n, const pass *p, const int64_t *labels, const int64_t *order,
                  double *loss, int64_t *correct) {
  const long classes = n->sizes[n->layers], width = width_of(n, n->layers);
  const real share = (real)(1.0 / p->rows);
  for (long i = 0; i < p->rows; i++) {
    const real *logits = p->z[n->layers - 1] + i * width;
    real *delta = p->delta[n->layers - 1] + i * width;
    const long label = labels[order ? order[i] : i];
    long best = 0;
    double sum = 0;
    for (long c = 1; c < classes; c++) if (logits[c] > logits[best]) best = c; // the first of equal ones
    for (long c = 0; c < classes; c++) {
      const real power = (real)exp_((double)logits[c] - logits[best]);
      delta[c] = power;
      sum += power;
    }
    for (long c = 0; c < width; c++) {
      delta[c] = c < classes ? ((real)(delta[c] / sum) - (c == label)) * share : 0;
    }
    *loss += log_(sum) - ((double)logits[label] - logits[best]);
    *correct += best == label;
  }
}

INLINE int any(const real *values, long count) { // NaN counts
  int found = 0;
  for (long i = 0; i < count; i++) found |= !(values[i] == 0);
  return found;
}

INLINE int differ(const real *values, const real *others, long count) {
  int found = 0;
  for (long i = 0; i < count; i++) found |= !(values[i] == others[i]);
  return found;
}

static void transpose(const real *matrix, real *out, long rows, long columns, long from, long to) {
  for (long i = 0; i < rows; i += 16)
    for (long j = 0; j < columns; j++)
      for (long k = i; k < i + 16 && k < rows; k++) out[j * to + k] = matrix[k * from + j];
  for (long j = 0; j < columns; j++)
    for (long k = rows; k < to; k++) out[j * to + k] = 0;
}

// Step down from the output: with an optimizer train the weights, without one write the gradients
// into `gradients`, which is laid out like weights.
static void backward(const network *n, const pass *p, const optimizer *o, const pace *speed, real *gradients) {
  static const real one = 1;
  long at = 0;
  for (int l = 0; l < n->layers; l++) at += length_of(n, l);
  for (int l = n->layers - 1; l >= 0; l--) {
    const long below = n->sizes[l], width = width_of(n, l + 1);
    at -= length_of(n, l);
    real *weights = n->weights + at;
    const real *inputs = l ? p->a[l - 1] : p->x;
    int blind = 0;
    if (l > 0) {
      const long count = p->rows * width_of(n, l);
      transpose(weights, p->transposed, below, n->sizes[l + 1], width, width_of(n, l));
      multiply(&(product){ .a = p->delta[l], .row = width, .term = 1, .b = p->transposed,
        .out = p->delta[l - 1], .rows = p->rows, .terms = n->sizes[l + 1], .width = width_of(n, l) });
      differentiate(n->activation, p->delta[l - 1], p->z[l - 1], p->a[l - 1], count);
      if (o) {
        blind = !any(p->delta[l - 1], count);
        for (int k = 0; blind && k < 2 * l; k++) blind = n->moved_at[k] == 0;
      }
    }
    product q = { .a = inputs, .row = 1, .term = width_of(n, l), .b = p->delta[l],
      .out = o ? weights : gradients + at, .rows = below, .terms = p->rows, .width = width,
      .o = o, .p = speed, .first = n->first - n->weights, .second = n->second - n->weights };
    multiply(&q);
    q.a = &one, q.term = 0, q.rows = 1, q.out += below * width;
    multiply(&q);
    if (o) {
      const real *before = n->initial + at;
      const long matrix = below * width;
      if (!n->moved_at[2 * l] && differ(weights, before, matrix)) n->moved_at[2 * l] = o->step;
      if (!n->moved_at[2 * l + 1] && differ(weights + matrix, before + matrix, width))
        n->moved_at[2 * l + 1] = o->step;
    }
    if (blind) return; // every gradient below is 0, and so is every moment
  }
}

// ---------------------------------------------------------------------- what Python calls

// The number of values in `scratch` for passes over so many images.
long scratch_length(const network *n, long rows) {
  pass p;
  return lay_out(&p, n, rows, 0);
}

// Train on images in an order, batch by batch; loss and answers are counted on the way.
void train(const network *n, optimizer *o, examples e, const int64_t *labels,
           const int64_t *order, long count, long batch, real *scratch, double *loss,
           int64_t *correct) {
  pass p;
  for (long from = 0; from < count; from += batch) {
    lay_out(&p, n, count - from < batch ? count - from : batch, scratch);
    normalize(n, &p, e, 0, order + from);
    forward(n, &p);
    judge(n, &p, labels, order + from, loss, correct);
    const pace speed = next_step(o);
    backward(n, &p, o, &speed, 0);
  }
}

// Score all images, `rows` at a time, and write their logits [count, padded(classes)].
void score(const network *n, examples e, const int64_t *labels, long count, long rows,
           real *logits, real *scratch, double *loss, int64_t *correct) {
  pass p;
  const long width = width_of(n, n->layers);
  for (long from = 0; from < count; from += rows) {
    lay_out(&p, n, count - from < rows ? count - from : rows, scratch);
    normalize(n, &p, e, from, 0);
    forward(n, &p);
    const real *found = p.z[n->layers - 1];
    for (long i = 0; i < p.rows * width; i++) logits[from * width + i] = found[i];
    judge(n, &p, labels + from, 0, loss, correct);
  }
}

// Pass over all images at once, without a step, and leave the buffers in `scratch`: every layer's
// outputs begin at outputs[l], and the gradients at its z at deltas[l]. `gradients` is laid out
// like weights.
void look(const network *n, examples e, const int64_t *labels, long count, real *scratch,
          real *gradients, int64_t *outputs, int64_t *deltas) {
  pass p;
  double loss = 0;
  int64_t correct = 0;
  lay_out(&p, n, count, scratch);
  normalize(n, &p, e, 0, 0);
  forward(n, &p);
  judge(n, &p, labels, 0, &loss, &correct);
  backward(n, &p, 0, 0, gradients);
  for (int l = 0; l < n->layers; l++) outputs[l] = p.a[l] - scratch, deltas[l] = p.delta[l] - scratch;
}

// Replace shares of the standard normal distribution by the values below which they lie.
void quantiles(double *values, long count) {
  for (long i = 0; i < count; i++) values[i] = quantile(values[i]);
}

// Replace values by the shares below them.
void shares(double *values, long count) {
  for (long i = 0; i < count; i++) values[i] = normal_share(values[i]);
}

// Make rows [count, length] orthonormal, one after the other: Gram and Schmidt's method, twice, since
// once loses digits.
void orthonormalize(double *rows, long count, long length) {
  for (long i = 0; i < count; i++) {
    double *row = rows + i * length, square = 0;
    for (long j = 0; j < 2 * i; j++) {
      const double *other = rows + (j % i) * length;
      double along = 0;
      for (long k = 0; k < length; k++) along = __builtin_fma(row[k], other[k], along);
      for (long k = 0; k < length; k++) row[k] = __builtin_fma(-along, other[k], row[k]);
    }
    for (long k = 0; k < length; k++) square = __builtin_fma(row[k], row[k], square);
    for (long k = 0; k < length; k++) row[k] /= __builtin_sqrt(square);
  }
}

// The products of all rows of a [rows, terms] with the columns of b [terms, width].
void products(const real *a, const real *b, long rows, long terms, long width, real *out) {
  multiply(&(product){ .a = a, .row = terms, .term = 1, .b = b, .out = out, .rows = rows,
    .terms = terms, .width = width });
}

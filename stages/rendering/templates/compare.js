// Any two variants, compared seed by seed at the end of training.

// The mean of differences, and Student's interval.
function estimate(differences) {
  const n = differences.length, mean = differences.reduce((sum, one) => sum + one, 0) / n;
  const squares = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const half = study.quantiles[n - 2] * Math.sqrt(squares / (n - 1) / n);
  return { mean, low: mean - half, high: mean + half };
}

// Test accuracy by seed, and the outcomes of the seeds.
function endsOf(variant) {
  const [head, ...rows] = rowsOf("seeds"), column = (name) => head.indexOf(name);
  const own = rows.filter((row) => row[column("variant")] === variant);
  return {
    bySeed: Object.fromEntries(own.map((row) => [row[column("seed")], +row[column("test_acc")]])),
    outcomes: new Set(own.map((row) => row[column("end")])),
  };
}

// The comparison of two variants, or `why` there is none.
function compared(first, second) {
  if (first === second) return { why: "Choose two different variants." };
  const [one, other] = [first, second].map((name) => ({ ...study.variants[name], ...endsOf(name) }));
  if (one.epochs !== other.epochs) {
    return { why: `Not comparable: “${one.label}” has ${one.epochs} epochs of training, “${other.label}” has ${other.epochs}.` };
  }
  for (const { label, outcomes, accuracy } of [one, other]) {
    if (outcomes.has("diverges") || outcomes.size > 1) {
      return { why: `Not comparable: the seeds of “${label}” have no common mean (${accuracy}).` };
    }
  }
  const seeds = Object.keys(one.bySeed).filter((seed) => seed in other.bySeed);
  if (seeds.length < 2) return { why: "Not comparable: an interval needs two seeds that both variants have." };
  const differences = seeds.map((seed) => one.bySeed[seed] - other.bySeed[seed]);
  return { seeds, differences, ...estimate(differences) };
}

function inPoints(difference) {
  const text = (100 * difference).toFixed(2);
  return +text === 0 ? "0.00" : text.startsWith("-") ? text.replace("-", "−") : `+${text}`;
}

function showComparison(first, second) {
  const { why, seeds, differences, mean, low, high } = compared(first, second);
  const text = why ?? `“${labelOf(first)}” ends ${inPoints(mean)} points (95 % interval: ` +
    `${inPoints(low)} to ${inPoints(high)}) relative to “${labelOf(second)}”, over ${seeds.length} seeds. ` +
    `By seed: ${differences.map(inPoints).join(", ")}.`;
  $("#compare [role=status]").textContent = text;
}

// Every pair once, as CSV; numbers are fractions.
function pairsAsCsv() {
  const names = Object.keys(study.variants), digits = (value) => value?.toFixed(6) ?? "";
  const pairs = names.flatMap((first, i) => names.slice(i + 1).map((second) => {
    const { why = "", seeds, mean, low, high } = compared(first, second);
    const numbers = [mean, low, high].map(digits);
    return [first, second, seeds?.length ?? "", ...numbers, why && `"${why.replaceAll('"', '""')}"`].join(",");
  }));
  return ["variant,relative_to,seeds,difference,low,high,not_compared", ...pairs, ""].join("\n");
}

function startComparing() {
  const selects = $$("#compare select"), show = () => showComparison(...selects.map(({ value }) => value));
  for (const select of selects) select.addEventListener("change", show);
  $("#pairs").addEventListener("click", () => download("pairs.csv", pairsAsCsv()));
  show();
}

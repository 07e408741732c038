/** log Γ(x) for x > 0 (Lanczos, g = 7, nine terms): relative error below 1e-14. */
function logGamma(x: number): number {
  const coefficients = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const sum = coefficients.reduce((total, value, index) => total + (index === 0 ? value : value / (x - 1 + index)), 0);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The continued fraction of the incomplete beta function (Lentz; Numerical Recipes, 3rd ed., 6.4). */
function betaFraction(x: number, a: number, b: number): number {
  const away = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/**
 * The regularised incomplete beta function I_x(a, b), 0 … 1.
 * @param x 0 … 1
 * @param a above 0, and so is `b`
 */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** P(|T| ≥ |t|) of Student's t with `df` degrees of freedom (above 0). */
export function studentTwoSided(t: number, df: number): number {
  if (Number.isNaN(t)) return NaN;
  if (!Number.isFinite(t)) return 0;
  const square = t * t;
  // Either form is exact; each loses digits where its first argument is close to 1.
  if (square < df) return 1 - regularizedBeta(square / (df + square), 0.5, df / 2);
  return regularizedBeta(df / (df + square), df / 2, 0.5);
}

/**
 * The t that |T| stays below with probability `confidence`: 2.571 for 0.95 and 5 degrees of freedom.
 * @param confidence between 0 and 1
 */
export function studentCritical(confidence: number, df: number): number {
  const beyond = 1 - confidence;
  let high = 1;
  while (studentTwoSided(high, df) > beyond) high *= 2;
  let low = 0;
  // Halved until the two are neighbours: a hundred steps are more than a double has bits.
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (studentTwoSided(middle, df) > beyond) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

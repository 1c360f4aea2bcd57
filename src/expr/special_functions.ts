/**
 * The error function, the gamma function and their relatives, and Bessel functions, to nearly full double precision.
 *
 * The coefficients are Chebyshev expansions of the functions, computed with 60 digits.
 * @module
 */

/** erf(x) / x in powers of x^2, for |x| <= 1. */
export const erfPowers: readonly number[] = [
  1.1283791670955126,
  -0.3761263890318375,
  0.11283791670954879,
  -0.026866170645076792,
  0.0052239776248180145,
  -0.000854832698083379,
  0.0001205533111164271,
  -1.4925595266831182e-05,
  1.6461000484121368e-06,
  -1.6350312701054695e-07,
  1.4659775274047436e-08,
  -1.1372848856791674e-09,
  5.957176147748911e-11,
];

/** (x + 2.5) erfcx(x) for x >= 1 as a Chebyshev series in (x - 2.5) / (x + 2.5), mapped from [-3/7, 1] to [-1, 1]. */
export const erfcxSeries: readonly number[] = [
  0.9428567230627729,
  -0.45400266241393294,
  0.08650170985489321,
  -0.012187349785163006,
  0.0010229192207129904,
  1.2425477268497002e-05,
  -1.5496891093239147e-05,
  1.1532352092978394e-06,
  1.9763914423530825e-07,
  -3.3862420897174324e-08,
  -2.8971469540034255e-09,
  8.730632364169389e-10,
  5.901040472429391e-11,
  -2.3451343691920643e-11,
  -1.824414494427617e-12,
  6.611841844926125e-13,
  7.450141097478028e-14,
  -1.862474171421658e-14,
  -3.3525938120451953e-15,
  4.680314976693701e-16,
  1.5019979339981406e-16,
];

/** lgamma(x) / ((x - 1)(x - 2)) for 1 <= x <= 3 as a Chebyshev series in x - 2. */
export const lgammaSeries: readonly number[] = [
  0.44148902545501423,
  -0.11119580321752523,
  0.01951044826068884,
  -0.003922461463025264,
  0.0008478989895953857,
  -0.00019153855341365593,
  4.454470184975607e-05,
  -1.05728743735943e-05,
  2.5474336873408417e-06,
  -6.208535880776316e-07,
  1.5268677399071546e-07,
  -3.782637660291326e-08,
  9.428100823624284e-09,
  -2.361999702184645e-09,
  5.943541905817546e-10,
  -1.501312977072867e-10,
  3.8050196458110534e-11,
  -9.672485299656325e-12,
  2.4653481983556614e-12,
  -6.298868140791711e-13,
  1.6128460030283737e-13,
  -4.137949206814042e-14,
  1.0635701227758387e-14,
  -2.7382420786652826e-15,
  7.060670507209999e-16,
  -1.8232177141662118e-16,
  4.714169006805207e-17,
];

/** Sum of a Chebyshev series, by Clenshaw's recurrence. */
function chebyshev(series: readonly number[], t: number): number {
  let next = 0, afterNext = 0;
  for (let k = series.length - 1; k > 0; k--) {
    const sum = 2 * t * next - afterNext + series[k];
    afterNext = next;
    next = sum;
  }
  return t * next - afterNext + series[0];
}

/** Sum of a power series, by Horner's rule. */
function powers(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k];
  return sum;
}

// The error function

/** exp(-x^2) without the error of rounding x^2, which large x would magnify. */
function gaussian(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}

/** exp(x^2) erfc(x) for x >= 1. */
function erfcxTail(x: number): number {
  if (x > 1e8) return 1 / (Math.sqrt(Math.PI) * x);
  const t = (x - 2.5) / (x + 2.5);
  return chebyshev(erfcxSeries, (7 * t - 2) / 5) / (x + 2.5);
}

/** The error function. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= 1) return x * powers(erfPowers, x * x);
  if (size >= 6) return Math.sign(x);
  return Math.sign(x) * (1 - gaussian(x) * erfcxTail(size));
}

/** 1 - erf(x), accurate where that is tiny. */
export function erfc(x: number): number {
  if (x < 1) return 1 - erf(x);
  return x > 27 ? 0 : gaussian(x) * erfcxTail(x);
}

/** exp(x^2) erfc(x), which neither underflows nor cancels for large x. */
export function erfcx(x: number): number {
  if (x >= 1) return erfcxTail(x);
  return x < -27 ? Infinity : erfc(x) / gaussian(x);
}

/** The inverse of {@linkcode erf}: NaN beyond -1 and 1, where it is infinite. */
export function erfinv(y: number): number {
  const rest = 1 - Math.abs(y);
  if (!(rest > 0)) return rest === 0 ? y * Infinity : NaN;
  if (y === 0) return y;
  // Winitzki's closed form is right to 0.2%; each of Halley's steps triples the number of digits.
  const l = Math.log1p(-y * y), k = 0.147;
  const h = 2 / (Math.PI * k) + l / 2;
  let x = Math.sqrt(Math.sqrt(h * h - l / k) - h);
  for (let step = 0; step < 2; step++) {
    const error = x < 1 ? erf(x) - Math.abs(y) : rest - erfc(x);
    const u = error / (2 / Math.sqrt(Math.PI) * gaussian(x));
    x -= u / (1 + x * u);
  }
  return y < 0 ? -x : x;
}

// The gamma function

/** Bernoulli numbers B2, B4, ... */
export const bernoulli: readonly number[] = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
];

/** Logarithm of the absolute value of the gamma function; infinite at 0 and the negative integers. */
export function lgamma(x: number): number {
  if (x !== x) return NaN;
  if (x < 0.5) {
    if (Math.floor(x) === x || x === -Infinity) return Infinity;
    // Reflection; near 0 only the leading 1 / |x| counts, and 1 - x would lose x.
    if (Math.abs(x) < 1e-17) return -Math.log(Math.abs(x));
    return Math.log(Math.PI / Math.abs(sinPi(x))) - lgamma(1 - x);
  }
  if (x < 1) return lgamma(x + 1) - Math.log(x);
  if (x <= 3) return 0 + (x - 1) * (x - 2) * chebyshev(lgammaSeries, x - 2); // 0 + makes 0 of -0
  if (x === Infinity) return x;
  if (x < 10) {
    let product = 1;
    for (; x > 3; product *= x) x -= 1;
    return Math.log(product) + lgamma(x);
  }
  let sum = 0, power = 1 / x;
  for (let k = 1; k <= bernoulli.length; k++, power /= x * x) {
    sum += bernoulli[k - 1] / (2 * k * (2 * k - 1)) * power;
  }
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + sum;
}

/** sin(pi x), exact in its zeros. */
function sinPi(x: number): number {
  const r = x - 2 * Math.round(x / 2);
  return Math.sin(Math.PI * (Math.abs(r) <= 0.5 ? r : Math.sign(r) - r));
}

/** Derivative of {@linkcode lgamma}: NaN at the negative integers, infinite at 0. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) {
    if (Math.floor(x) === x) return NaN;
    const r = x - Math.round(x);
    return digamma(1 - x) - Math.PI / Math.tan(Math.PI * r);
  }
  let sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  let tail = 0, power = 1 / (x * x);
  for (let k = 1; k <= bernoulli.length; k++, power /= x * x) tail += bernoulli[k - 1] / (2 * k) * power;
  return sum + Math.log(x) - 0.5 / x - tail;
}

/** The n-th derivative of {@linkcode digamma}, n = 0, 1, 2, ... */
export function polygamma(n: number, x: number): number {
  if (!(n >= 0 && Math.floor(n) === n)) return NaN;
  if (n === 0) return digamma(x);
  let factorial = 1;
  for (let k = 2; k <= n; k++) factorial *= k;
  return (n % 2 === 0 ? -factorial : factorial) * zeta(n + 1, x);
}

/** Hurwitz' zeta function, the sum of (x + k)^-s over k = 0, 1, ..., for integers s > 1. */
function zeta(s: number, x: number): number {
  if (x <= 0) {
    const m = -Math.floor(x), f = x + m;
    if (f === 0) return Infinity;
    if (f !== f) return NaN;
    // The terms before f > 0 are those of 1 - f, 2 - f, ..., up to sign
    const before = zeta(s, 1 - f) - zeta(s, 1 - x);
    return zeta(s, f) + (s % 2 === 0 ? before : -before);
  }
  let sum = 0;
  for (; x < 10 + s / 2; x += 1) sum += x ** -s;
  // Euler and Maclaurin's formula for the rest
  sum += x ** (1 - s) / (s - 1) + x ** -s / 2;
  let factor = s / 2 * x ** (-s - 1);
  for (let k = 1; k <= bernoulli.length; k++) {
    sum += bernoulli[k - 1] * factor;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2) * x * x);
  }
  return sum;
}

// Modified Bessel functions of the first kind

/** Order 0. */
export function i0(x: number): number {
  return bessel(0, Math.abs(x));
}

/** Order 1. */
export function i1(x: number): number {
  return x < 0 ? -bessel(1, -x) : bessel(1, x);
}

function bessel(order: 0 | 1, x: number): number {
  if (x > 715) return x === Infinity ? NaN : Infinity; // NaN at infinity is PyTorch's choice
  if (x !== x) return NaN;
  let term = 1, sum = 1;
  if (x < 25) {
    const q = x * x / 4;
    for (let k = 1; term > 1e-17 * sum; k++) sum += term *= q / (k * (k + order));
    return order === 0 ? sum : sum * x / 2;
  }
  // The asymptotic series; its smallest term is far below the rounding
  const mu = 4 * order;
  for (let k = 1; Math.abs(term) > 1e-17 && k < 40; k++) {
    const odd = 2 * k - 1;
    term *= (odd * odd - mu) / (8 * x * k);
    sum += term;
  }
  const half = Math.exp(x / 2); // exp(x) itself would overflow first
  return half / Math.sqrt(2 * Math.PI * x) * half * sum;
}

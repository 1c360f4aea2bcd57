/**
 * WGSL functions of float64 for the error function, the gamma function and their relatives, and Bessel functions: the formulas of
 * `special_functions.ts`, on what `wgsl_doubles.ts` has.
 * @module
 */
import { bernoulli, erfcxSeries, erfPowers, lgammaSeries } from "./special_functions.ts";
import { horner, literal } from "./wgsl_doubles.ts";

/** A table that a function may index. */
function table(values: readonly number[]): string {
  return `array<f64, ${values.length}>(${values.map(literal).join(", ")})`;
}

/** A Chebyshev series at t, by Clenshaw's recurrence. */
function chebyshev(name: string, series: readonly number[]): string {
  return `fn ${name}(t: f64) -> f64 {
  var series = ${table(series)};
  var next = 0.0lf;
  var after = 0.0lf;
  for (var k = ${series.length - 1}; k > 0; k--) {
    let sum = 2.0lf * t * next - after + series[k];
    after = next;
    next = sum;
  }
  return t * next - after + series[0];
}`;
}

/** WGSL source: error function, gamma function and relatives, Bessel functions, of float64. */
export const doubleSpecialWgsl: string = `
// exp(-x^2) without the error of rounding x^2
fn m_d_gaussian(x: f64) -> f64 {
  let high = f64(f32(x));
  return m_d_exp(-high * high) * m_d_exp((high - x) * (high + x));
}
${chebyshev("m_d_erfcx_series", erfcxSeries)}
fn m_d_erfcx_tail(x: f64) -> f64 {
  if (x > 1e8lf) { return ${literal(1 / Math.sqrt(Math.PI))} / x; }
  let t = (x - 2.5lf) / (x + 2.5lf);
  return m_d_erfcx_series((7.0lf * t - 2.0lf) / 5.0lf) / (x + 2.5lf);
}
fn m_d_erf(x: f64) -> f64 {
  let a = abs(x);
  if (a <= 1.0lf) {
    let z = x * x;
    return x * ${horner("z", [...erfPowers].reverse())};
  }
  if (m_d_isnan(x)) { return x; }
  if (a >= 6.0lf) { return m_d_copysign(1.0lf, x); }
  return m_d_copysign(1.0lf - m_d_gaussian(a) * m_d_erfcx_tail(a), x);
}
fn m_d_erfc(x: f64) -> f64 {
  if (x < 1.0lf || m_d_isnan(x)) { return 1.0lf - m_d_erf(x); }
  if (x > 27.0lf) { return 0.0lf; }
  return m_d_gaussian(x) * m_d_erfcx_tail(x);
}
fn m_d_erfcx(x: f64) -> f64 {
  if (x >= 1.0lf) { return m_d_erfcx_tail(x); }
  if (x < -27.0lf) { return m_d_inf(); }
  return m_d_erfc(x) / m_d_gaussian(x);
}
fn m_d_erfinv(y: f64) -> f64 {
  let rest = 1.0lf - abs(y);
  if (!(rest > 0.0lf)) { return select(m_d_nan(), y * m_d_inf(), rest == 0.0lf); }
  if (y == 0.0lf) { return y; }
  // Winitzki's closed form is right to 0.2 %; each of Halley's steps triples the number of digits
  let l = m_d_log1p(-y * y);
  let h = ${literal(2 / (Math.PI * 0.147))} + l * 0.5lf;
  var x = sqrt(sqrt(h * h - l / 0.147lf) - h);
  for (var step = 0; step < 2; step++) {
    let error = select(rest - m_d_erfc(x), m_d_erf(x) - abs(y), x < 1.0lf);
    let u = error / (${literal(2 / Math.sqrt(Math.PI))} * m_d_gaussian(x));
    x -= u / (1.0lf + x * u);
  }
  return select(x, -x, y < 0.0lf);
}

${chebyshev("m_d_lgamma_series", lgammaSeries)}
fn m_d_stirling(x: f64) -> f64 {
  var bernoulli = ${table(bernoulli)};
  var sum = 0.0lf;
  var power = 1.0lf / x;
  for (var k = 1; k <= ${bernoulli.length}; k++) {
    sum += bernoulli[k - 1] / f64(2 * k * (2 * k - 1)) * power;
    power = power / (x * x);
  }
  return (x - 0.5lf) * m_d_log(x) - x + ${literal(0.5 * Math.log(2 * Math.PI))} + sum;
}
fn m_d_lgamma_right(v: f64) -> f64 {
  if (v == m_d_inf()) { return v; }
  if (v >= 10.0lf) { return m_d_stirling(v); }
  var x = v;
  var product = 1.0lf;
  for (var i = 0; i < 8 && x > 3.0lf; i++) { x -= 1.0lf; product = product * x; }
  var shift = 0.0lf;
  if (x < 1.0lf) { shift = m_d_log(x); x += 1.0lf; }
  let y = (x - 1.0lf) * (x - 2.0lf) * m_d_lgamma_series(x - 2.0lf) - shift + 0.0lf;
  return select(y, m_d_log(product) + y, product != 1.0lf);
}
fn m_d_sin_pi(x: f64) -> f64 {
  let r = x - 2.0lf * m_d_round(x * 0.5lf);
  return m_d_sin(${literal(Math.PI)} * select(m_d_copysign(1.0lf, r) - r, r, abs(r) <= 0.5lf));
}
fn m_d_lgamma(x: f64) -> f64 {
  if (m_d_isnan(x)) { return x; }
  if (x >= 0.5lf) { return m_d_lgamma_right(x); }
  if (floor(x) == x || x == -m_d_inf()) { return m_d_inf(); }
  if (abs(x) < 1e-17lf) { return -m_d_log(abs(x)); }
  return m_d_log(${literal(Math.PI)} / abs(m_d_sin_pi(x))) - m_d_lgamma_right(1.0lf - x);
}
fn m_d_digamma_right(v: f64) -> f64 {
  var bernoulli = ${table(bernoulli)};
  var x = v;
  var sum = 0.0lf;
  for (var i = 0; i < 11 && x < 10.0lf; i++) { sum -= 1.0lf / x; x += 1.0lf; }
  var tail = 0.0lf;
  var power = 1.0lf / (x * x);
  for (var k = 1; k <= ${bernoulli.length}; k++) {
    tail += bernoulli[k - 1] / f64(2 * k) * power;
    power = power / (x * x);
  }
  return sum + m_d_log(x) - 0.5lf / x - tail;
}
fn m_d_digamma(x: f64) -> f64 {
  if (x == 0.0lf) { return -m_d_copysign(m_d_inf(), x); }
  if (!(x < 0.0lf)) { return m_d_digamma_right(x); }
  if (floor(x) == x) { return m_d_nan(); }
  let r = x - m_d_round(x);
  return m_d_digamma_right(1.0lf - x) - ${literal(Math.PI)} / m_d_tan(${literal(Math.PI)} * r);
}
fn m_d_zeta_right(s: f64, v: f64) -> f64 {
  var bernoulli = ${table(bernoulli)};
  var x = v;
  var sum = 0.0lf;
  for (var i = 0; i < 4000 && x < 10.0lf + s * 0.5lf; i++) { sum += m_d_pow(x, -s); x += 1.0lf; }
  let last = m_d_pow(x, -s);
  sum += last * x / (s - 1.0lf) + last * 0.5lf;
  var factor = s * 0.5lf * last / x;
  for (var k = 1; k <= ${bernoulli.length}; k++) {
    sum += bernoulli[k - 1] * factor;
    let t = f64(2 * k);
    factor = factor * ((s + t - 1.0lf) * (s + t) / ((t + 1.0lf) * (t + 2.0lf) * x * x));
  }
  return sum;
}
fn m_d_zeta(s: f64, x: f64) -> f64 {
  if (x > 0.0lf) { return m_d_zeta_right(s, x); }
  let f = x - floor(x);
  if (m_d_isnan(f)) { return f; }
  if (f == 0.0lf) { return m_d_inf(); }
  let before = m_d_zeta_right(s, 1.0lf - f) - m_d_zeta_right(s, 1.0lf - x);
  return m_d_zeta_right(s, f) + select(-before, before, floor(s * 0.5lf) * 2.0lf == s);
}
fn m_d_polygamma(n: f64, x: f64) -> f64 {
  if (!(n >= 0.0lf && floor(n) == n)) { return m_d_nan(); }
  if (n == 0.0lf) { return m_d_digamma(x); }
  var factorial = 1.0lf;
  for (var k = 2; f64(k) <= n && k <= 171; k++) { factorial = factorial * f64(k); }
  return select(factorial, -factorial, floor(n * 0.5lf) * 2.0lf == n) * m_d_zeta(n + 1.0lf, x);
}

fn m_d_bessel(order: f64, x: f64) -> f64 {
  if (m_d_isnan(x) || x == m_d_inf()) { return m_d_nan(); } // at infinity it is PyTorch's choice
  if (x > 715.0lf) { return m_d_inf(); }
  var term = 1.0lf;
  var sum = 1.0lf;
  if (x < 25.0lf) {
    let q = x * x * 0.25lf;
    for (var k = 1; k < 100 && term > 1e-17lf * sum; k++) {
      term = term * (q / (f64(k) * (f64(k) + order)));
      sum += term;
    }
    return select(sum * x * 0.5lf, sum, order == 0.0lf);
  }
  for (var k = 1; k < 40 && abs(term) > 1e-17lf; k++) {
    let odd = f64(2 * k - 1);
    term = term * ((odd * odd - 4.0lf * order) / (8.0lf * x * f64(k)));
    sum += term;
  }
  let half = m_d_exp(x * 0.5lf); // exp(x) itself would overflow first
  return half / sqrt(${literal(2 * Math.PI)} * x) * half * sum;
}
fn m_d_i0(x: f64) -> f64 { return m_d_bessel(0.0lf, abs(x)); }
fn m_d_i1(x: f64) -> f64 { return select(m_d_bessel(1.0lf, x), -m_d_bessel(1.0lf, -x), x < 0.0lf); }
`;

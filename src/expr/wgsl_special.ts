/**
 * WGSL functions of float32 for the error function, the gamma function and their relatives, and Bessel functions; see
 * `wgsl_functions.ts` for what they rest on.
 *
 * No loop runs for long: some software adapters end an invocation's loops after 65,535 iterations.
 * @module
 */
import { horner } from "./wgsl_functions.ts";

/** WGSL source: error function, gamma function and relatives, Bessel functions. */
export const specialWgsl: string = `
// exp(sign * x^2) without the error of rounding x^2
fn m_gaussian(x: f32, sign: f32) -> f32 {
  let h = m_high(x);
  return m_exp(sign * h * h) * m_exp(sign * (x - h) * (x + h));
}
// erfcx for x >= 1/2
fn m_erfcx_tail(x: f32) -> f32 {
  if (x > 1e8) { return 0.5641895835477563 / x; }
  let t = (6.0 * ((x - 2.5) / (x + 2.5)) - 1.0) / 5.0;
  return ${
  horner("t", [
    0.931761933,
    -0.5558868709,
    0.2592691478,
    -0.0870745906,
    0.01606572085,
    0.001407212888,
    -0.001598390597,
    0.0001371594196,
    0.0001436578159,
    -0.00002645624749,
    -0.00001176169448,
    0.000002821416051,
  ])
} / (x + 2.5);
}
fn m_erf(x: f32) -> f32 {
  let a = abs(x);
  if (m_isnan(x)) { return x; }
  if (a <= 1.0) {
    let z = x * x;
    return x * ${
  horner("z", [
    1.128379166,
    -0.3761262582,
    0.1128358515,
    -0.02685381193,
    0.005188327682,
    -0.000801019359,
    0.00007853861222,
  ])
};
  }
  if (a >= 4.0) { return m_copysign(1.0, x); }
  return m_copysign(1.0 - m_gaussian(a, -1.0) * m_erfcx_tail(a), x);
}
fn m_erfc(x: f32) -> f32 {
  if (x < 0.5 || m_isnan(x)) { return 1.0 - m_erf(x); }
  if (x > 10.1) { return 0.0; }
  return m_gaussian(x, -1.0) * m_erfcx_tail(x);
}
fn m_erfcx(x: f32) -> f32 {
  if (x >= 0.5) { return m_erfcx_tail(x); }
  if (x < -9.5) { return m_inf(); }
  return m_erfc(x) * m_gaussian(x, 1.0);
}
fn m_erfinv(y: f32) -> f32 {
  let a = abs(y);
  if (a > 1.0 || m_isnan(y)) { return m_nan(); }
  if (a == 1.0) { return m_copysign(m_inf(), y); }
  let w = -select(m_log((1.0 - a) * (1.0 + a)), m_log1p(-y * y), a < 0.5);
  if (w < 5.0) {
    let t = w - 2.5;
    return y * ${
  horner("t", [
    1.501409359,
    0.2466402862,
    -0.00417738678,
    -0.001252741883,
    0.0002183444384,
    -0.000004963345148,
    -0.000003462704478,
    4.661700727e-7,
    2.323262154e-8,
    -8.791013675e-9,
  ])
};
  }
  let t = sqrt(w) - 3.1;
  return y * ${
  horner("t", [
    2.933231645,
    1.003355866,
    0.007461638077,
    -0.00569154535,
    0.004106689062,
    -0.002740354029,
    0.001368599147,
    -0.0002524916587,
    -0.0002052684225,
    0.0001100794054,
  ])
};
}

fn m_sin_pi(x: f32) -> f32 {
  let r = x - 2.0 * round(x * 0.5);
  return m_sin(3.14159265358979 * select(m_copysign(1.0, r) - r, r, abs(r) <= 0.5));
}
// for x > 0
fn m_lgamma_positive(v: f32) -> f32 {
  var x = v;
  if (x >= 10.0) {
    let q = 1.0 / (x * x);
    let tail = (0.08333333333 + q * (-0.002777777778 + q * 0.0007936507937)) / x;
    return (x - 0.5) * m_log(x) - x + (0.9189385332046727 + tail);
  }
  var before = 0.0;
  if (x < 1.0) {
    before = -m_log(x);
    x += 1.0;
  } else if (x > 3.0) {
    var product = 1.0;
    for (; x > 3.0; product *= x) { x -= 1.0; }
    before = m_log(product);
  }
  let u = x - 2.0;
  return before + (x - 1.0) * u * ${
  horner("u", [
    0.4227843357,
    -0.100317273,
    0.03296494657,
    -0.01238497716,
    0.004999484455,
    -0.002102050068,
    0.0009104883406,
    -0.0004255978348,
    0.00019583587,
    -0.00005239285538,
    0.00002021577487,
    -0.0000387439132,
    0.00001932029438,
  ])
};
}
fn m_lgamma(x: f32) -> f32 {
  if (m_isnan(x)) { return x; }
  if (m_isinf(x)) { return m_inf(); }
  if (x > 0.0) { return m_lgamma_positive(x); }
  if (floor(x) == x) { return m_inf(); }
  if (x > -1e-7) { return -m_log(-x); }
  return m_log(3.14159265358979 / abs(m_sin_pi(x))) - m_lgamma_positive(1.0 - x);
}
// for x > 0
fn m_digamma_positive(v: f32) -> f32 {
  var x = v;
  var sum = 0.0;
  for (; x < 6.0; x += 1.0) { sum -= 1.0 / x; }
  let q = 1.0 / (x * x);
  let tail = q * (0.08333333333 - q * (0.008333333333 - q * 0.003968253968));
  return sum + ((m_log(x) - 0.5 / x) - tail);
}
fn m_digamma(x: f32) -> f32 {
  if (x == 0.0) { return -1.0 / x; }
  if (x > 0.0 || m_isnan(x)) { return m_digamma_positive(x); }
  if (floor(x) == x) { return m_nan(); }
  let r = x - round(x);
  return m_digamma_positive(1.0 - x) - 3.14159265358979 / m_tan(3.14159265358979 * r);
}
// Hurwitz' zeta function for x > 0: some terms, then Euler and Maclaurin's formula
fn m_zeta_positive(s: f32, v: f32) -> f32 {
  var x = v;
  var sum = 0.0;
  for (; x < 6.0 + 0.5 * s; x += 1.0) { sum += m_pow(x, -s); }
  let power = m_pow(x, -s);
  let q = 1.0 / (x * x);
  let f1 = s * power / x / 12.0;
  let f2 = f1 * (s + 1.0) * (s + 2.0) * q / 60.0;
  let f3 = f2 * (s + 3.0) * (s + 4.0) * q / 42.0;
  return sum + (x * power / (s - 1.0) + 0.5 * power + (f1 - f2 + f3));
}
fn m_zeta(s: f32, x: f32) -> f32 {
  if (x > 0.0 || m_isnan(x)) { return m_zeta_positive(s, x); }
  let f = x - floor(x);
  if (f == 0.0) { return m_inf(); }
  let even = floor(s * 0.5) * 2.0 == s;
  let before = m_zeta_positive(s, ceil(x) - x) - m_zeta_positive(s, 1.0 - x);
  return m_zeta_positive(s, f) + select(-before, before, even);
}
fn m_polygamma(n: f32, x: f32) -> f32 {
  if (!(n >= 0.0) || floor(n) != n) { return m_nan(); }
  if (n == 0.0) { return m_digamma(x); }
  var factorial = 1.0;
  for (var k = 2.0; k <= min(n, 40.0); k += 1.0) { factorial *= k; }
  return select(factorial, -factorial, floor(n * 0.5) * 2.0 == n) * m_zeta(n + 1.0, x);
}

// Modified Bessel functions: the power series, for large x the asymptotic one
fn m_bessel(order: f32, x: f32) -> f32 {
  if (m_isnan(x) || m_isinf(x)) { return m_nan(); }
  if (x > 100.0) { return m_inf(); }
  var term = 1.0;
  var sum = 1.0;
  if (x < 16.0) {
    let q = x * x * 0.25;
    for (var k = 1.0; term > 1e-9 * sum && k < 100.0; k += 1.0) {
      term *= q / (k * (k + order));
      sum += term;
    }
    return select(sum * x * 0.5, sum, order == 0.0);
  }
  let mu = 4.0 * order;
  for (var k = 1.0; abs(term) > 1e-9 && k < 24.0; k += 1.0) {
    let odd = 2.0 * k - 1.0;
    term *= (odd * odd - mu) / (8.0 * x * k);
    sum += term;
  }
  let half = m_exp(0.5 * x);
  return half / sqrt(6.283185307179586 * x) * half * sum;
}
fn m_i0(x: f32) -> f32 { return m_bessel(0.0, abs(x)); }
fn m_i1(x: f32) -> f32 { return m_copysign(m_bessel(1.0, abs(x)), x); }
`;

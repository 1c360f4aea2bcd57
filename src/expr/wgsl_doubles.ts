/**
 * WGSL functions of float64, where a device has it. WGSL gives it arithmetic, `sqrt`, `floor` and `ldexp`; elementary functions of
 * that type are accepted and compute garbage, and there is no way to the bits. So exponents are found by comparing, and by
 * the bits of the number rounded to float32.
 *
 * Errors are a few units in the last place, those of `pow` up to 60 where results are extreme; angles beyond a million lose
 * digits.
 * @module
 */
import { COS, EXP, EXPM1, LOG, SIN } from "./polynomials.ts";
import { bernoulli, erfcxSeries, erfPowers, lgammaSeries } from "./special_functions.ts";

function literal(value: number): string {
  const text = String(value);
  return `${/[.e]/.test(text) ? text : `${text}.0`}lf`;
}

/** Horner's rule, the highest power first. */
function horner(x: string, coefficients: readonly number[]): string {
  const [first, ...rest] = coefficients.map(literal);
  return rest.reduce((sum, c) => `(${sum} * ${x} + ${c})`, first);
}

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

/** arctan(t) / t - 1 over t², in t²: its series, for |t| <= 1/4. */
const ATAN = Array.from({ length: 14 }, (_, k) => (k % 2 === 0 ? -1 : 1) / (2 * k + 3)).reverse();

const LN2_HIGH = "0.6931471803691238lf", LN2_LOW = "1.9082149292705877e-10lf", LN2 = literal(Math.LN2);

/** WGSL source: functions of float64. */
export const doubleWgsl: string = `
fn m_d_opaque(v: f64) -> f64 { return v + f64(bitcast<f32>(zero())); }
fn m_d_inf() -> f64 { return f64(m_inf()); }
fn m_d_nan() -> f64 { return f64(m_nan()); }
fn m_d_isnan(v: f64) -> bool { return !(v == v); }
fn m_d_signbit(v: f64) -> bool {
  return v < 0.0lf || (v == 0.0lf && (bitcast<u32>(f32(v)) >> 31u) == 1u);
}
fn m_d_copysign(a: f64, b: f64) -> f64 { return select(abs(a), -abs(a), m_d_signbit(b)); }
fn m_d_sign(v: f64) -> f64 {
  return select(m_d_copysign(1.0lf, v), 0.0lf, v == 0.0lf || m_d_isnan(v));
}
fn m_d_max(a: f64, b: f64) -> f64 { return select(b, a, a >= b || m_d_isnan(a)); }
fn m_d_round(v: f64) -> f64 { return floor(v + 0.5lf); }
fn m_d_scale(v: f64, k: i32) -> f64 {
  let half = k >> 1u;
  return ldexp(ldexp(v, half), k - half);
}

fn m_d_exp_reduced(r: f64) -> f64 { return (${horner("r", EXP)} * (r * r) + r) + 1.0lf; }
fn m_d_exp(v: f64) -> f64 {
  if (m_d_isnan(v)) { return v; }
  if (v > 709.79lf) { return m_d_inf(); }
  if (v < -745.2lf) { return 0.0lf; }
  let n = m_d_round(v * ${literal(Math.LOG2E)});
  let r = m_d_opaque(v - n * ${LN2_HIGH}) - n * ${LN2_LOW};
  return m_d_scale(m_d_exp_reduced(r), i32(n));
}
fn m_d_exp2(v: f64) -> f64 {
  if (m_d_isnan(v)) { return v; }
  if (v > 1024.5lf) { return m_d_inf(); }
  if (v < -1076.0lf) { return 0.0lf; }
  let n = m_d_round(v);
  return m_d_scale(m_d_exp_reduced((v - n) * ${LN2}), i32(n));
}
fn m_d_expm1(v: f64) -> f64 {
  if (abs(v) < 0.55lf) { return select(${horner("v", EXPM1)} * (v * v) + v, v, v == 0.0lf); }
  if (v < -40.0lf) { return -1.0lf; }
  return m_d_exp(v) - 1.0lf;
}

// a positive finite number as x 2^k with x between the roots of 1/2 and 2
struct m_d_Split { x: f64, k: i32 }
fn m_d_split(v: f64) -> m_d_Split {
  var x = v;
  var k = 0;
  for (var i = 0; i < 5; i++) {
    let s = select(128, 512, i < 2);
    if (x < ldexp(1.0lf, -s) || (i > 2 && x < 7.9e-31lf)) { x = ldexp(x, s); k -= s; }
    else if (x >= ldexp(1.0lf, s) || (i > 2 && x >= 1.2e30lf)) { x = ldexp(x, -s); k += s; }
  }
  let e = i32((bitcast<u32>(f32(x)) >> 23u) & 255u) - 127;
  x = ldexp(x, -e);
  k += e;
  if (x > 1.4142135623730951lf) { x = x * 0.5lf; k += 1; }
  if (x < 0.7071067811865476lf) { x = x * 2.0lf; k -= 1; }
  return m_d_Split(x, k);
}
fn m_d_logarithm(f: f64, k: f64, low: f64) -> f64 {
  let half = f * f * 0.5lf;
  return k * ${LN2_HIGH} + m_d_opaque(f - (half - (m_d_log_rest(f) + (k * ${LN2_LOW} + low))));
}
// log(1 + f) - f + f^2 / 2
fn m_d_log_rest(f: f64) -> f64 {
  let s = f / (f + 2.0lf);
  let z = s * s;
  return s * (${horner("z", LOG)} * z + f * f * 0.5lf);
}
fn m_d_log_edges(v: f64, result: f64) -> f64 {
  if (v == 0.0lf) { return -m_d_inf(); }
  if (v < 0.0lf) { return m_d_nan(); }
  return result;
}
fn m_d_log(v: f64) -> f64 {
  if (!(v > 0.0lf) || v == m_d_inf()) { return m_d_log_edges(v, v); }
  let s = m_d_split(v);
  return m_d_logarithm(s.x - 1.0lf, f64(s.k), 0.0lf);
}
fn m_d_log2(v: f64) -> f64 {
  if (!(v > 0.0lf) || v == m_d_inf()) { return m_d_log_edges(v, v); }
  let s = m_d_split(v);
  return f64(s.k) + m_d_logarithm(s.x - 1.0lf, 0.0lf, 0.0lf) * ${literal(Math.LOG2E)};
}
fn m_d_log10(v: f64) -> f64 {
  if (!(v > 0.0lf) || v == m_d_inf()) { return m_d_log_edges(v, v); }
  let s = m_d_split(v);
  return f64(s.k) * 0.30102999566361177lf + (f64(s.k) * 3.694239077158931e-13lf +
    m_d_logarithm(s.x - 1.0lf, 0.0lf, 0.0lf) * ${literal(Math.LOG10E)});
}
fn m_d_log1p(v: f64) -> f64 {
  if (!(v > -1.0lf) || v == m_d_inf()) { return m_d_log_edges(v + 1.0lf, v); }
  if (abs(v) < 1e-17lf) { return v; }
  let u = m_d_opaque(v + 1.0lf);
  // what u has lost of v
  let lost = select(v - m_d_opaque(u - 1.0lf), 1.0lf - m_d_opaque(u - v), v > 1.0lf);
  let s = m_d_split(u);
  return m_d_logarithm(s.x - 1.0lf, f64(s.k), lost / u);
}
fn m_d_sigmoid(v: f64) -> f64 {
  let e = m_d_exp(-abs(v));
  return select(1.0lf, e, v < 0.0lf) / (e + 1.0lf);
}
fn m_d_softplus(v: f64) -> f64 { return m_d_max(v, 0.0lf) + m_d_log1p(m_d_exp(-abs(v))); }

fn m_d_pow(a: f64, b: f64) -> f64 {
  if (b == 0.0lf || a == 1.0lf) { return 1.0lf; }
  if (m_d_isnan(a) || m_d_isnan(b)) { return m_d_nan(); }
  let size = abs(a);
  let inf = m_d_inf();
  let whole = floor(b) == b;
  let odd = whole && abs(b) < 9007199254740992.0lf && floor(b * 0.5lf) != b * 0.5lf;
  if (a < 0.0lf && size < inf && !whole) { return m_d_nan(); }
  var y: f64;
  if (size == 1.0lf) {
    y = 1.0lf;
  } else if (size == 0.0lf || size == inf || abs(b) == inf) {
    y = select(0.0lf, inf, (size > 1.0lf) == (b > 0.0lf));
  } else {
    let s = m_d_split(size);
    // log of the rest as a sum of two, from x - x^2 / 2 + ... without rounding the first two terms
    let x = s.x - 1.0lf;
    let xh = f64(f32(x));
    let square = xh * xh * 0.5lf;
    let l = m_d_opaque(x - square);
    let low = (m_d_opaque(x - l) - square) + (m_d_log_rest(x) - 0.5lf * (x - xh) * (x + xh));
    // times b, in parts whose products are exact
    let bh = f64(f32(b));
    let k = f64(s.k);
    let lh = f64(f32(l));
    let n = m_d_round(b * k);
    if (abs(n) > 1e6lf || abs(b) > 1e16lf) { y = select(0.0lf, inf, (size > 1.0lf) == (b > 0.0lf)); }
    else {
      let share = ((bh * k - n) + (b - bh) * k) * ${LN2};
      let product = bh * lh;
      let rest = share + (bh * (l - lh) + (b - bh) * l + b * low);
      let m = m_d_round((product + rest) * ${literal(Math.LOG2E)});
      if (n + m > 1025.0lf) { y = inf; }
      else if (n + m < -1080.0lf) { y = 0.0lf; }
      else {
        let r = (m_d_opaque(product - m * ${LN2_HIGH}) - m * ${LN2_LOW}) + rest;
        y = m_d_scale(m_d_exp_reduced(r), i32(n + m));
      }
    }
  }
  return select(y, -y, odd && m_d_signbit(a));
}

struct m_d_Angle { r: f64, q: i32 }
fn m_d_angle(angle: f64) -> m_d_Angle {
  // beyond it the digits of pi run out
  var v = angle;
  if (abs(v) > 1e9lf) { v = m_d_fmod(v, ${literal(2 * Math.PI)}); }
  let n = m_d_round(v * ${literal(2 / Math.PI)});
  let near = m_d_opaque(m_d_opaque(v - n * 1.5707963267341256lf) - n * 6.077100506303966e-11lf);
  // of n the lowest two bits count
  return m_d_Angle(near - n * 2.0222662487959506e-21lf, i32(n - 4.0lf * floor(n * 0.25lf)));
}
fn m_d_sin_near(r: f64) -> f64 {
  let z = r * r;
  return ${horner("z", SIN)} * (z * r) + r;
}
fn m_d_cos_near(r: f64) -> f64 {
  let z = r * r;
  let half = z * 0.5lf;
  let w = m_d_opaque(1.0lf - half);
  return w + (${horner("z", COS)} * (z * z) + (m_d_opaque(1.0lf - w) - half));
}
fn m_d_wave(v: f64, turn: i32) -> f64 {
  if (m_d_isnan(v) || abs(v) == m_d_inf()) { return m_d_nan(); }
  let a = m_d_angle(v);
  let q = a.q + turn;
  let y = select(m_d_sin_near(a.r), m_d_cos_near(a.r), (q & 1) == 1);
  return select(y, -y, (q & 2) == 2);
}
fn m_d_sin(v: f64) -> f64 { return select(m_d_wave(v, 0), v, v == 0.0lf); }
fn m_d_cos(v: f64) -> f64 { return m_d_wave(v, 1); }
fn m_d_tan(v: f64) -> f64 {
  if (m_d_isnan(v) || abs(v) == m_d_inf()) { return m_d_nan(); }
  if (v == 0.0lf) { return v; }
  let a = m_d_angle(v);
  let s = m_d_sin_near(a.r);
  let c = m_d_cos_near(a.r);
  return select(s / c, -c / s, (a.q & 1) == 1);
}

// for 0 <= v <= 1: arctan of 0, 1/2 or 1, and of what is left
fn m_d_atan_near(v: f64) -> f64 {
  var t = v;
  var angle = 0.0lf;
  if (v >= 0.75lf) { t = (v - 1.0lf) / (1.0lf + v); angle = ${literal(Math.PI / 4)}; }
  else if (v > 0.25lf) { t = (v - 0.5lf) / (1.0lf + 0.5lf * v); angle = ${literal(Math.atan(0.5))}; }
  let z = t * t;
  return angle + (${horner("z", ATAN)} * (z * t) + t);
}
fn m_d_atan(v: f64) -> f64 {
  if (m_d_isnan(v) || v == 0.0lf) { return v; }
  let a = abs(v);
  let angle = select(m_d_atan_near(a), ${literal(Math.PI / 2)} - m_d_atan_near(1.0lf / a), a > 1.0lf);
  return select(angle, -angle, v < 0.0lf);
}
fn m_d_atan2(a: f64, b: f64) -> f64 {
  if (m_d_isnan(a) || m_d_isnan(b)) { return m_d_nan(); }
  let y = abs(a);
  let x = abs(b);
  let inf = m_d_inf();
  let low = min(x, y);
  let high = max(x, y);
  // both infinite or both 0: as if they were 1 and 1, or 0 and 1
  var ratio = 0.0lf;
  if (low == inf) { ratio = 1.0lf; } else if (high > 0.0lf && high < inf) { ratio = low / high; }
  var angle = m_d_atan_near(ratio);
  if (y > x) { angle = ${literal(Math.PI / 2)} - angle; }
  if (m_d_signbit(b)) { angle = ${literal(Math.PI)} - angle; }
  return m_d_copysign(angle, a);
}
fn m_d_asin(v: f64) -> f64 {
  if (!(abs(v) <= 1.0lf)) { return m_d_nan(); }
  return select(m_d_atan2(v, sqrt((1.0lf - v) * (1.0lf + v))), v, v == 0.0lf);
}
fn m_d_acos(v: f64) -> f64 {
  if (!(abs(v) <= 1.0lf)) { return m_d_nan(); }
  return m_d_atan2(sqrt((1.0lf - v) * (1.0lf + v)), v);
}

fn m_d_sinh(v: f64) -> f64 {
  let a = abs(v);
  if (a < 1e-9lf || m_d_isnan(v)) { return v; }
  if (a > 22.0lf) {
    let h = m_d_exp(a * 0.5lf);
    return m_d_copysign(h * 0.5lf * h, v);
  }
  let e = m_d_expm1(a);
  return m_d_copysign((e + e / (e + 1.0lf)) * 0.5lf, v);
}
fn m_d_cosh(v: f64) -> f64 {
  let a = abs(v);
  let h = m_d_exp(a * 0.5lf);
  if (a > 22.0lf) { return h * 0.5lf * h; }
  let e = m_d_exp(a);
  return (e + 1.0lf / e) * 0.5lf;
}
fn m_d_tanh(v: f64) -> f64 {
  let a = abs(v);
  if (m_d_isnan(v) || v == 0.0lf) { return v; }
  if (a > 22.0lf) { return m_d_copysign(1.0lf, v); }
  let e = m_d_expm1(-2.0lf * a);
  return m_d_copysign(-e / (e + 2.0lf), v);
}
fn m_d_asinh(v: f64) -> f64 {
  let a = abs(v);
  if (m_d_isnan(v) || v == 0.0lf || a == m_d_inf()) { return v; }
  if (a > 1e9lf) { return m_d_copysign(m_d_log(a) + ${LN2}, v); }
  return m_d_copysign(m_d_log1p(a + a * a / (1.0lf + sqrt(a * a + 1.0lf))), v);
}
fn m_d_acosh(v: f64) -> f64 {
  if (!(v >= 1.0lf)) { return m_d_nan(); }
  if (v > 1e9lf) { return m_d_log(v) + ${LN2}; }
  let t = v - 1.0lf;
  return m_d_log1p(t + sqrt(2.0lf * t + t * t));
}
fn m_d_atanh(v: f64) -> f64 {
  let a = abs(v);
  if (m_d_isnan(v) || v == 0.0lf) { return v; }
  if (a > 1.0lf) { return m_d_nan(); }
  if (a == 1.0lf) { return m_d_copysign(m_d_inf(), v); }
  return m_d_copysign(0.5lf * m_d_log1p(2.0lf * a / (1.0lf - a)), v);
}

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

fn m_d_nextafter(a: f64, b: f64) -> f64 {
  if (m_d_isnan(a) || m_d_isnan(b)) { return m_d_nan(); }
  if (a == b) { return b; }
  let least = ldexp(ldexp(1.0lf, -1000), -74);
  if (a == 0.0lf) { return m_d_copysign(least, b); }
  let size = abs(a);
  let away = (a < b) == (a > 0.0lf);
  if (size == m_d_inf()) { return m_d_copysign(1.7976931348623157e308lf, a); }
  let s = m_d_split(size);
  // 2^e is the largest power of two that is not above the size; just below one the steps are half as long
  let e = select(s.k, s.k - 1, s.x < 1.0lf);
  let step = m_d_scale(1.0lf, max(e - select(52, 53, !away && s.x == 1.0lf), -1074));
  return m_d_copysign(select(size - step, size + step, away), a);
}

// exact: subtracts shifted multiples of the divisor, from the highest bit on
fn m_d_fmod(a: f64, b: f64) -> f64 {
  let y = abs(b);
  var x = abs(a);
  let inf = m_d_inf();
  if (!(x < inf) || m_d_isnan(y) || y == 0.0lf) { return m_d_nan(); }
  if (x < y) { return a; }
  var k = m_d_split(x).k - m_d_split(y).k + 1;
  while (k >= 0) {
    let shifted = m_d_scale(y, k);
    if (x >= shifted) { x -= shifted; }
    k -= 1;
  }
  return m_d_copysign(x, a);
}
fn m_d_remainder(a: f64, b: f64) -> f64 {
  let r = m_d_fmod(a, b);
  return select(r, r + b, r != 0.0lf && !m_d_isnan(r) && (b < 0.0lf) != (r < 0.0lf));
}
fn m_d_floor_div(a: f64, b: f64) -> f64 {
  if (b == 0.0lf) { return a / b; }
  let r = m_d_fmod(a, b);
  var q = (a - r) / b;
  if (r != 0.0lf && (b < 0.0lf) != (r < 0.0lf)) { q -= 1.0lf; }
  if (q == 0.0lf) { return m_d_copysign(0.0lf, a / b); }
  let f = floor(q);
  return select(f, f + 1.0lf, q - f > 0.5lf);
}
`;

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

/** A number as WGSL writes it. */
export function literal(value: number): string {
  const text = String(value);
  return `${/[.e]/.test(text) ? text : `${text}.0`}lf`;
}

/** Horner's rule, the highest power first. */
export function horner(x: string, coefficients: readonly number[]): string {
  const [first, ...rest] = coefficients.map(literal);
  return rest.reduce((sum, c) => `(${sum} * ${x} + ${c})`, first);
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

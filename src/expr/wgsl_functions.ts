/**
 * WGSL functions of float32 and int32 that generated kernels call: elementary functions to a few ulp, where the built-in
 * ones lose up to all of the digits or NaN, and integer arithmetic that WGSL has no operator for.
 *
 * Compilers of shaders may reorder sums, and fold `(a + b) - a` to `b`. Where the order matters an intermediate goes through
 * `m_opaque`, which the compiler cannot see through: it adds the bits of `zero()`, a parameter that is always 0. The kernel
 * has to define that function. Bits are cut off (`m_high`) rather than rounded off for the same reason.
 *
 * The polynomials are best approximations, computed with Remez' algorithm.
 * @module
 */

/** Horner's rule in WGSL, the constant term first. */
export function horner(x: string, coefficients: readonly number[]): string {
  const texts = coefficients.map(literal);
  return texts.slice(0, -1).reduceRight((sum, c) => `(${sum} * ${x} + ${c})`, texts[texts.length - 1]);
}

function literal(value: number): string {
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** WGSL source: elementary functions and integer arithmetic. */
export const elementaryWgsl: string = `
fn m_opaque(v: f32) -> f32 { return bitcast<f32>(bitcast<u32>(v) ^ zero()); }
fn m_high(v: f32) -> f32 { return bitcast<f32>(bitcast<u32>(v) & 0xfffff000u); }
fn m_bits(b: u32) -> f32 { return bitcast<f32>(b ^ zero()); }
fn m_inf() -> f32 { return m_bits(0x7f800000u); }
fn m_nan() -> f32 { return m_bits(0x7fc00000u); }
fn m_isnan(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }
fn m_isinf(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) == 0x7f800000u; }
fn m_truth(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) != 0u; }
fn m_signbit(v: f32) -> bool { return (bitcast<u32>(v) >> 31u) == 1u && !m_isnan(v); }
fn m_copysign(a: f32, b: f32) -> f32 {
  let sign = select(0u, 0x80000000u, m_signbit(b));
  return bitcast<f32>((bitcast<u32>(a) & 0x7fffffffu) | sign);
}
// a choice between 1, -1 and 0 becomes the hardware's sign, which keeps -0 and NaN
fn m_sign(v: f32) -> f32 { return select(m_copysign(1.0, v), 0.0, m_isnan(v) || !m_truth(v)); }
fn m_max(a: f32, b: f32) -> f32 { return select(b, a, a >= b || m_isnan(a)); }
fn m_min(a: f32, b: f32) -> f32 { return select(b, a, a <= b || m_isnan(a)); }
fn m_ldexp(v: f32, k: i32) -> f32 {
  let half = k >> 1u;
  let rest = k - half;
  return v * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(rest + 127) << 23u);
}

fn m_exp_reduced(r: f32, k: f32) -> f32 {
  let p = ${
  horner("r", [0.5000000072, 0.1666666582, 0.04166628033, 0.008333503756, 0.001394575222, 0.0001978926119])
};
  return m_ldexp((p * r) * r + r + 1.0, i32(k));
}
fn m_exp(v: f32) -> f32 {
  let x = clamp(v, -104.0, 89.0);
  let k = round(x * 1.4426950408889634);
  let r = m_opaque(x - k * 0.693359375) + k * 2.12194440054690583e-4;
  return select(m_exp_reduced(r, k), v, m_isnan(v));
}
fn m_exp2(v: f32) -> f32 {
  let x = clamp(v, -151.0, 129.0);
  let k = round(x);
  return select(m_exp_reduced((x - k) * 0.6931471805599453, k), v, m_isnan(v));
}
fn m_expm1(x: f32) -> f32 {
  if (abs(x) < 0.5) {
    let p = ${
  horner("x", [
    0.5000000094,
    0.1666666714,
    0.04166636451,
    0.008333182572,
    0.001391302403,
    0.0001996201589,
    0.00001935970626,
  ])
};
    return select((p * x) * x + x, x, x == 0.0);
  }
  return m_exp(x) - 1.0;
}

fn m_log_cubic(x: f32) -> f32 {
  let p = ${
  horner("x", [
    0.3333331197,
    -0.2500000871,
    0.2000216706,
    -0.1666809036,
    0.1421855447,
    -0.1240308368,
    0.1189351194,
    -0.1169433554,
    0.06757572053,
  ])
};
  return x * x * x * p;
}
fn m_split(v: f32) -> vec2<f32> {
  var bits = bitcast<u32>(v);
  var e = -126;
  if (bits < 0x00800000u) {
    bits = bitcast<u32>(v * 8388608.0);
    e = -149;
  }
  e += i32(bits >> 23u);
  var f = bitcast<f32>((bits & 0x007fffffu) | 0x3f000000u);
  if (f < 0.70710678) {
    e -= 1;
    f = f + f;
  }
  return vec2<f32>(f - 1.0, f32(e));
}
fn m_log_edges(v: f32, result: f32) -> f32 {
  let bits = bitcast<u32>(v);
  if ((bits << 1u) == 0u) { return -m_inf(); }
  if (bits == 0x7f800000u || m_isnan(v)) { return v; }
  return select(result, m_nan(), (bits >> 31u) == 1u);
}
fn m_log(v: f32) -> f32 {
  let s = m_split(v);
  let low = (m_log_cubic(s.x) - s.y * 2.12194440054690583e-4) - 0.5 * s.x * s.x;
  return m_log_edges(v, (s.x + low) + s.y * 0.693359375);
}
fn m_log2(v: f32) -> f32 {
  let s = m_split(v);
  let low = m_log_cubic(s.x) - 0.5 * s.x * s.x;
  let small = s.x * 0.4426950408889634 + low * 1.4426950408889634;
  return m_log_edges(v, s.y + (s.x + small));
}
fn m_log10(v: f32) -> f32 {
  let s = m_split(v);
  let low = m_log_cubic(s.x) - 0.5 * s.x * s.x;
  let small = s.y * 4.605038981195e-6 + (s.x + low) * 0.4342944819032518;
  return m_log_edges(v, s.y * 0.301025390625 + small);
}
fn m_log1p(x: f32) -> f32 {
  if (x > -0.29289 && x < 0.41421) { return x + (m_log_cubic(x) - 0.5 * x * x); }
  let u = 1.0 + x;
  // what rounding 1 + x lost, to first order
  let lost = select(x - m_opaque(u - 1.0), 1.0 - m_opaque(u - x), x > 1.0);
  return m_log(u) + select(0.0, lost / u, u > 0.0 && x < 1e9);
}
fn m_sigmoid(x: f32) -> f32 { return select(1.0 / (1.0 + m_exp(-x)), m_exp(x), x < -20.0); }
fn m_softplus(x: f32) -> f32 { return m_max(x, 0.0) + m_log1p(m_exp(-abs(x))); }

fn m_pow(a: f32, b: f32) -> f32 {
  if (b == 0.0 || a == 1.0) { return 1.0; }
  if (m_isnan(a) || m_isnan(b)) { return m_nan(); }
  let size = abs(a);
  let whole = floor(b) == b;
  let odd = whole && abs(b) < 16777216.0 && (i32(b) & 1) != 0;
  let negative = (bitcast<u32>(a) >> 31u) == 1u;
  if (negative && size > 0.0 && !m_isinf(a) && !whole && !m_isinf(b)) { return m_nan(); }
  var y: f32;
  if (size == 0.0 || m_isinf(a) || m_isinf(b)) {
    if (size == 1.0) { return 1.0; }
    y = select(0.0, m_inf(), (size > 1.0) == (b > 0.0));
  } else {
    // log(size) as a sum of two floats, from x - x^2 / 2 + ... without rounding the first two terms
    let s = m_split(size);
    let x = s.x;
    let xh = m_high(x);
    let square = xh * xh * 0.5;
    let l1 = m_opaque(x - square);
    var low = (m_opaque(x - l1) - square) + (m_log_cubic(x) - 0.5 * (x - xh) * (x + xh));
    let e1 = s.y * 0.693359375;
    var high = m_opaque(e1 + l1);
    let part = m_opaque(high - e1);
    low = (m_opaque(l1 - part) + m_opaque(e1 - m_opaque(high - part))) + (low - s.y * 2.12194440054690583e-4);
    let sum = m_opaque(high + low);
    low = low - m_opaque(sum - high);
    high = sum;
    // times b
    let hh = m_high(high);
    let bh = m_high(b);
    let product = b * high;
    let rest = ((m_opaque(bh * hh - product) + bh * (high - hh)) + (b - bh) * hh) + (b - bh) * (high - hh) + b * low;
    if (product > 89.0) { y = m_inf(); }
    else if (product < -104.0) { y = 0.0; }
    else {
      let k = round(product * 1.4426950408889634);
      y = m_exp_reduced((m_opaque(product - k * 0.693359375) + k * 2.12194440054690583e-4) + rest, k);
    }
  }
  return select(y, -y, negative && odd);
}

// x = k pi/2 + r: r and k modulo 4. Where branches cost as much as what is in them, the way for large x should not be slow.
fn m_quarter_near(x: f32) -> vec2<f32> {
  let k = round(x * 0.6366197723675814);
  var r = m_opaque(x - k * 1.5703125);
  r = m_opaque(r - k * 4.8375129699707031e-4);
  r = m_opaque(r - k * 7.5495336204767227e-8);
  return vec2<f32>(r - k * 2.5633440682570896e-12, f32(i32(k) & 3));
}
fn m_quarter(x: f32) -> vec2<f32> {
  if (!m_far(x)) { return m_quarter_near(x); }
  if ((bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u) { return vec2<f32>(m_nan(), 0.0); }
  return m_quarter_large(x);
}
fn m_far(x: f32) -> bool { return !(abs(x) < 6000.0); }
// The bits of 2 / pi that matter, times the mantissa, in integers. The four words of 2 / pi from a bit on, whose number is below 160
fn m_two_over_pi(start: u32) -> vec4<u32> {
  let odd = (start & 32u) != 0u;
  let a = select(vec4<u32>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u),
    vec4<u32>(0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u), odd);
  let b = select(vec4<u32>(0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u),
    vec4<u32>(0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u), odd);
  let last = vec4<u32>(0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
  return select(select(a, b, (start & 64u) != 0u), last, start > 127u);
}
// The high word of a product, of which m has 24 bits
fn m_mul_high(a: u32, m: u32) -> u32 {
  let a1 = a >> 16u;
  let a0 = a & 0xffffu;
  let m1 = m >> 16u;
  let m0 = m & 0xffffu;
  let middle = a1 * m0 + ((a0 * m0) >> 16u);
  return a1 * m1 + (middle >> 16u) + ((a0 * m1 + (middle & 0xffffu)) >> 16u);
}
fn m_quarter_large(x: f32) -> vec2<f32> {
  let bits = bitcast<u32>(x);
  let m = (bits & 0x007fffffu) | 0x00800000u;
  let start = ((bits >> 23u) & 255u) - 120u;
  let words = m_two_over_pi(start);
  let shift = start & 31u;
  let x0 = (words.x << shift) | ((words.y >> 1u) >> (31u - shift));
  let x1 = (words.y << shift) | ((words.z >> 1u) >> (31u - shift));
  let x2 = (words.z << shift) | ((words.w >> 1u) >> (31u - shift));
  let p2 = x2 * m;
  let c2 = m_mul_high(x2, m);
  let p1 = x1 * m + c2;
  let p0 = x0 * m + m_mul_high(x1, m) + select(0u, 1u, p1 < c2);
  var k = p0 >> 30u;
  var high = (p0 << 2u) | (p1 >> 30u);
  var low = (p1 << 2u) | (p2 >> 30u);
  let down = (high >> 31u) == 1u;
  if (down) {
    k += 1u;
    high = ~high + select(0u, 1u, low == 0u);
    low = ~low + 1u;
  }
  let f = (f32(high) * 2.3283064365386963e-10 + f32(low) * 5.421010862427522e-20) * 1.5707963267948966;
  let r = select(f, -f, down);
  let negative = (bits >> 31u) == 1u;
  return vec2<f32>(select(r, -r, negative), f32(select(k, 0u - k, negative) & 3u));
}
fn m_sin_core(r: f32) -> f32 {
  let z = r * r;
  return r + (r * z) * ${horner("z", [-0.1666666664, 0.008333329182, -0.0001983927286, 0.000002717746039])};
}
fn m_cos_core(r: f32) -> f32 {
  let z = r * r;
  return 1.0 - (0.5 * z - (z * z) * ${
  horner("z", [0.04166666662, -0.001388888333, 0.0000247994169, -2.720221006e-7])
});
}
fn m_quadrant(q: vec2<f32>, shift: i32) -> f32 {
  let k = i32(q.y) + shift;
  let y = select(m_sin_core(q.x), m_cos_core(q.x), (k & 1) == 1);
  return select(y, -y, (k & 2) == 2);
}
fn m_tangent(q: vec2<f32>) -> f32 {
  let s = m_sin_core(q.x);
  let c = m_cos_core(q.x);
  return select(s / c, -c / s, (i32(q.y) & 1) == 1);
}
fn m_sin(x: f32) -> f32 { return select(m_quadrant(m_quarter(x), 0), x, abs(x) < 1e-4); }
fn m_cos(x: f32) -> f32 { return m_quadrant(m_quarter(x), 1); }
fn m_tan(x: f32) -> f32 { return select(m_tangent(m_quarter(x)), x, abs(x) < 1e-4); }
// the same where x is not m_far
fn m_sin_near(x: f32) -> f32 { return select(m_quadrant(m_quarter_near(x), 0), x, abs(x) < 1e-4); }
fn m_cos_near(x: f32) -> f32 { return m_quadrant(m_quarter_near(x), 1); }
fn m_tan_near(x: f32) -> f32 { return select(m_tangent(m_quarter_near(x)), x, abs(x) < 1e-4); }

fn m_atan(x: f32) -> f32 {
  let a = abs(x);
  var t = a;
  var y = 0.0;
  var rest = 0.0;
  if (a > 2.4142137) {
    t = -1.0 / a;
    y = 1.5707963705062866;
    rest = -4.371139e-8;
  } else if (a > 0.41421357) {
    t = (a - 1.0) / (a + 1.0);
    y = 0.7853981852531433;
    rest = -2.1855694e-8;
  }
  let z = t * t;
  let p = ${horner("z", [-0.3333331511, 0.19998466, -0.1424342232, 0.105929467, -0.06075916683])};
  return m_copysign(y + (t + (rest + (t * z) * p)), x);
}
fn m_atan2(a: f32, b: f32) -> f32 {
  if (m_isnan(a) || m_isnan(b)) { return m_nan(); }
  let y = abs(a);
  let x = abs(b);
  let low = min(x, y);
  let high = max(x, y);
  // both infinite or both 0: as if they were 1 and 1, or 0 and 1
  let ratio = select(low / high, select(0.0, 1.0, m_isinf(low)), low == high && (low == 0.0 || m_isinf(low)));
  var r = m_atan(select(ratio, 1.0, low == high && low > 0.0));
  if (y > x) { r = 1.5707963705062866 - (r + 4.371139e-8); }
  if (m_signbit(b)) { r = 3.1415927410125732 - (r + 8.742278e-8); }
  return m_copysign(r, a);
}
fn m_asin_core(s: f32, z: f32) -> f32 {
  return s + (s * z) * ${
  horner("z", [0.1666665999, 0.07500504186, 0.04451695474, 0.03180772286, 0.01443858623, 0.0375164779])
};
}
fn m_asin(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1.0) { return m_nan(); }
  if (a <= 0.5) { return m_asin_core(x, x * x); }
  let z = 0.5 * (1.0 - a);
  return m_copysign(1.5707963705062866 - (2.0 * m_asin_core(sqrt(z), z) + 4.371139e-8), x);
}
fn m_acos(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1.0 || m_isnan(x)) { return m_nan(); }
  if (a <= 0.5) { return 1.5707963705062866 - (m_asin_core(x, x * x) + 4.371139e-8); }
  let z = 0.5 * (1.0 - a);
  let r = 2.0 * m_asin_core(sqrt(z), z);
  return select(r, 3.1415927410125732 - (r + 8.742278e-8), x < 0.0);
}

fn m_sinh(x: f32) -> f32 {
  let a = abs(x);
  if (a < 1.0) {
    let z = x * x;
    return x + (x * z) * ${horner("z", [0.166666665, 0.008333350058, 0.0001983615978, 0.000002816951226])};
  }
  let h = m_exp(0.5 * a);
  let y = select((0.5 * h) * h, 0.5 * (m_exp(a) - m_exp(-a)), a < 9.0);
  return select(m_copysign(y, x), x, m_isnan(x));
}
fn m_cosh(x: f32) -> f32 {
  let a = abs(x);
  let h = m_exp(0.5 * a);
  return select((0.5 * h) * h, 0.5 * (m_exp(a) + m_exp(-a)), a < 9.0);
}
fn m_tanh(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.625) {
    let z = x * x;
    if (a < 1e-4) { return x; }
    return x + (x * z) * ${
  horner("z", [-0.333333308, 0.1333320601, -0.05394676309, 0.02170070333, -0.008177398451, 0.002142962])
};
  }
  let y = 1.0 - 2.0 / (m_exp(2.0 * min(a, 20.0)) + 1.0);
  return select(m_copysign(y, x), x, m_isnan(x));
}
fn m_asinh(x: f32) -> f32 {
  let a = abs(x);
  let y = select(m_log1p(a + a * a / (1.0 + sqrt(a * a + 1.0))), m_log(a) + 0.6931471805599453, a > 1e9);
  return select(m_copysign(y, x), x, m_isnan(x) || a < 1e-4);
}
fn m_acosh(x: f32) -> f32 {
  let t = x - 1.0;
  let y = select(m_log1p(t + sqrt(2.0 * t + t * t)), m_log(x) + 0.6931471805599453, x > 1e9);
  return select(y, m_nan(), x < 1.0 || m_isnan(x));
}
fn m_atanh(x: f32) -> f32 {
  let a = abs(x);
  if (a > 1.0 || m_isnan(x)) { return m_nan(); }
  if (a < 1e-4) { return x; }
  return m_copysign(select(0.5 * m_log1p(2.0 * a / (1.0 - a)), m_inf(), a == 1.0), x);
}

// The remainder of the division, exact: the long division of the mantissas
fn m_mantissa(bits: u32) -> vec2<u32> {
  let e = (bits >> 23u) & 255u;
  return select(vec2<u32>((bits & 0x007fffffu) | 0x00800000u, e), vec2<u32>(bits & 0x007fffffu, 1u), e == 0u);
}
fn m_fmod(a: f32, b: f32) -> f32 {
  let x = bitcast<u32>(a) & 0x7fffffffu;
  let y = bitcast<u32>(b) & 0x7fffffffu;
  if (x >= 0x7f800000u || y > 0x7f800000u || y == 0u) { return m_nan(); }
  if (x < y) { return a; }
  let p = m_mantissa(x);
  let q = m_mantissa(y);
  var r = p.x % q.x;
  var steps = p.y - q.y;
  while (steps > 0u) {
    let k = min(steps, 8u);
    r = (r << k) % q.x;
    steps -= k;
  }
  var e = q.y;
  while (r != 0u && r < 0x00800000u && e > 1u) {
    r = r << 1u;
    e -= 1u;
  }
  let bits = select((r & 0x007fffffu) | (e << 23u), r, r < 0x00800000u);
  return bitcast<f32>(bits | (bitcast<u32>(a) & 0x80000000u));
}
fn m_remainder(a: f32, b: f32) -> f32 {
  let r = m_fmod(a, b);
  return select(r, r + b, m_truth(r) && (b < 0.0) != (r < 0.0));
}
fn m_floor_div(a: f32, b: f32) -> f32 {
  if (b == 0.0) { return a / b; }
  let r = m_fmod(a, b);
  var q = (a - r) / b;
  if (m_truth(r) && (b < 0.0) != (r < 0.0)) { q -= 1.0; }
  if (q == 0.0) { return m_copysign(0.0, a / b); }
  let f = floor(q);
  return select(f, f + 1.0, q - f > 0.5);
}
fn m_nextafter(a: f32, b: f32) -> f32 {
  if (a == b) { return b; }
  if (!(a < b) && !(a > b)) { return m_nan(); }
  let bits = bitcast<u32>(a);
  if ((bits << 1u) == 0u) { return bitcast<f32>(select(1u, 0x80000001u, b < 0.0)); }
  return bitcast<f32>(select(bits - 1u, bits + 1u, (a < b) == (a > 0.0)));
}

// Conversion to an integer: towards zero, modulo 2^32
fn m_int(v: f32) -> i32 {
  let bits = bitcast<u32>(v);
  let e = i32((bits >> 23u) & 255u) - 127;
  if (e < 0 || e > 55) { return 0; }
  let m = (bits & 0x007fffffu) | 0x00800000u;
  let size = select(m >> u32(max(23 - e, 0)), m << u32(max(e - 23, 0)), e > 23);
  return bitcast<i32>(select(size, 0u - size, (bits >> 31u) == 1u && e < 55));
}

fn m_int_pow(a: i32, b: i32) -> i32 {
  if (b < 0) { return select(select(0, select(1, -1, (b & 1) == 1), a == -1), 1, a == 1); }
  var result = 1;
  var power = a;
  var n = b;
  while (n > 0) {
    if ((n & 1) == 1) { result *= power; }
    power *= power;
    n = n >> 1u;
  }
  return result;
}
fn m_int_floor_div(a: i32, b: i32) -> i32 {
  let r = a % b;
  return a / b - select(0, 1, r != 0 && (r < 0) != (b < 0));
}
fn m_int_remainder(a: i32, b: i32) -> i32 {
  let r = a % b;
  return select(r, r + b, r != 0 && (r < 0) != (b < 0));
}
fn m_gcd(a: i32, b: i32) -> i32 {
  var x = bitcast<u32>(abs(a));
  var y = bitcast<u32>(abs(b));
  while (y != 0u) {
    let r = x % y;
    x = y;
    y = r;
  }
  return bitcast<i32>(x);
}
fn m_lcm(a: i32, b: i32) -> i32 {
  let d = m_gcd(a, b);
  if (d == 0) { return 0; }
  return abs((a / d) * b);
}
`;

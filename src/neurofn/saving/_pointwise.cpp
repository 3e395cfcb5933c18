// Words of formulas on vectors of float32, and the loops of a forward and a backward pass. What stands between them, the struct
// of one function, is written from its formula; both are compiled as one file, without -ffast-math: NaN and infinities go the
// ways of arithmetic. A word of two results gives its value and its slope, from what both need: no slope cancels.

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif

typedef float V __attribute__((vector_size(WIDTH)));
typedef int32_t I __attribute__((vector_size(WIDTH)));
typedef float Half __attribute__((vector_size(WIDTH / 2)));
typedef double D __attribute__((vector_size(WIDTH)));  // half a vector in double precision
typedef int64_t L __attribute__((vector_size(WIDTH)));

// A call would put every vector register away.
#define WORD inline __attribute__((always_inline))

namespace {

constexpr int LANES = WIDTH / 4, CHUNK = 1 << 12;
constexpr float INFINITE = __builtin_inff(), LN2 = 0.69314718f;

WORD V load(const float* p) { V v; std::memcpy(&v, p, sizeof v); return v; }
WORD void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
WORD V real(I i) { V v; std::memcpy(&v, &i, sizeof v); return v; }
WORD I bits(V v) { I i; std::memcpy(&i, &v, sizeof i); return i; }
WORD V all(float x) { return V{} + x; }
WORD V size(V u) { return real(bits(u) & 0x7fffffff); }
WORD V with_sign(V u, V of) { return real((bits(u) & 0x7fffffff) | (bits(of) & int32_t(0x80000000))); }
WORD V pick(I mask, V yes, V no) { return mask ? yes : no; }
#if WIDTH == 64
WORD V larger(V u, V v) { return _mm512_max_ps(v, u); }  // as below: NaN only where u is
WORD V less(V u, V v) { return _mm512_min_ps(v, u); }
WORD V root(V u) { return _mm512_sqrt_ps(u); }
#else
WORD V larger(V u, V v) { return v > u ? v : u; }
WORD V less(V u, V v) { return v < u ? v : u; }
WORD V root(V u) { V y; for (int j = 0; j < LANES; j++) y[j] = __builtin_sqrtf(u[j]); return y; }
#endif
#if WIDTH == 64
WORD bool any(I mask) { return _mm512_movepi32_mask((__m512i)mask) != 0; }
#else
WORD bool any(I mask) {
  int64_t parts[WIDTH / 8], found = 0;
  std::memcpy(parts, &mask, sizeof parts);
  for (int64_t part : parts) found |= part;
  return found;
}
#endif
WORD bool rarely(I mask) { return __builtin_expect(any(mask), 0); }

// A polynomial by rising powers, as a tree of pairs: a chain of sums would be waited for.
template <class T, int N>
WORD T series(T x, const T (&terms)[N]) {
  if constexpr (N == 1) return terms[0];
  else {
    T pairs[(N + 1) / 2];
    for (int k = 0; k < N; k += 2) pairs[k / 2] = k + 1 < N ? terms[k + 1] * x + terms[k] : terms[k];
    return series(x * x, pairs);
  }
}
template <class... More>
WORD V series(V x, float a, More... more) {
  const V terms[] = {all(a), all(more)...};
  return series(x, terms);
}
template <class... More>
WORD D series(D x, double a, More... more) {
  const D terms[] = {D{} + a, (D{} + more)...};
  return series(x, terms);
}

// e^u is 2^n (1 + q), by Cody and Waite; the polynomials of this file are fitted to their relative error.
struct Power { V n, q; };
WORD Power split(V u) {
  const V shifted = u * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to a whole number
  const V whole = shifted - 12582912.0f;
  const V r = (u - whole * 0.693359375f) - whole * -2.12194440e-4f;
  const V p = series(r, 0.4999999811f, 0.1666654163f, 0.04166720856f, 0.008366787959f, 0.00138824646f);
  return {whole, r * r * p + r};
}
WORD V two_to(V n) { return real((bits(n + 12582912.0f) - (0x4b400000 - 127)) << 23); }  // n from -126 to 127

#if WIDTH == 64
WORD V power(Power p) { return _mm512_scalef_ps(p.q + 1.0f, p.n); }
#else
WORD V power(Power p) {  // 2^n in two factors, so that small results are rounded once, not lost
  const V half = (p.n * 0.5f + 12582912.0f) - 12582912.0f;
  return (p.q + 1.0f) * two_to(half) * two_to(p.n - half);
}
#endif

WORD V exp(V u) { return power(split(larger(less(u, all(89.0f)), all(-104.0f)))); }
WORD void exp(V u, V& y, V& d) { y = d = exp(u); }
WORD V exp_negative(V u) { return power(split(larger(u, all(-104.0f)))); }  // for u <= 0
WORD V held_exp(V u) { return exp(u); }
WORD void held_exp(V u, V& y, V& d) { y = exp(u); d = u > 88.0f ? V{} : y; y = u > 88.0f ? all(INFINITE) : y; }

WORD void expm1(V u, V& y, V& d) {
  const Power p = split(larger(less(u, all(89.0f)), all(-104.0f)));
  const V t = two_to(larger(p.n - 1.0f, all(-99.0f)));  // half, since 2^128 is no number
  y = (t * p.q + (t - 0.5f)) * 2.0f;
  d = power(p);
}
WORD V expm1(V u) { V y, d; expm1(u, y, d); return y; }

WORD V log(V u) {
  const I tiny = u < 1.17549435e-38f;
  const I b = bits(tiny ? u * 8388608.0f : u) - 0x3f3504f3;  // mantissas from sqrt(1/2) to sqrt(2)
  const V f = real((b & 0x7fffff) + 0x3f3504f3) - 1.0f;
  const V n = __builtin_convertvector((b >> 23) - (tiny ? I{} + 23 : I{}), V);
  const V p = series(f, 0.333333126f, -0.250000096f, 0.2000211866f, -0.1666799585f, 0.1421955235f, -0.124055889f,
                     0.118881623f, -0.1167565203f, 0.06746640803f);
  const V square = f * f;
  const V y = n * 0.693359375f + (f + (n * -2.12194440e-4f + square * (f * p - 0.5f)));
  return u > 0.0f ? (u < INFINITE ? y : u) : (u == 0.0f ? all(-INFINITE) : all(NAN));
}
WORD void ln(V u, V& y, V& d) { y = log(u); d = 1.0f / u; }
WORD V ln(V u) { return log(u); }
WORD V log1p(V u) {
  const V above = u + 1.0f;
  return u == INFINITE ? u : log(above) + (size(u) < 1.0f ? u - (above - 1.0f) : V{});  // what the sum lost
}
WORD void log1p(V u, V& y, V& d) { y = log1p(u); d = 1.0f / (u + 1.0f); }

struct Logistic { V e, small, large; };  // exp(-|u|), sigma(-|u|), sigma(|u|)
WORD Logistic logistic(V u) {
  const V e = exp_negative(-size(u)), r = 1.0f / (e + 1.0f);
  return {e, e * r, r};
}
WORD void sigma(V u, V& y, V& d) {
  const Logistic s = logistic(u);
  y = u < 0.0f ? s.small : s.large;
  d = s.small * s.large;
}
WORD V sigma(V u) { V y, d; sigma(u, y, d); return y; }
WORD V above_larger(V e) {  // ln(1 + e) of e up to 1, as twice the inverse tanh of a number up to 1/3
  const V ratio = e / (e + 2.0f), square = ratio * ratio;
  return ratio * (square * series(square, 0.6666641313f, 0.4002169907f, 0.2799914098f, 0.2802445927f) + 2.0f);
}
WORD V softplus(V u) { return larger(u, V{}) + above_larger(exp(-size(u))); }
WORD void softplus(V u, V& y, V& d) {
  const V e = exp(-size(u)), r = 1.0f / (e + 1.0f);
  y = larger(u, V{}) + above_larger(e);
  d = u < 0.0f ? e * r : r;
}
WORD void logaddexp(V u, V v, V& y, V& du, V& dv) {
  const V away = u == v ? V{} : u - v;
  softplus(-size(away), y, du);
  const V small = sigma(-size(away));
  y = larger(u, v) + y;
  du = away < 0.0f ? small : 1.0f - small;
  dv = away < 0.0f ? 1.0f - small : small;
}
WORD V logaddexp(V u, V v) { V y, du, dv; logaddexp(u, v, y, du, dv); return y; }

WORD void tanh(V u, V& y, V& d) {
  const V a = size(u);
  const Power p = split(larger(a * -2.0f, all(-104.0f)));
  const V t = two_to(larger(p.n, all(-99.0f))), e = power(p), less_one = t * p.q + (t - 1.0f);  // exp(-2|u|), less 1
  const V r = 1.0f / (e + 1.0f);
  y = u != u ? u : with_sign(less_one * r, u);
  d = 4.0f * e * (r * r);
}
WORD V tanh(V u) { V y, d; tanh(u, y, d); return y; }
WORD void tanh_softplus(V u, V& y, V& d) {  // n/(n + 2) with n = e^u (e^u + 2)
  const V power = exp(less(u, all(20.0f))), n = power * (power + 2.0f), inverse = 1.0f / (n + 2.0f);
  y = u > 0.0f ? 1.0f - 2.0f * inverse : n * inverse;
  d = u > 20.0f ? V{} : 4.0f * (power * inverse) * ((power + 1.0f) * inverse);
}
WORD V tanh_softplus(V u) { V y, d; tanh_softplus(u, y, d); return y; }

struct Wings { V large, small; };  // exp(|u|)/2 and exp(-|u|)/2
WORD Wings wings(V u) {
  const V large = exp(size(u) - LN2);
  return {large, 0.25f / large};
}
WORD V cosh_of(const Wings& w) { return w.large + w.small; }
WORD V sinh_of(V u, const Wings& w) {
  const V square = u * u;
  const V near = u + u * (square * series(square, 0.1666671825f, 0.008330211424f, 0.0002037740442f));
  return size(u) < 1.0f ? near : u < 0.0f ? w.small - w.large : w.large - w.small;
}
WORD void sinh(V u, V& y, V& d) { const Wings w = wings(u); y = sinh_of(u, w); d = cosh_of(w); }
WORD void cosh(V u, V& y, V& d) { const Wings w = wings(u); d = sinh_of(u, w); y = cosh_of(w); }
WORD V sinh(V u) { V y, d; sinh(u, y, d); return y; }
WORD V cosh(V u) { V y, d; cosh(u, y, d); return y; }
WORD void sech(V u, V& y, V& d) {
  const V e = exp_negative(-size(u)), r = 1.0f / (e * e + 1.0f);
  y = 2.0f * e * r;
  d = y * with_sign((1.0f - e * e) * r, -u);
}
WORD V sech(V u) { V y, d; sech(u, y, d); return y; }

// Quarter turns are taken off in three parts; where they no longer suffice the C library does it, one by one.
struct Turned { V sine, cosine; };
WORD Turned turn(V u) {
  const V shifted = u * 0.636619772f + 12582912.0f, whole = shifted - 12582912.0f;
  const I n = bits(shifted);
  const V r = ((u - whole * 1.5703125f) - whole * 4.837512969970703e-4f) - whole * 7.549789954891882e-8f;
  const V square = r * r;
  const V s = r + r * (square * series(square, -0.1666665387f, 0.008332113272f, -0.0001950877293f));
  const V c = 1.0f + square * (square * series(square, 0.04166664437f, -0.001388725181f, 2.442571848e-05f) - 0.5f);
  const I odd = (n & 1) != 0;
  Turned t = {pick(odd, c, s), pick(odd, s, c)};
  t.sine = real(bits(t.sine) ^ ((n & 2) << 30));
  t.cosine = real(bits(t.cosine) ^ (((n + 1) & 2) << 30));
  if (rarely(~(size(u) <= 30000.0f)))
    for (int j = 0; j < LANES; j++) t.sine[j] = std::sin(u[j]), t.cosine[j] = std::cos(u[j]);
  return t;
}
WORD void sin(V u, V& y, V& d) { const Turned t = turn(u); y = t.sine; d = t.cosine; }
WORD void cos(V u, V& y, V& d) { const Turned t = turn(u); y = t.cosine; d = -t.sine; }
WORD V sin(V u) { return turn(u).sine; }
WORD V cos(V u) { return turn(u).cosine; }
WORD void sinc(V u, V& y, V& d) {
  const I near = size(u) < 1.0f;
  const V square = u * u, inverse = 1.0f / u;
  const Turned t = turn(u);
  const V close = square * series(square, -0.1666666649f, 0.00833331662f, -0.0001983621212f, 2.695312658e-06f) + 1.0f;
  y = pick(near, close, t.sine * inverse);
  d = pick(near, u * series(square, -0.3333333313f, 0.03333327001f, -0.001190163f, 2.154719251e-05f),
           (t.cosine - y) * inverse);
}
WORD V sinc(V u) { V y, d; sinc(u, y, d); return y; }

WORD void atan(V u, V& y, V& d) {  // turned by 0, 45 or 90 degrees into a short polynomial
  const V a = size(u);
  const I far = a > 2.41421356f, middle = a > 0.414213562f;
  const V above = pick(far, all(-1.0f), pick(middle, a - 1.0f, a)), below = pick(far, a, pick(middle, a + 1.0f, all(1.0f)));
  const V t = above / below, square = t * t;
  const V p = series(square, -0.3333295468f, 0.1997790137f, -0.138795583f, 0.08059292941f);
  y = pick(far, all(1.57079633f), pick(middle, all(0.785398163f), V{})) + (t + t * (square * p));
  y = u != u ? u : with_sign(y, u);
  d = 1.0f / (u * u + 1.0f);
}
WORD V atan(V u) { V y, d; atan(u, y, d); return y; }
WORD void asinh(V u, V& y, V& d) {
  const V a = size(u), h = root(a * a + 1.0f);
  y = with_sign(a > 1e18f ? log(a) + LN2 : log1p(a + a * (a / (h + 1.0f))), u);
  y = u != u ? u : y;
  d = 1.0f / h;
}
WORD V asinh(V u) { V y, d; asinh(u, y, d); return y; }

WORD V tail(V a, V e) {  // erfc of a >= 0, e = exp(-a a)
  const V x = (a - 2.0f) / (a + 2.0f);
  return e * series(x, 0.2553956817f, -0.4271859397f, 0.2416579158f, -0.0789760094f, 0.003735285025f, 0.00697867178f,
                    -0.0008562544726f, -0.000927900951f, 6.492563538e-05f, 0.0001087656797f);
}
WORD void erfc(V u, V& y, V& d) {
  const V a = less(size(u), all(16.0f)), e = exp(-(a * a)), t = tail(a, e);
  y = u < 0.0f ? 2.0f - t : t;
  d = -1.12837917f * e;
}
WORD V erfc(V u) { V y, d; erfc(u, y, d); return y; }
WORD void erf(V u, V& y, V& d) {
  const V a = less(size(u), all(16.0f)), square = a * a, e = exp(-square);
  const V near = a * series(square, 1.128379122f, -0.3761232618f, 0.1128018008f, -0.02671131059f, 0.004917550708f,
                            -0.0005631419606f);
  y = with_sign(pick(a < 1.0f, near, 1.0f - tail(a, e)), u);
  d = 1.12837917f * e;
}
WORD V erf(V u) { V y, d; erf(u, y, d); return y; }
WORD void Phi(V u, V& y, V& d) {
  erfc(u * -0.707106781f, y, d);
  y *= 0.5f;
  d *= -0.353553391f;
}
WORD V Phi(V u) { V y, d; Phi(u, y, d); return y; }
WORD void phi(V u, V& y, V& d) {
  y = exp(-0.5f * (u * u)) * 0.398942280f;
  d = size(u) > 20.0f ? V{} : -u * y;
}
WORD V phi(V u) { V y, d; phi(u, y, d); return y; }

WORD void sqrt(V u, V& y, V& d) { y = root(u); d = 0.5f / y; }
WORD V sqrt(V u) { return root(u); }
WORD void hypot_one(V u, V& y, V& d) {  // sqrt(1 + u u)
  const V a = size(u);
  const I far = a > 1e18f;
  y = pick(far, a, root(a * a + 1.0f));
  d = pick(far, with_sign(all(1.0f), u), u / y);
}
WORD V hypot_one(V u) { V y, d; hypot_one(u, y, d); return y; }
WORD void hypot(V u, V v, V& y, V& du, V& dv) {
  const V most = larger(size(u), size(v));
  V scale = all(1.0f), back = scale;
  if (rarely(~((most < 1152921504606846976.0f) & (most > 8.6736174e-19f)))) {  // squares must be numbers
    const I huge = most > 1.0f, middle = (most < 1152921504606846976.0f) & (most > 8.6736174e-19f);
    scale = pick(middle, scale, pick(huge, all(8.470329472543003e-22f), all(7.737125245533627e25f)));
    back = pick(middle, back, pick(huge, all(1180591620717411303424.0f), all(1.2924697071141057e-26f)));
  }
  const V one = u * scale, other = v * scale, h = root(one * one + other * other);
  y = h * back;
  du = one / h;
  dv = other / h;
}
WORD V hypot(V u, V v) { V y, du, dv; hypot(u, v, y, du, dv); return y; }

// u^p in double precision, since p ln u must be known to more digits than a float has.
struct Wide { D half[2]; };
WORD Wide wide(V u) {
  Half parts[2];
  std::memcpy(parts, &u, sizeof u);
  return {__builtin_convertvector(parts[0], D), __builtin_convertvector(parts[1], D)};
}
WORD V narrow(const Wide& x) {
  const Half parts[2] = {__builtin_convertvector(x.half[0], Half), __builtin_convertvector(x.half[1], Half)};
  V v;
  std::memcpy(&v, parts, sizeof v);
  return v;
}
WORD D log2_of(D x) {
  L b;
  std::memcpy(&b, &x, sizeof b);
  b -= 0x3fe6a09e00000000;
  const L mantissa = (b & 0xfffffffffffff) + 0x3fe6a09e00000000;
  D m;
  std::memcpy(&m, &mantissa, sizeof m);
  const D s = (m - 1.0) / (m + 1.0), q = s * s;
  return __builtin_convertvector(b >> 52, D) +
         s * series(q, 2.8853900817778495, 0.96179669411428637, 0.57707794208723673, 0.41220928071476104, 0.31990452090480759,
                    0.28291716490056495);
}
WORD D two_to(D y) {
  y = y < -160.0 ? D{} - 160.0 : y;
  y = y > 160.0 ? D{} + 160.0 : y;
  const D shifted = y + 6755399441055744.0, r = y - (shifted - 6755399441055744.0);
  L n;
  std::memcpy(&n, &shifted, sizeof n);
  const D p = series(r, 0.99999999995954969, 0.69314718053502578, 0.240226512135846, 0.055504109761097598, 0.0096180256041385869,
                     0.001333342264634958, 0.00015469731653157404, 1.5316461223241484e-05);
  const L scale = (n + 1023) << 52;
  D t;
  std::memcpy(&t, &scale, sizeof t);
  return p * t;
}
WORD Wide log2_of(V u) {
  const Wide x = wide(size(u));
  return {log2_of(x.half[0]), log2_of(x.half[1])};
}
WORD V power_of(V p, const Wide& log) {
  const Wide x = wide(p);
  return narrow({two_to(x.half[0] * log.half[0]), two_to(x.half[1] * log.half[1])});
}
__attribute__((noinline, cold)) V any_power_of(V u, V p, const Wide& log) {
  const I whole = (size(p) >= 4194304.0f) | ((p + 12582912.0f) - 12582912.0f == p);
  const I odd = ((bits(p + 12582912.0f) & 1) != 0) & (size(p) < 4194304.0f);
  V y = power_of(p, log);
  y = pick((u == 0.0f) | (size(u) == INFINITE), pick((u == 0.0f) == (p < 0.0f), all(INFINITE), V{}), y);
  y = pick((u < 0.0f) & ~whole & (u > -INFINITE), all(NAN), y);
  y = pick(whole & odd, with_sign(y, u), y);
  y = pick((p == 0.0f) | (u == 1.0f), all(1.0f), y);
  return pick((u != u) & (p != 0.0f), u, pick((p != p) & (u != 1.0f), p, y));
}
WORD I common(V u, V p) { return (u < INFINITE) & (size(p) < 1e6f) & ((u > 0.0f) | ((u == 0.0f) & (p > 0.0f))); }
WORD V pow(V u, V p) {
  const Wide log = log2_of(u);
  return rarely(~common(u, p)) ? any_power_of(u, p, log) : pick(u == 0.0f, V{}, power_of(p, log));
}
WORD void pow(V u, V p, V& y, V& du, V& dp) {
  const Wide log = log2_of(u);
  const V low = p - 1.0f;
  const I zero = u == 0.0f;
  if (rarely(~common(u, p))) {
    y = any_power_of(u, p, log);
    du = pick(p == 0.0f, V{}, p * any_power_of(u, low, log));
  } else {
    y = pick(zero, V{}, power_of(p, log));
    du = p * pick(zero, pick(low == 0.0f, all(1.0f), pick(low < 0.0f, all(INFINITE), V{})), power_of(low, log));
  }
  dp = pick(zero & (p >= 0.0f), V{}, y * ln(u));
}

WORD V sign(V u) { return u > 0.0f ? all(1.0f) : u < 0.0f ? all(-1.0f) : u; }

// ---- loops --------------------------------------------------------------------------------------------------------------

// F::value(z, u) and F::slope(g, kept, u, sums): u are the numbers that the function learns or was given, for all of z the same.
template <class F>
void forward(const float* z, float* y, const float* numbers, int64_t count, int threads) {
  V u[F::numbers + 1];
  for (int k = 0; k < F::numbers; k++) u[k] = all(numbers[k]);
  const int64_t whole = count / LANES * LANES;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t chunk = 0; chunk < whole; chunk += CHUNK)
    for (int64_t i = chunk; i < chunk + CHUNK && i < whole; i += LANES) store(y + i, F::value(load(z + i), u));
  if (whole < count) {
    float part[LANES] = {};
    std::memcpy(part, z + whole, (count - whole) * sizeof(float));
    store(part, F::value(load(part), u));
    std::memcpy(y + whole, part, (count - whole) * sizeof(float));
  }
}

template <class F>
WORD void add(const V* sums, double* total, int lanes) {
  for (int k = 0; k < F::sums; k++)
    for (int j = 0; j < lanes; j++) total[k] += sums[k][j];
}

// Sums over z, one per learned number, are added up in double precision, chunk by chunk: the same for any number of threads.
template <class F>
void backward(const float* g, const float* z, float* out, const float* numbers, double* totals, int64_t count, int threads) {
  V u[F::numbers + 1];
  for (int k = 0; k < F::numbers; k++) u[k] = all(numbers[k]);
  const int64_t whole = count / LANES * LANES;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t chunk = 0; chunk < whole; chunk += CHUNK) {
    V sums[F::sums + 1] = {};
    for (int64_t i = chunk; i < chunk + CHUNK && i < whole; i += LANES) store(out + i, F::slope(load(g + i), load(z + i), u, sums));
    add<F>(sums, totals + chunk / CHUNK * F::sums, LANES);
  }
  if (whole < count) {
    float gs[LANES] = {}, zs[LANES] = {};
    std::memcpy(gs, g + whole, (count - whole) * sizeof(float));
    std::memcpy(zs, z + whole, (count - whole) * sizeof(float));
    V sums[F::sums + 1] = {};
    store(gs, F::slope(load(gs), load(zs), u, sums));
    add<F>(sums, totals + (count - 1) / CHUNK * F::sums, int(count - whole));
    std::memcpy(out + whole, gs, (count - whole) * sizeof(float));
  }
}

}  // namespace

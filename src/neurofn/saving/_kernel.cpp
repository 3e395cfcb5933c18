// Few-bit forward and backward for float32: a code of 1 to 4 bits per number, how many of the boundaries lie below it.
//
// A block is 512 numbers, 32 rows of 16. Of every block, bit p of all codes is one plane of 16 words: bit k of word j belongs to
// number 16 k + j, so that neither packing nor unpacking moves anything across lanes. The last block is filled up with zeros.
// Compiled without -ffast-math: NaN compares false, and its code is 0.

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define WIDTH 64
#elif defined(__AVX2__)
#define WIDTH 32
#else
#define WIDTH 16
#endif

typedef float V __attribute__((vector_size(WIDTH)));
typedef int32_t I __attribute__((vector_size(WIDTH)));

namespace {

constexpr int LANES = WIDTH / 4, COLUMNS = 16, ROWS = 32, BLOCK = COLUMNS * ROWS;

inline V load(const float* p) { V v; std::memcpy(&v, p, sizeof v); return v; }
inline I load(const int32_t* p) { I v; std::memcpy(&v, p, sizeof v); return v; }
inline void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
inline void store(int32_t* p, I v) { std::memcpy(p, &v, sizeof v); }
inline V real(I bits) { V v; std::memcpy(&v, &bits, sizeof v); return v; }
inline I bits(V v) { I i; std::memcpy(&i, &v, sizeof i); return i; }
inline V size(V v) { return real(bits(v) & 0x7fffffff); }

// e^u for u <= 0. Cody and Waite: u = n ln 2 + r; 2^n in two factors, so that small results are rounded once, not lost.
inline V exp_negative(V u) {
  u = u < -110.0f ? V{} - 110.0f : u;
  const V shifted = u * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to a whole number
  const I n = bits(shifted) - 0x4b400000;
  const V whole = shifted - 12582912.0f;
  const V r = (u - whole * 0.693359375f) - whole * -2.12194440e-4f;
  V p = r * 1.9841270e-4f + 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 0.16666667f;
  p = p * r + 0.5f;
  p = (p * r) * r + r + 1.0f;
  const I half = n >> 1;
  return p * real((half + 127) << 23) * real((n - half + 127) << 23);
}

struct Keep {  // the value is made elsewhere; here are the codes alone
  static constexpr bool writes = false;
  static V value(V z) { return z; }
};

struct Silu {  // z e/(1 + e) on the left, z/(1 + e) on the right, e = exp(-|z|)
  static constexpr bool writes = true;
  static V value(V z) {
    const V e = exp_negative(-size(z));
    return z * ((z < 0.0f ? e : V{} + 1.0f) / (1.0f + e));
  }
};

struct Mish {  // tanh(ln(1 + e^z)) = n/(n + 2) with n = e^z (e^z + 2); on the right both sides times exp(-2 z)
  static constexpr bool writes = true;
  static V value(V z) {
    const V e = exp_negative(-size(z));
    const auto left = z < 0.0f;
    const V top = left ? e * (e + 2.0f) : 2.0f * e + 1.0f;
    return z * (top / (top + (left ? V{} + 2.0f : 2.0f * e * e)));
  }
};

struct Gelu {  // Phi(-a) = exp(-a a/2) w Q(w), w = 1/(1 + 0.35 a): Q by least squares in the largest relative error, 4e-8
  static constexpr bool writes = true;
  static V value(V z) {
    V a = size(z);
    a = a > 15.0f ? V{} + 15.0f : a;
    const V w = 1.0f / (1.0f + 0.35f * a);
    V q = w * -0.0291638188f + 0.144060299f;
    q = q * w - 0.25590086f;
    q = q * w + 0.15939182f;
    q = q * w - 0.0232631229f;
    q = q * w + 0.105574518f;
    q = q * w + 0.119815566f;
    q = q * w + 0.139864326f;
    q = q * w + 0.139621258f;
    const V tail = exp_negative(-0.5f * a * a) * (q * w);
    return z * (z < 0.0f ? tail : 1.0f - tail);
  }
};


template <int BITS>
inline void pack(const V v, int row, const float* boundaries, I* planes) {
  I code{};
  for (int b = 0; b < (1 << BITS) - 1; b++) code -= v > boundaries[b];
  for (int p = 0; p < BITS; p++) planes[p] |= ((code >> p) & 1) << row;
}

template <int BITS, class F>
inline void forward_block(const float* x, float* y, int32_t* packed, const float* boundaries, I& nan) {
  for (int column = 0; column < COLUMNS; column += LANES) {
    I planes[BITS] = {};
    for (int row = 0; row < ROWS; row++) {
      const V v = load(x + row * COLUMNS + column);
      nan |= v != v;
      if (F::writes) store(y + row * COLUMNS + column, F::value(v));
      pack<BITS>(v, row, boundaries, planes);
    }
    for (int p = 0; p < BITS; p++) store(packed + p * COLUMNS + column, planes[p]);
  }
}

template <int BITS, class F>
bool forward(const float* x, float* y, int32_t* packed, const float* boundaries, int64_t count, int threads) {
  const int64_t blocks = count / BLOCK, rest = count % BLOCK;
  int found = 0;
#pragma omp parallel for num_threads(threads) reduction(| : found) schedule(static)
  for (int64_t block = 0; block < blocks; block++) {
    I nan{};
    forward_block<BITS, F>(x + block * BLOCK, y + block * BLOCK, packed + block * BITS * COLUMNS, boundaries, nan);
    for (int j = 0; j < LANES; j++) found |= nan[j];
  }
  if (rest) {
    float in[BLOCK] = {}, out[BLOCK];
    I nan{};
    std::memcpy(in, x + blocks * BLOCK, rest * sizeof(float));
    forward_block<BITS, F>(in, out, packed + blocks * BITS * COLUMNS, boundaries, nan);
    if (F::writes) std::memcpy(y + blocks * BLOCK, out, rest * sizeof(float));
    for (int j = 0; j < LANES; j++) found |= nan[j];
  }
  return found != 0;
}

inline V look_up(I code, const float* levels) {
#if WIDTH == 64
  return __builtin_shuffle(load(levels), code);
#else
  V v;
  for (int j = 0; j < LANES; j++) v[j] = levels[code[j]];
  return v;
#endif
}

template <int BITS>
inline void backward_block(const float* g, float* out, const int32_t* packed, const float* levels) {
  for (int column = 0; column < COLUMNS; column += LANES) {
    I planes[BITS];
    for (int p = 0; p < BITS; p++) planes[p] = load(packed + p * COLUMNS + column);
    for (int row = 0; row < ROWS; row++) {
      I code{};
      for (int p = 0; p < BITS; p++) code |= ((planes[p] >> row) & 1) << p;
      const int at = row * COLUMNS + column;
      store(out + at, load(g + at) * look_up(code, levels));
    }
  }
}

template <int BITS>
void backward(const float* g, float* out, const int32_t* packed, const float* levels, int64_t count, int threads) {
  const int64_t blocks = count / BLOCK, rest = count % BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t block = 0; block < blocks; block++)
    backward_block<BITS>(g + block * BLOCK, out + block * BLOCK, packed + block * BITS * COLUMNS, levels);
  if (rest) {
    float in[BLOCK] = {}, result[BLOCK];
    std::memcpy(in, g + blocks * BLOCK, rest * sizeof(float));
    backward_block<BITS>(in, result, packed + blocks * BITS * COLUMNS, levels);
    std::memcpy(out + blocks * BLOCK, result, rest * sizeof(float));
  }
}

template <int BITS>
int forward_of(int which, const float* x, float* y, int32_t* packed, const float* boundaries, int64_t n, int threads) {
  switch (which) {
    case 0: return forward<BITS, Keep>(x, y, packed, boundaries, n, threads);
    case 1: return forward<BITS, Gelu>(x, y, packed, boundaries, n, threads);
    case 2: return forward<BITS, Silu>(x, y, packed, boundaries, n, threads);
    case 3: return forward<BITS, Mish>(x, y, packed, boundaries, n, threads);
  }
  return -1;
}

}  // namespace

// 1 where some x is NaN, 0 where none is, -1 for arguments of no meaning. y is not written where which is 0.
extern "C" int neurofn_forward(int bits, int which, const float* x, float* y, int32_t* packed, const float* boundaries,
                               int64_t count, int threads) {
  switch (bits) {
    case 1: return forward_of<1>(which, x, y, packed, boundaries, count, threads);
    case 2: return forward_of<2>(which, x, y, packed, boundaries, count, threads);
    case 3: return forward_of<3>(which, x, y, packed, boundaries, count, threads);
    case 4: return forward_of<4>(which, x, y, packed, boundaries, count, threads);
  }
  return -1;
}

// out = g * levels[code]; there are always 16 levels.
extern "C" int neurofn_backward(int bits, const float* g, float* out, const int32_t* packed, const float* levels,
                                int64_t count, int threads) {
  switch (bits) {
    case 1: backward<1>(g, out, packed, levels, count, threads); return 0;
    case 2: backward<2>(g, out, packed, levels, count, threads); return 0;
    case 3: backward<3>(g, out, packed, levels, count, threads); return 0;
    case 4: backward<4>(g, out, packed, levels, count, threads); return 0;
  }
  return -1;
}

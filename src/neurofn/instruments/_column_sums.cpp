// Sums and counts over all values of each neuron, in one pass.
//
// Neurons lie on the second axis of x (samples, neurons, places); rows are samples with one place. At most SLAB numbers are added
// up in the type of the values (REAL: float or double), and those sums in double. Threads share the neurons, so that sums do
// not depend on how many threads there are. Compiled without -ffast-math: what is not finite stays so.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

struct Args {
  const void *x, *shift;     // shift (neurons), of the type of x, is for moments
  double *moments, *counts;  // to which is added: (2, neurons), sums of x - shift and of its squares; (neurons), how many are
  double threshold;          // above the threshold. Either may be null.
  int64_t samples, neurons, places, stride;  // stride: numbers from one sample to the next
  int32_t threads;
};

namespace {

constexpr int BYTES = 64;
constexpr int SLAB = 64;  // rows, or values of one lane, that are added up in REAL

template <class R, class I> struct Numbers {
  typedef R REAL;
  typedef I WHOLE;
  typedef R V __attribute__((vector_size(BYTES)));
  typedef I W __attribute__((vector_size(BYTES)));
  static constexpr int LANES = BYTES / sizeof(R);
};

template <bool MOMENTS, bool COUNTS, class X, class N> inline void add(X x, X shift, X threshold, X& first, X& second, N& count) {
  if constexpr (MOMENTS) {
    const X apart = x - shift;
    first += apart;
    second += apart * apart;
  }
  if constexpr (COUNTS) {
    if constexpr (std::is_arithmetic<X>::value) count += x > threshold;
    else count -= x > threshold;  // true is -1 in a vector
  }
}

// out: (3, neurons), the two sums and the counts of the neurons from .. to.
template <class T, bool MOMENTS, bool COUNTS> void rows(const Args& a, double* out, int64_t from, int64_t to) {
  typedef typename T::REAL REAL;
  constexpr int WIDE = 8 * T::LANES;  // neurons whose sums are held at once
  REAL first[WIDE], second[WIDE], shift[WIDE] = {};
  typename T::WHOLE count[WIDE];
  const REAL threshold = (REAL)a.threshold;
  for (int64_t column = from; column < to; column += WIDE) {
    const int wide = (int)std::min<int64_t>(WIDE, to - column);
    if (MOMENTS) std::memcpy(shift, (const REAL*)a.shift + column, wide * sizeof(REAL));
    for (int64_t row = 0; row < a.samples; row += SLAB) {
      const int many = (int)std::min<int64_t>(SLAB, a.samples - row);
      std::fill(first, first + wide, 0);
      std::fill(second, second + wide, 0);
      std::fill(count, count + wide, 0);
      const REAL* x = (const REAL*)a.x + row * a.stride + column;
      int r = 0;
      for (; r + 4 <= many; r += 4, x += 4 * a.stride) {
        const REAL *x1 = x + a.stride, *x2 = x1 + a.stride, *x3 = x2 + a.stride;
#pragma GCC ivdep
        for (int j = 0; j < wide; j++) {
          REAL one = first[j], two = second[j];
          typename T::WHOLE n = count[j];
          add<MOMENTS, COUNTS>(x[j], shift[j], threshold, one, two, n);
          add<MOMENTS, COUNTS>(x1[j], shift[j], threshold, one, two, n);
          add<MOMENTS, COUNTS>(x2[j], shift[j], threshold, one, two, n);
          add<MOMENTS, COUNTS>(x3[j], shift[j], threshold, one, two, n);
          first[j] = one;
          second[j] = two;
          count[j] = n;
        }
      }
      for (; r < many; r++, x += a.stride)
#pragma GCC ivdep
        for (int j = 0; j < wide; j++) add<MOMENTS, COUNTS>(x[j], shift[j], threshold, first[j], second[j], count[j]);
      double* sums = out + column;
      for (int j = 0; j < wide; j++) {
        if (MOMENTS) sums[j] += (double)first[j], sums[a.neurons + j] += (double)second[j];
        if (COUNTS) sums[2 * a.neurons + j] += (double)count[j];
      }
    }
  }
}

template <class T, bool MOMENTS, bool COUNTS> void planes(const Args& a, double* out, int64_t from, int64_t to) {
  typedef typename T::REAL REAL;
  typedef typename T::V V;
  constexpr int LANES = T::LANES;
  const REAL threshold = (REAL)a.threshold;
  for (int64_t neuron = from; neuron < to; neuron++) {
    const REAL shift = MOMENTS ? ((const REAL*)a.shift)[neuron] : 0;
    const V shifts = shift - V{}, thresholds = threshold - V{};
    double sums[3] = {};
    for (int64_t sample = 0; sample < a.samples; sample++) {
      const REAL* x = (const REAL*)a.x + sample * a.stride + neuron * a.places;
      for (int64_t place = 0; place < a.places; place += 2 * SLAB * LANES) {
        const int64_t end = std::min(a.places, place + 2 * SLAB * LANES);
        V even[2] = {}, odd[2] = {}, values;
        typename T::W evens = {}, odds = {};
        REAL rest[2] = {};
        typename T::WHOLE rests = 0;
        int64_t k = place;
        for (; k + 2 * LANES <= end; k += 2 * LANES) {
          std::memcpy(&values, x + k, BYTES);
          add<MOMENTS, COUNTS>(values, shifts, thresholds, even[0], even[1], evens);
          std::memcpy(&values, x + k + LANES, BYTES);
          add<MOMENTS, COUNTS>(values, shifts, thresholds, odd[0], odd[1], odds);
        }
        for (; k < end; k++) add<MOMENTS, COUNTS>(x[k], shift, threshold, rest[0], rest[1], rests);
        sums[0] += (double)rest[0];
        sums[1] += (double)rest[1];
        sums[2] += (double)rests;
        for (int j = 0; j < LANES; j++) {
          sums[0] += (double)even[0][j] + (double)odd[0][j];
          sums[1] += (double)even[1][j] + (double)odd[1][j];
          sums[2] += (double)evens[j] + (double)odds[j];
        }
      }
    }
    for (int i = 0; i < 3; i++) out[i * a.neurons + neuron] = sums[i];
  }
}

template <class T, bool MOMENTS, bool COUNTS> void sums(const Args& a, double* out) {
  const int64_t share = (a.neurons + a.threads - 1) / a.threads, even = (share + 15) / 16 * 16;
#pragma omp parallel for num_threads(a.threads) schedule(static) if (a.threads > 1)
  for (int thread = 0; thread < a.threads; thread++) {
    const int64_t from = std::min(a.neurons, thread * even), to = std::min(a.neurons, from + even);
    (a.places == 1 ? rows<T, MOMENTS, COUNTS> : planes<T, MOMENTS, COUNTS>)(a, out, from, to);
  }
}

template <class T> void sums_of(const Args& a, double* out) {
  (!a.counts ? sums<T, true, false> : !a.moments ? sums<T, false, true> : sums<T, true, true>)(a, out);
}

}  // namespace

// Whether all values, and their squares, were finite; if not, nothing is added. Without moments nobody looks.
extern "C" int neurofn_column_sums(const Args* a, int bytes) {
  const int64_t n = a->neurons;
  std::vector<double> batch(3 * n);
  (bytes == 4 ? sums_of<Numbers<float, int32_t>> : sums_of<Numbers<double, int64_t>>)(*a, batch.data());
  if (!std::isfinite(std::accumulate(batch.begin() + n, batch.begin() + 2 * n, 0.0))) return 0;
  if (a->moments)
    for (int64_t i = 0; i < 2 * n; i++) a->moments[i] += batch[i];
  if (a->counts)
    for (int64_t i = 0; i < n; i++) a->counts[i] += batch[2 * n + i];
  return 1;
}

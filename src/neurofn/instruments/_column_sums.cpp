// Sums over all values of each neuron, in one pass.
//
// Neurons lie on the second axis of x (samples, neurons, places); rows are samples with one place. At most SLAB numbers are added
// up in the type of the values (REAL: float or double), and those sums in double. Threads share the neurons, so that sums do
// not depend on how many threads there are. Compiled without -ffast-math: what is not finite stays so.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

struct Args {
  const void *x, *shift;  // shift (neurons), of the type of x, is for moments only
  double* into;           // to which is added. Moments: (2, neurons), sums of x - shift and of its squares; counts: (neurons)
  int64_t samples, neurons, places, stride;  // stride: numbers from one sample to the next
  double threshold;
  int32_t threads;
};

namespace {

constexpr int BYTES = 64;
constexpr int SLAB = 64;  // rows, or values of one lane, that are added up in REAL

template <class R, class I> struct Types {
  typedef R REAL;
  typedef I WHOLE;
  typedef R V __attribute__((vector_size(BYTES)));
  typedef I W __attribute__((vector_size(BYTES)));
  static constexpr int LANES = BYTES / sizeof(R);
  static constexpr int WIDE = 8 * LANES;  // neurons of rows whose sums are held at once
  static inline V load(const R* p) { V v; std::memcpy(&v, p, sizeof v); return v; }
};

template <class T> struct Moments : T {
  typedef typename T::REAL Sum;
  typedef typename T::V Sums;
  static constexpr bool SHIFTED = true;
  template <class Value> static inline void add(Value value, Value shift, Value& first, Value& second) {
    const Value apart = value - shift;
    first += apart;
    second += apart * apart;
  }
};

template <class T> struct Above : T {
  typedef typename T::WHOLE Sum;
  typedef typename T::W Sums;
  static constexpr bool SHIFTED = false;
  static inline void add(typename T::REAL value, typename T::REAL threshold, Sum& first, Sum&) { first += value > threshold; }
  static inline void add(typename T::V value, typename T::V threshold, Sums& first, Sums&) {
    first -= value > threshold;  // true is -1 in a vector
  }
};

template <class Kind> void rows(const Args& a, double* into, int64_t from, int64_t to) {
  typedef typename Kind::REAL REAL;
  constexpr int WIDE = Kind::WIDE;
  typename Kind::Sum first[WIDE], second[WIDE];
  REAL beside[WIDE];
  for (int64_t column = from; column < to; column += WIDE) {
    const int wide = (int)std::min<int64_t>(WIDE, to - column);
    for (int j = 0; j < wide; j++) beside[j] = Kind::SHIFTED ? ((const REAL*)a.shift)[column + j] : (REAL)a.threshold;
    for (int64_t row = 0; row < a.samples; row += SLAB) {
      const int many = (int)std::min<int64_t>(SLAB, a.samples - row);
      std::fill(first, first + wide, 0);
      std::fill(second, second + wide, 0);
      const REAL* x = (const REAL*)a.x + row * a.stride + column;
      int r = 0;
      for (; r + 4 <= many; r += 4, x += 4 * a.stride) {
        const REAL *x1 = x + a.stride, *x2 = x1 + a.stride, *x3 = x2 + a.stride;
#pragma GCC ivdep
        for (int j = 0; j < wide; j++) {
          typename Kind::Sum one = first[j], two = second[j];
          Kind::add(x[j], beside[j], one, two);
          Kind::add(x1[j], beside[j], one, two);
          Kind::add(x2[j], beside[j], one, two);
          Kind::add(x3[j], beside[j], one, two);
          first[j] = one;
          second[j] = two;
        }
      }
      for (; r < many; r++, x += a.stride)
#pragma GCC ivdep
        for (int j = 0; j < wide; j++) Kind::add(x[j], beside[j], first[j], second[j]);
      for (int j = 0; j < wide; j++) {
        into[column + j] += (double)first[j];
        if (Kind::SHIFTED) into[a.neurons + column + j] += (double)second[j];
      }
    }
  }
}

template <class Kind> void planes(const Args& a, double* into, int64_t from, int64_t to) {
  typedef typename Kind::REAL REAL;
  constexpr int LANES = Kind::LANES;
  for (int64_t neuron = from; neuron < to; neuron++) {
    const REAL beside = Kind::SHIFTED ? ((const REAL*)a.shift)[neuron] : (REAL)a.threshold;
    const typename Kind::V besides = beside - typename Kind::V{};
    double first = 0, second = 0;
    for (int64_t sample = 0; sample < a.samples; sample++) {
      const REAL* x = (const REAL*)a.x + sample * a.stride + neuron * a.places;
      for (int64_t place = 0; place < a.places; place += 2 * SLAB * LANES) {
        const int64_t end = std::min(a.places, place + 2 * SLAB * LANES);
        typename Kind::Sums even[2] = {}, odd[2] = {};
        typename Kind::Sum rest[2] = {};
        int64_t k = place;
        for (; k + 2 * LANES <= end; k += 2 * LANES) {
          Kind::add(Kind::load(x + k), besides, even[0], even[1]);
          Kind::add(Kind::load(x + k + LANES), besides, odd[0], odd[1]);
        }
        for (; k < end; k++) Kind::add(x[k], beside, rest[0], rest[1]);
        for (int j = 0; j < LANES; j++) {
          first += (double)even[0][j] + (double)odd[0][j];
          second += (double)even[1][j] + (double)odd[1][j];
        }
        first += (double)rest[0];
        second += (double)rest[1];
      }
    }
    into[neuron] += first;
    if (Kind::SHIFTED) into[a.neurons + neuron] += second;
  }
}

template <class Kind> void sums(const Args& a, double* into) {
  const int64_t share = (a.neurons + a.threads - 1) / a.threads, even = (share + 15) / 16 * 16;
#pragma omp parallel for num_threads(a.threads) schedule(static) if (a.threads > 1)
  for (int thread = 0; thread < a.threads; thread++) {
    const int64_t from = std::min(a.neurons, thread * even), to = std::min(a.neurons, from + even);
    if (a.places == 1) rows<Kind>(a, into, from, to);
    else planes<Kind>(a, into, from, to);
  }
}

typedef Types<float, int32_t> Single;
typedef Types<double, int64_t> Double;

}  // namespace

// Whether all values were finite, and their squares. If not, nothing is added.
extern "C" int neurofn_moments(const Args* a, int bytes) {
  std::vector<double> batch(2 * a->neurons);
  bytes == 4 ? sums<Moments<Single>>(*a, batch.data()) : sums<Moments<Double>>(*a, batch.data());
  const double total = std::accumulate(batch.begin() + a->neurons, batch.end(), 0.0);
  if (!std::isfinite(total)) return 0;
  for (size_t i = 0; i < batch.size(); i++) a->into[i] += batch[i];
  return 1;
}

extern "C" void neurofn_above(const Args* a, int bytes) {
  bytes == 4 ? sums<Above<Single>>(*a, a->into) : sums<Above<Double>>(*a, a->into);
}

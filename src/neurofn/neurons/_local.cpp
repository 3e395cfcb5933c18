// Sums of splines over inputs, and their gradients, that touch only the ORDER + 1 terms that are not 0 in each cell.
//
// Built for one number type (REAL) and one ORDER at a time. With x (batch, n_in) and weights (n_in, count, n_out), count being
// at least cells + ORDER, the sum of one sample is out[o] = sum over i and r of value_r(x_i) * weight[i][cell(x_i) + r][o].
// Nothing is kept between forward and backward: the values are computed again. Compiled without -ffast-math: NaN becomes NaN in
// the output and never an index.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>
#define WIDTH 64
#elif defined(__AVX2__)
#include <immintrin.h>
#define WIDTH 32
#else
#define WIDTH 16
#endif

typedef REAL V __attribute__((vector_size(WIDTH)));
template <int BYTES> struct Whole { typedef int32_t type; };
template <> struct Whole<8> { typedef int64_t type; };
typedef Whole<sizeof(REAL)>::type WHOLE;
typedef WHOLE I __attribute__((vector_size(WIDTH)));

struct Args {
  const REAL *x, *weight, *grad;  // grad (batch, n_out) is that of the output
  REAL* out;                      // the sums, to which is added; or what is asked for, gradient of x or of the weights
  const REAL* knots;              // cells + 1 + 2 * ORDER for each input, ORDER of them on either side of the cells
  int64_t batch, n_in, n_out, cells;
  int64_t weight_stride, out_stride, knot_stride;  // numbers from one input to the next; out_stride for the weights' gradient
  int32_t outside;                                 // 0 constant, 1 linear, 2 zero
  int32_t even, threads;
};

namespace {

constexpr int LANES = WIDTH / sizeof(REAL), TERMS = ORDER + 1;
constexpr int TILE = 32;    // samples whose terms are held at once
constexpr int SUB = 8;      // inputs whose weights are meant to stay in the nearest cache while the samples of a tile pass
constexpr int SLAB = 1024;  // samples that are sorted by cell at once
constexpr int ROWS = 512;   // samples whose outputs are meant to stay in the second cache
constexpr int WIDEST = WIDTH == 64 ? 8 : 4;    // vectors of outputs held in registers
constexpr int WIDE = WIDTH == 64 ? 4 : 2;      // the same with TERMS sums of each

inline V load(const REAL* p) { V v; std::memcpy(&v, p, sizeof v); return v; }
inline void store(REAL* p, V v) { std::memcpy(p, &v, sizeof v); }

// The first n numbers, 1 <= n < LANES; nothing behind them is touched.
#if WIDTH == 64
inline __m512 first(const float* p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
inline __m512d first(const double* p, int n) { return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p); }
inline V load(const REAL* p, int n) { return (V)first(p, n); }
#elif WIDTH == 32
inline __m256i upto4(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
inline __m256i upto8(int n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
inline __m256 first(const float* p, int n) { return _mm256_maskload_ps(p, upto4(n)); }
inline __m256d first(const double* p, int n) { return _mm256_maskload_pd(p, upto8(n)); }
inline V load(const REAL* p, int n) { return (V)first(p, n); }
#else
inline V load(const REAL* p, int n) { V v{}; for (int j = 0; j < n; j++) v[j] = p[j]; return v; }
#endif
inline void store(REAL* p, V v, int n) { for (int j = 0; j < n; j++) p[j] = v[j]; }

template <bool TAIL> inline V get(const REAL* p, int n) { return TAIL ? load(p, n) : load(p); }
template <bool TAIL> inline void put(REAL* p, V v, int n) { if (TAIL) store(p, v, n); else store(p, v); }

#if WIDTH == 64
inline float total_of(__m512 v) { return _mm512_reduce_add_ps(v); }
inline double total_of(__m512d v) { return _mm512_reduce_add_pd(v); }
#else
inline REAL total_of(V v) {
  REAL sum = v[0];
  for (int j = 1; j < LANES; j++) sum += v[j];
  return sum;
}
#endif

// The cell of x, which is clamped or NaN, among breaks[0 .. cells], if these are about evenly spread.
inline int32_t even_cell(REAL x, const REAL* breaks, int32_t cells) {
  const int32_t last = cells - 1;
  REAL guess = (x - breaks[0]) / ((breaks[cells] - breaks[0]) / (REAL)cells);
  guess = guess > 0 ? guess : 0;  // NaN is not above 0
  guess = guess < (REAL)last ? guess : (REAL)last;
  int32_t cell = (int32_t)guess;
  // Rounding may give a neighbour where x lies next to a knot; the knots themselves decide.
  cell -= x < breaks[cell];
  cell = cell < 0 ? 0 : cell;
  cell += x >= breaks[cell + 1];
  return cell > last ? last : cell;
}

inline int32_t any_cell(REAL x, const REAL* breaks, int32_t cells) {
  if (x != x) return cells - 1;
  const int32_t cell = even_cell(x, breaks, cells);
  if (breaks[cell] <= x && x < breaks[cell + 1]) return cell;
  const int64_t below = std::upper_bound(breaks, breaks + cells + 1, x) - breaks - 1;
  return (int32_t)std::max<int64_t>(0, std::min<int64_t>(below, cells - 1));
}

inline bool any(I mask) {
  WHOLE found = 0;
  for (int j = 0; j < LANES; j++) found |= mask[j];
  return found != 0;
}

struct Places {  // of one vector of inputs
  V low, high, inside;  // ends of the cells, and the input between them
  V knot[ORDER ? 2 * ORDER : 1];
};

// The knots of lane j begin at knots[offset[j]].
inline void place(const Args& a, const REAL* x, const REAL* knots, const int32_t* offset, int32_t* cell, Places& found) {
  alignas(64) REAL low[LANES], high[LANES], inner[LANES], near[LANES];
  const int32_t cells = (int32_t)a.cells;
  for (int j = 0; j < LANES; j++) {
    low[j] = knots[offset[j] + ORDER];
    high[j] = knots[offset[j] + ORDER + cells];
    inner[j] = x[j] < low[j] ? low[j] : x[j] > high[j] ? high[j] : x[j];
  }
  if (a.even) {
    for (int j = 0; j < LANES; j++) cell[j] = even_cell(inner[j], knots + offset[j] + ORDER, cells);
  } else {
    for (int j = 0; j < LANES; j++) cell[j] = any_cell(inner[j], knots + offset[j] + ORDER, cells);
  }
  found.low = load(low), found.high = load(high), found.inside = load(inner);
  for (int m = 0; m < 2 * ORDER; m++) {
    for (int j = 0; j < LANES; j++) near[j] = knots[offset[j] + cell[j] + 1 + m];
    found.knot[m] = load(near);
  }
}

// The same where all lanes share their knots and cells are even; false where rounding led to a neighbour of some cell.
inline bool place_shared(const Args& a, const REAL* x, const REAL* knots, int32_t* cell, Places& found) {
  const REAL low = knots[ORDER], high = knots[ORDER + a.cells], last = (REAL)(a.cells - 1), inverse = (REAL)a.cells / (high - low);
  const V given = load(x), inside = given < low ? V{} + low : given > high ? V{} + high : given;
  V guess = (inside - low) * inverse;
  guess = guess > (REAL)0 ? guess : V{};  // NaN is not above 0
  guess = guess < last ? guess : V{} + last;
  const I first = __builtin_convertvector(guess, I);
  for (int j = 0; j < LANES; j++) cell[j] = (int32_t)first[j];
  const int64_t count = a.cells + 1 + 2 * ORDER;
  if (WIDTH == 64 && count <= 2 * LANES) {  // all knots in two registers
    alignas(64) REAL table[2 * LANES] = {};
    for (int64_t m = 0; m < count; m++) table[m] = knots[m];
    const V one = load(table), two = load(table + LANES);
    for (int m = 0; m < 2 * ORDER; m++) found.knot[m] = __builtin_shuffle(one, two, first + (WHOLE)(m + 1));
  } else {
    alignas(64) REAL near[LANES];
    for (int m = 0; m < 2 * ORDER; m++) {
      for (int j = 0; j < LANES; j++) near[j] = knots[cell[j] + 1 + m];
      found.knot[m] = load(near);
    }
  }
  found.low = V{} + low, found.high = V{} + high, found.inside = inside;
  return !any((inside < found.knot[ORDER ? ORDER - 1 : 0]) | ((inside >= found.knot[ORDER]) & (guess < last)));
}

// Cells and values (or slopes) of one vector of inputs.
template <bool SLOPES>
inline void spline(const Args& a, const REAL* x, const REAL* knots, const int32_t* offset, bool shared, int32_t* cell, REAL* result) {
  Places p;
  if (!ORDER || !shared || !a.even || !place_shared(a, x, knots, cell, p)) place(a, x, knots, offset, cell, p);
  const V given = load(x), inside = p.inside, *knot = p.knot, never = V{} + std::numeric_limits<REAL>::infinity();
  V value[TERMS], share[TERMS];
  value[0] = ((REAL)0 * inside) + (REAL)1;  // NaN stays NaN, also where ORDER is 0
  for (int degree = 1; degree <= ORDER; degree++) {
    V carried{};
    for (int r = 0; r < degree; r++) {
      const V above = knot[ORDER + r], below = knot[ORDER - degree + r], width = above - below;
      share[r] = value[r] / (width > (REAL)0 ? width : never);  // equal knots have no width: their term is 0, not 0/0
      value[r] = carried + (above - inside) * share[r];
      carried = (inside - below) * share[r];
    }
    value[degree] = carried;
  }
  const auto beyond = (given < p.low) | (given > p.high);
  const auto within = (given >= p.low) & (given <= p.high);  // of NaN neither is true
  for (int r = 0; r < TERMS; r++) {
    V slope{};
    if (ORDER) slope = (REAL)ORDER * ((r ? share[r ? r - 1 : 0] : V{}) - (r < ORDER ? share[r] : V{}));
    if (SLOPES) slope = a.outside == 1 ? slope : within ? slope : V{};
    else slope = a.outside == 1 ? value[r] + (given - inside) * slope : a.outside == 2 ? (beyond ? V{} : value[r]) : value[r];
    store(result + r * LANES, slope);
  }
}

struct Tile {  // the terms (or their slopes) of a tile of samples and one vector of inputs
  alignas(64) REAL terms[TILE][TERMS][LANES];
  alignas(64) int32_t cell[TILE][LANES];
};

template <bool SLOPES>
void fill(const Args& a, Tile& tile, int64_t row, int rows, int64_t input, int inputs) {
  alignas(64) REAL x[LANES] = {};
  alignas(64) int32_t offset[LANES] = {};
  for (int j = 0; j < inputs; j++) offset[j] = (int32_t)(j * a.knot_stride);
  const REAL* knots = a.knots + input * a.knot_stride;
  for (int s = 0; s < rows; s++) {
    const REAL* from = a.x + (row + s) * a.n_in + input;
    if (inputs == LANES) std::memcpy(x, from, sizeof x);
    else for (int j = 0; j < inputs; j++) x[j] = from[j];
    spline<SLOPES>(a, x, knots, offset, !a.knot_stride, tile.cell[s], tile.terms[s][0]);
  }
}

// Calls part<vectors, whether the last one is short>(column, numbers in it) for all columns, wide parts first.
template <template <int, bool> class PART, int MOST, class... ARGS>
inline void columns(int64_t begin, int64_t end, ARGS&&... args) {
  int64_t at = begin;
  for (; MOST >= 8 && end - at >= 8 * LANES; at += 8 * LANES) PART<MOST >= 8 ? 8 : 1, false>::run(at, 0, args...);
  for (; MOST >= 4 && end - at >= 4 * LANES; at += 4 * LANES) PART<MOST >= 4 ? 4 : 1, false>::run(at, 0, args...);
  for (; end - at >= 2 * LANES; at += 2 * LANES) PART<2, false>::run(at, 0, args...);
  for (; end - at >= LANES; at += LANES) PART<1, false>::run(at, 0, args...);
  if (end > at) PART<1, true>::run(at, (int)(end - at), args...);
}

template <int N, bool TAIL>
struct Sum {
  static void run(int64_t column, int tail, const Args& a, const Tile& t, int64_t row, int rows, int64_t input, int from, int to) {
    for (int s = 0; s < rows; s++) {
      REAL* out = a.out + (row + s) * a.n_out + column;
      V sum[N];
      for (int v = 0; v < N; v++) sum[v] = get<TAIL>(out + v * LANES, tail);
      for (int f = from; f < to; f++) {
        const REAL* w = a.weight + (input + f) * a.weight_stride + t.cell[s][f] * a.n_out + column;
        for (int r = 0; r < TERMS; r++, w += a.n_out)
          for (int v = 0; v < N; v++) sum[v] += t.terms[s][r][f] * get<TAIL>(w + v * LANES, tail);
      }
      for (int v = 0; v < N; v++) put<TAIL>(out + v * LANES, sum[v], tail);
    }
  }
};

template <int N, bool TAIL>
struct Dot {
  static void run(int64_t column, int tail, const Args& a, const Tile& t, REAL (*dots)[LANES], int64_t row, int rows,
                  int64_t input, int from, int to) {
    for (int s = 0; s < rows; s++) {
      const REAL* grad = a.grad + (row + s) * a.n_out + column;
      V g[N];
      for (int v = 0; v < N; v++) g[v] = get<TAIL>(grad + v * LANES, tail);
      for (int f = from; f < to; f++) {
        const REAL* w = a.weight + (input + f) * a.weight_stride + t.cell[s][f] * a.n_out + column;
        V dot{};
        for (int v = 0; v < N; v++) {
          V mixed{};
          for (int r = 0; r < TERMS; r++) mixed += t.terms[s][r][f] * get<TAIL>(w + r * a.n_out + v * LANES, tail);
          dot += mixed * g[v];
        }
        dots[s][f] += total_of(dot);
      }
    }
  }
};

struct Sorted {  // one input's terms for a slab of samples, and the samples in the order of their cells
  alignas(64) REAL terms[SLAB / LANES][TERMS][LANES];
  alignas(64) int32_t cell[SLAB];
  int32_t order[SLAB];
  std::vector<int32_t> count;

  void sort(int samples, int64_t cells) {
    if (cells > 4 * SLAB) {  // hardly two samples in one cell
      for (int s = 0; s < samples; s++) order[s] = s;
      return;
    }
    count.assign(cells + 1, 0);
    for (int s = 0; s < samples; s++) count[cell[s] + 1]++;
    for (int64_t c = 0; c < cells; c++) count[c + 1] += count[c];
    for (int s = 0; s < samples; s++) order[count[cell[s]]++] = s;
  }
};

template <int N, bool TAIL>
struct Weigh {
  static void run(int64_t column, int tail, const Args& a, const Sorted& t, int64_t row, int samples, REAL* result) {
    for (int begin = 0; begin < samples;) {
      const int32_t cell = t.cell[t.order[begin]];
      V sum[TERMS][N] = {};
      int p = begin;
      for (; p < samples && t.cell[t.order[p]] == cell; p++) {
        const int s = t.order[p];
        const REAL* grad = a.grad + (row + s) * a.n_out + column;
        const REAL* term = &t.terms[s / LANES][0][s % LANES];
        V g[N];
        for (int v = 0; v < N; v++) g[v] = get<TAIL>(grad + v * LANES, tail);
        for (int r = 0; r < TERMS; r++)
          for (int v = 0; v < N; v++) sum[r][v] += term[r * LANES] * g[v];
      }
      REAL* out = result + cell * a.n_out + column;
      for (int r = 0; r < TERMS; r++, out += a.n_out)
        for (int v = 0; v < N; v++) put<TAIL>(out + v * LANES, get<TAIL>(out + v * LANES, tail) + sum[r][v], tail);
      begin = p;
    }
  }
};

inline int64_t blocks(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Pieces of a range for the threads: as many as there are threads, but of at least `least` and at most `most`, in whole `least`.
inline int64_t piece(int64_t count, int threads, int64_t least, int64_t most) {
  return std::min(most, std::max<int64_t>(1, blocks(blocks(count, threads), least)) * least);
}

void forward(const Args& a) {
  const int64_t rows = piece(a.batch, a.threads, TILE, ROWS), row_items = blocks(a.batch, rows);
  const int spare = row_items < a.threads ? a.threads : 1;
  const int64_t width = piece(a.n_out, spare, 2 * LANES, a.n_out + 2 * LANES), items = row_items * blocks(a.n_out, width);
#pragma omp parallel for num_threads(a.threads) schedule(static)
  for (int64_t item = 0; item < items; item++) {
    const int64_t row = item % row_items * rows, stop = std::min(a.batch, row + rows);
    const int64_t column = item / row_items * width, end = std::min(a.n_out, column + width);
    Tile tile;
    for (int64_t input = 0; input < a.n_in; input += LANES) {
      const int inputs = (int)std::min<int64_t>(LANES, a.n_in - input);
      for (int64_t r = row; r < stop; r += TILE) {
        const int many = (int)std::min<int64_t>(TILE, stop - r);
        fill<false>(a, tile, r, many, input, inputs);
        for (int from = 0; from < inputs; from += SUB)
          columns<Sum, WIDEST>(column, end, a, tile, r, many, input, from, std::min(inputs, from + SUB));
      }
    }
  }
}

void input_gradient(const Args& a) {
  const int64_t rows = piece(a.batch, a.threads, TILE, ROWS), row_items = blocks(a.batch, rows);
  const int spare = row_items < a.threads ? a.threads : 1;
  const int64_t width = piece(a.n_in, spare, LANES, a.n_in + LANES), items = row_items * blocks(a.n_in, width);
#pragma omp parallel for num_threads(a.threads) schedule(static)
  for (int64_t item = 0; item < items; item++) {
    const int64_t row = item % row_items * rows, stop = std::min(a.batch, row + rows);
    const int64_t begin = item / row_items * width, end = std::min(a.n_in, begin + width);
    Tile tile;
    REAL dots[TILE][LANES];
    for (int64_t input = begin; input < end; input += LANES) {
      const int inputs = (int)std::min<int64_t>(LANES, end - input);
      for (int64_t r = row; r < stop; r += TILE) {
        const int many = (int)std::min<int64_t>(TILE, stop - r);
        fill<true>(a, tile, r, many, input, inputs);
        std::memset(dots, 0, sizeof dots);
        for (int from = 0; from < inputs; from += SUB)
          columns<Dot, WIDEST>(0, a.n_out, a, tile, dots, r, many, input, from, std::min(inputs, from + SUB));
        for (int s = 0; s < many; s++) std::memcpy(a.out + (r + s) * a.n_in + input, dots[s], inputs * sizeof(REAL));
      }
    }
  }
}

void weight_gradient(const Args& a) {
  const int64_t group = piece(a.n_in, a.threads, 1, LANES), items = blocks(a.n_in, group);
#pragma omp parallel num_threads(a.threads)
  {
    constexpr int STRIDE = SLAB + LANES;  // not a power of two: all columns would fall on the same lines of the cache
    std::vector<REAL> column(LANES * STRIDE);
    Sorted sorted;
    const int32_t offset[LANES] = {};
#pragma omp for schedule(static)
    for (int64_t item = 0; item < items; item++) {
      const int64_t begin = item * group;
      const int inputs = (int)std::min(group, a.n_in - begin);
      for (int f = 0; f < inputs; f++)
        std::memset(a.out + (begin + f) * a.out_stride, 0, (a.cells + ORDER) * a.n_out * sizeof(REAL));
      for (int64_t row = 0; row < a.batch; row += SLAB) {
        const int samples = (int)std::min<int64_t>(SLAB, a.batch - row);
        for (int s = 0; s < samples; s++)
          for (int f = 0; f < inputs; f++) column[f * STRIDE + s] = a.x[(row + s) * a.n_in + begin + f];
        for (int f = 0; f < inputs; f++) {
          const REAL* knots = a.knots + (begin + f) * a.knot_stride;
          for (int s = 0; s < samples; s += LANES)
            spline<false>(a, &column[f * STRIDE + s], knots, offset, true, sorted.cell + s, sorted.terms[s / LANES][0]);
          sorted.sort(samples, a.cells);
          columns<Weigh, WIDE>(0, a.n_out, a, sorted, row, samples, a.out + (begin + f) * a.out_stride);
        }
      }
    }
  }
}

}  // namespace

// what: 0 sums, 1 gradient of the inputs, 2 gradient of the weights. Returns 0, or -1 for arguments of no meaning.
extern "C" int neurofn_local(const Args* a, int what) {
  if (a->cells < 1 || a->threads < 1 || what < 0 || what > 2) return -1;
  (what == 0 ? forward : what == 1 ? input_gradient : weight_gradient)(*a);
  return 0;
}

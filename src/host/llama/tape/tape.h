// What one decode computed: every node of the graph with its operation, its sources and its values,
// in order, and the gradients that a reverse pass accumulates. Tensors that share memory share a
// root: views read and write the values and the gradient of their root, so that reshapes, permutes
// and the cache need no rules of their own.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <ggml.h>

namespace mascing {

/// Memory that a tensor and all its views share.
struct TapeRoot {
  enum class Kind {
    kComputed,  ///< by a node; values are copied
    kInput,     ///< of the graph, such as positions and the attention's mask; values are copied
    kWeight,    ///< of the model: read where it is
    kMemory,    ///< the cache: outlives the graph and is written by it
  };
  Kind kind = Kind::kComputed;
  const ggml_tensor* tensor = nullptr;  ///< valid until the next decode; weights for good
  int64_t n_element = 0;
  size_t element_size = 0;      ///< bytes; of quantised weights those of a block
  std::vector<uint8_t> bytes;   ///< copied values; empty for weights and memory
  std::vector<float> d_values;  ///< [n_element] gradient; empty = zero
  int64_t first_write = -1;     ///< the first node that writes into it, of memory
  bool is_dependent = false;    ///< whether the router logits have an influence on it
};

/// A tensor as it was when it was seen.
struct TapeTensor {
  static constexpr int64_t kNone = -1;

  ggml_tensor shape =
      {};  ///< type, ne, nb, op, op_params and name; no pointer of it may be followed
  int64_t root = kNone;
  size_t offset = 0;  ///< bytes from the start of the root
  std::array<int64_t, GGML_MAX_SRC> sources = {};
  int64_t layer = kNone;             ///< of router logits as they were used: MoE layer
  int64_t previous_root = kNone;     ///< of a node that works in place: what it changed
  std::vector<uint8_t> seen_memory;  ///< of a view of memory: its bytes when it was first read

  [[nodiscard]] bool is_view() const;
  [[nodiscard]] int64_t n_element() const { return ggml_nelements(&shape); }
};

/// Floats that are either elsewhere or held here.
class Floats {
 public:
  Floats() = default;
  explicit Floats(const float* elsewhere) : data_(elsewhere) {}
  explicit Floats(std::vector<float> held) : held_(std::move(held)), data_(held_.data()) {}
  Floats(Floats&&) = default;
  Floats& operator=(Floats&&) = default;
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  ~Floats() = default;

  [[nodiscard]] const float* data() const { return data_; }
  [[nodiscard]] float operator[](int64_t i) const { return data_[i]; }

 private:
  std::vector<float> held_;
  const float* data_ = nullptr;
};

class Tape {
 public:
  void clear();
  /// Threads that rules may use; 1 unless set.
  [[nodiscard]] int64_t n_thread() const { return n_thread_; }
  void set_threads(int64_t n_thread) { n_thread_ = n_thread; }

  /// Appends a node that was just computed. Throws Error{kHost} if its values cannot be read.
  /// `layer`: of router logits; kNone for all others.
  void append(const ggml_tensor* node, int64_t layer);

  [[nodiscard]] const std::vector<int64_t>& nodes() const { return nodes_; }  ///< in their order
  [[nodiscard]] const TapeTensor& at(int64_t tensor) const { return tensors_[tensor]; }
  [[nodiscard]] const TapeTensor& source(const TapeTensor& node, int64_t i) const {
    return tensors_[node.sources[i]];
  }
  [[nodiscard]] const TapeRoot& root(const TapeTensor& tensor) const { return roots_[tensor.root]; }
  /// The last node of that name, or kNone.
  [[nodiscard]] int64_t find(const std::string& name) const;

  /// Values as floats without gaps, ne[0] fastest. Of any type that ggml converts to float.
  [[nodiscard]] Floats values(const TapeTensor& tensor) const;
  /// The same for tensors of 32 or 64 bit integers.
  [[nodiscard]] std::vector<int64_t> integers(const TapeTensor& tensor) const;
  /// First byte of a tensor's values; rows follow each other as shape.nb says.
  [[nodiscard]] const uint8_t* bytes(const TapeTensor& tensor) const;

  /// Whether a gradient with respect to this tensor is of use.
  [[nodiscard]] bool wants(const TapeTensor& tensor) const {
    return roots_[tensor.root].is_dependent;
  }
  [[nodiscard]] bool has_gradient(const TapeTensor& tensor) const {
    return !roots_[tensor.root].d_values.empty();
  }
  /// The gradient accumulated so far, without gaps, ne[0] fastest.
  [[nodiscard]] Floats gradient(const TapeTensor& tensor) const;
  /// Adds to it, in the same order; nothing happens if it is not wanted.
  void add_gradient(const TapeTensor& tensor, const float* d_values);
  /// The root's gradient in memory order, made if there is none; index_of() says where an element
  /// is.
  [[nodiscard]] std::vector<float>& root_gradient(const TapeTensor& tensor);
  /// Index in the root of the element at (i0 = 0, i1, i2, i3).
  [[nodiscard]] int64_t index_of(const TapeTensor& tensor,
                                 int64_t i1,
                                 int64_t i2,
                                 int64_t i3) const;
  /// Sets the gradient of a tensor's part of the root to zero: before the node it was something
  /// else.
  void forget_gradient(const TapeTensor& tensor);
  /// Gives the memory of a root's gradient back.
  void drop_gradient(const TapeTensor& tensor);
  /// After a node that works in place: what it left as it was hands its gradient on.
  void pass_to_previous(const TapeTensor& node);
  void drop_gradients();

  [[nodiscard]] int64_t size_bytes() const;  ///< of copied values

 private:
  [[nodiscard]] int64_t add_leaf(const ggml_tensor* leaf);
  [[nodiscard]] int64_t add_root(const ggml_tensor* owner, TapeRoot::Kind kind);
  void copy_values(int64_t tensor);
  void choose_root(TapeTensor& tensor, const ggml_tensor* node);
  void read_memory(int64_t tensor, const ggml_tensor* source);

  int64_t n_thread_ = 1;
  std::vector<TapeRoot> roots_;
  std::vector<TapeTensor> tensors_;
  std::vector<int64_t> nodes_;
  std::unordered_map<const ggml_tensor*, int64_t> tensor_of_;
  std::unordered_map<const ggml_tensor*, int64_t> root_of_;
};

}  // namespace mascing

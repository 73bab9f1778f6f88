// Tensors between the numbers of the experts and their outputs have the axes [n, expert used,
// token]; only the second one's length changes.
#include "host/llama/tape/expert_replay.h"

#include <algorithm>
#include <map>

#include "host/llama/tape/small_graph.h"

namespace mascing {
namespace {

constexpr int64_t kUsedAxis = 1;

class Replay {
 public:
  Replay(const Tape& tape, int64_t ids, int64_t n_other)
      : tape_(tape), ids_(ids), n_other_(n_other) {
    n_used_ = tape.at(ids).shape.ne[0];
    depends_[ids] = true;
  }

  std::optional<std::vector<float>> run(int64_t outputs, const std::vector<int32_t>& other_ids) {
    if (!depends(outputs) || !can_replay()) {
      return std::nullopt;
    }
    int64_t n_byte = std::ssize(other_ids) * 4;
    for (const auto& [tensor, is_dependent] : depends_) {
      const int64_t n = is_dependent ? tape_.at(tensor).n_element() / n_used_ * n_other_ : 0;
      n_byte += n * static_cast<int64_t>(sizeof(float));
    }
    SmallGraph graph(n_byte, std::ssize(depends_) * (GGML_MAX_SRC + 1));
    const int64_t n_token = tape_.at(ids_).shape.ne[1];
    ggml_tensor* ids = ggml_new_tensor_2d(graph.context(), GGML_TYPE_I32, n_other_, n_token);
    std::copy(other_ids.begin(), other_ids.end(), static_cast<int32_t*>(ids->data));
    clones_[ids_] = ids;
    ggml_tensor* result = clone(graph, outputs);
    graph.compute(result, tape_.n_thread());
    const auto* first = static_cast<const float*>(result->data);
    return std::vector<float>(first, first + ggml_nelements(result));
  }

 private:
  bool depends(int64_t tensor) {
    const auto known = depends_.find(tensor);
    if (known != depends_.end()) {
      return known->second;
    }
    bool result = false;
    for (const int64_t source : tape_.at(tensor).sources) {
      result = (source > ids_ && depends(source)) || source == ids_ || result;
    }
    return depends_[tensor] = result;
  }

  /// A product takes one input for all experts or one for each: then its number must not be fixed.
  [[nodiscard]] bool can_replay() const {
    return std::all_of(depends_.begin(), depends_.end(), [&](const auto& entry) {
      const TapeTensor& node = tape_.at(entry.first);
      if (!entry.second || entry.first == ids_) {
        return true;
      }
      const bool is_plain = node.shape.ne[kUsedAxis] == n_used_ && node.shape.ne[3] == 1 &&
                            node.shape.op != GGML_OP_RESHAPE && node.shape.op != GGML_OP_PERMUTE &&
                            node.shape.op != GGML_OP_TRANSPOSE;
      return is_plain && std::none_of(node.sources.begin(), node.sources.end(), [&](int64_t s) {
               const auto known = depends_.find(s);
               const bool is_fixed =
                   s != TapeTensor::kNone && (known == depends_.end() || !known->second);
               return is_fixed && is_per_expert(tape_.at(s));
             });
    });
  }

  /// Constants with the experts' axis; weights have one of another meaning.
  [[nodiscard]] bool is_per_expert(const TapeTensor& tensor) const {
    return n_used_ > 1 && tape_.root(tensor).kind != TapeRoot::Kind::kWeight &&
           tensor.shape.ne[kUsedAxis] == n_used_ && tensor.shape.ne[2] > 1;
  }

  ggml_tensor* clone(SmallGraph& graph, int64_t tensor) {
    const auto known = clones_.find(tensor);
    if (known != clones_.end()) {
      return known->second;
    }
    const TapeTensor& original = tape_.at(tensor);
    const auto dependent = depends_.find(tensor);
    ggml_tensor* copy = nullptr;
    if (dependent == depends_.end() || !dependent->second) {
      copy = graph.refer(original.shape, tape_.bytes(original));
    } else if (original.shape.op == GGML_OP_VIEW) {
      copy = clone_view(graph, original);
    } else {
      ggml_tensor shape = original.shape;
      shape.ne[kUsedAxis] = n_other_;
      copy = graph.like(shape, original.shape.type);
      copy->op = original.shape.op;
      std::copy(std::begin(original.shape.op_params),
                std::end(original.shape.op_params),
                copy->op_params);
      for (int64_t i = 0; i < GGML_MAX_SRC && original.sources[i] != TapeTensor::kNone; ++i) {
        copy->src[i] = clone(graph, original.sources[i]);
      }
    }
    return clones_[tensor] = copy;
  }

  ggml_tensor* clone_view(SmallGraph& graph, const TapeTensor& view) {
    ggml_tensor* whole = clone(graph, view.sources[0]);
    const size_t offset = view.offset - tape_.source(view, 0).offset;
    return ggml_view_3d(graph.context(),
                        whole,
                        view.shape.ne[0],
                        n_other_,
                        view.shape.ne[2],
                        whole->nb[1],
                        whole->nb[2],
                        offset);
  }

  const Tape& tape_;
  int64_t ids_;
  int64_t n_used_ = 0;
  int64_t n_other_;
  std::map<int64_t, bool> depends_;
  std::map<int64_t, ggml_tensor*> clones_;
};

}  // namespace

std::optional<std::vector<float>> replay_experts(const Tape& tape,
                                                 int64_t outputs,
                                                 int64_t ids,
                                                 const std::vector<int32_t>& other_ids) {
  const int64_t n_token = tape.at(ids).shape.ne[1];
  return Replay(tape, ids, std::ssize(other_ids) / n_token).run(outputs, other_ids);
}

}  // namespace mascing

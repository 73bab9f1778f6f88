// Common parts of all hosts: checks whether a steering has an effect and matches the model.
#include "mascing/host.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/half.h"
#include "base/random.h"
#include "mascing/error.h"

namespace mascing {

float RouterTrace::logit(int64_t i_token, int64_t i_layer, int64_t i_expert) const {
  return half_to_float(logits[(i_token * n_layer + i_layer) * n_expert + i_expert]);
}

std::vector<int32_t> Host::render_whole(const std::vector<Message>& /*messages*/) const {
  throw Error(ErrorKind::kHost, "[host] this engine cannot render a conversation with its reply");
}

std::vector<std::string> Host::observe(const std::vector<TraceRequest>& /*requests*/,
                                       const RouterObserver& /*observer*/) {
  throw Error(ErrorKind::kHost, "[host] this engine does not expose router inputs");
}

std::vector<std::string> Host::observe_outputs(const std::vector<TraceRequest>& /*requests*/,
                                               const OutputObserver& /*observer*/) {
  throw Error(ErrorKind::kHost, "[host] this engine does not expose per-token outputs");
}

// Hosts that can be watched keep it. NOLINTNEXTLINE(performance-unnecessary-value-param)
HostWatch Host::set_watch(HostWatch /*watch*/) {
  return {};
}

std::string Host::why_no_gradients() const {
  return "this engine has no exact gradients";
}

std::vector<Result<SteerGradient>> Host::gradients(
    const std::vector<GradientRequest>& /*requests*/) {
  throw Error(ErrorKind::kHost, "[host] this engine cannot differentiate");
}

std::vector<Result<Reply>> Host::stream(const std::vector<GenerateRequest>& requests,
                                        const Sampling& sampling,
                                        const TokenListener& listener) {
  std::vector<Result<Reply>> replies = generate(requests, sampling);
  for (int64_t i = 0; i < std::ssize(replies); ++i) {
    if (replies[i].ok() && !replies[i].value.text.empty()) {
      listener({i, 0, replies[i].value.text});
    }
  }
  return replies;
}

void Host::converse(const std::vector<GenerateRequest>& requests,
                    const ConverseOptions& options,
                    const NextPrompts& next) {
  std::vector<GenerateRequest> running = requests;
  std::vector<int64_t> index(requests.size());
  std::iota(index.begin(), index.end(), 0);
  for (int64_t i_reply = 0; !running.empty(); ++i_reply) {
    std::vector<FinishedReply> finished;
    auto outcomes = generate(running, options.sampling);
    for (size_t k = 0; k < outcomes.size(); ++k) {
      finished.push_back({index[k], i_reply, std::move(outcomes[k])});
    }
    std::vector<std::vector<int32_t>> prompts = next(finished);
    running.clear();
    index.clear();
    for (size_t k = 0; k < finished.size(); ++k) {
      if (finished[k].reply.ok() && !prompts[k].empty()) {
        const GenerateRequest& request = requests[finished[k].i_request];
        running.push_back({std::move(prompts[k]),
                           request.steering,
                           mix_seed(request.stream, i_reply + 1),
                           request.opens_reasoning});
        index.push_back(finished[k].i_request);
      }
    }
  }
}

bool ControlVector::is_zero(int64_t i_block) const {
  return std::all_of(row(i_block), row(i_block) + n_embd, [](float x) { return x == 0.0F; });
}

bool is_active(const Steering& steering) {
  if (steering.alpha == 0.0F) {
    return false;
  }
  for (int64_t l = 0; steering.mask != nullptr && l < steering.mask->n_layer; ++l) {
    if (!steering.mask->is_zero(l)) {
      return true;
    }
  }
  for (int64_t b = 0; steering.control != nullptr && b < steering.control->n_block; ++b) {
    if (!steering.control->is_zero(b)) {
      return true;
    }
  }
  return false;
}

void require_same_model(const Mask& mask, const ModelInfo& info) {
  if (mask.n_layer == info.n_layer && mask.n_expert == info.n_expert &&
      have_same_routers({mask.architecture, mask.fingerprint, mask.routers},
                        {info.architecture, info.fingerprint, info.routers})) {
    return;
  }
  const auto describe = [](const std::string& name,
                           const std::string& architecture,
                           int64_t n_layer,
                           int64_t n_expert,
                           const std::string& fingerprint) {
    return "'" + name + "' (" + architecture + ", " + std::to_string(n_layer) + " x " +
           std::to_string(n_expert) + ", " + fingerprint.substr(0, 12) + ")";
  };
  throw Error(
      ErrorKind::kMismatch,
      "[mask] the mask was made for " +
          describe(
              mask.model_name, mask.architecture, mask.n_layer, mask.n_expert, mask.fingerprint) +
          ", not for " +
          describe(info.name, info.architecture, info.n_layer, info.n_expert, info.fingerprint),
      other_model_hint(info));
}

std::string other_model_hint(const ModelInfo& info) {
  return info.baked.empty()
             ? "use the model the mask was made for (in any quantisation), or make a mask for this "
               "one"
             : "this model has " + info.baked +
                   " in its routers; use the original, or restore it: mascing mask unbake";
}

void require_fit(const Steering& steering, const ModelInfo& info) {
  if (steering.mask) {
    require_same_model(*steering.mask, info);
    const RouterAdapter& adapter = steering.mask->adapter;
    if (adapter.rank > 0 && adapter.n_embd != info.n_embd) {
      throw Error(ErrorKind::kMismatch,
                  "[mask] its adapter reads " + std::to_string(adapter.n_embd) +
                      " numbers, the routers of this model read " + std::to_string(info.n_embd),
                  "use the model the mask was made for");
    }
  }
  if (!steering.control) {
    return;
  }
  const ControlVector& control = *steering.control;
  const int64_t n_value = std::ssize(control.direction);
  if (control.n_block != info.n_block || control.n_embd != info.n_embd ||
      n_value != info.n_block * info.n_embd) {
    throw Error(ErrorKind::kMismatch,
                "[host] the control vector has " + std::to_string(control.n_block) + " blocks x " +
                    std::to_string(control.n_embd) + " (" + std::to_string(n_value) +
                    " values), the model " + std::to_string(info.n_block) + " x " +
                    std::to_string(info.n_embd),
                "measure the directions on the model to be steered");
  }
}

}  // namespace mascing

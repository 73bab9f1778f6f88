#include "format/trace_header.h"

#include "base/text.h"
#include "format/json_text.h"
#include "format/router_fingerprint.h"
#include "mascing/error.h"

namespace mascing {

using nlohmann::json;

namespace {

constexpr int64_t kMaxTraceCount = int64_t{1} << 24;  // of layers or experts

}  // namespace

std::string shown_store(const std::string& path) {
  return "[traces] " + printable(path, 200);
}

void refuse_traces(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kBadInput, shown_store(path) + ": " + what, kTraceAgain);
}

json model_json(const TraceStoreHeader& header) {
  return {{"n_layer", header.n_layer},
          {"n_expert", header.n_expert},
          {"n_expert_used", header.n_expert_used},
          {"blocks", header.blocks},
          {"architecture", header.architecture},
          {"fingerprint", header.fingerprint},
          {"model_name", header.model_name}};
}

bool is_sensible(const TraceStoreHeader& header) {
  return header.n_layer > 0 && header.n_layer <= kMaxTraceCount && header.n_expert > 0 &&
         header.n_expert <= kMaxTraceCount && std::ssize(header.blocks) == header.n_layer;
}

TraceStoreHeader header_from(const json& value, const std::string& path) {
  TraceStoreHeader header;
  try {
    header.n_layer = whole_number(value.at("n_layer"));
    header.n_expert = whole_number(value.at("n_expert"));
    header.n_expert_used = whole_number(value.at("n_expert_used"));
    header.blocks = whole_numbers(value.at("blocks"));
    header.architecture = value.at("architecture").get<std::string>();
    header.fingerprint = value.at("fingerprint").get<std::string>();
    header.model_name = value.at("model_name").get<std::string>();
    header.inputs_hash = value.value("inputs_hash", "");
    header.routers = sketch_from_lines(value.value("router_sketch", std::vector<std::string>()));
  } catch (const json::exception&) {
    refuse_traces(path, "the description of the model is incomplete");
  }
  if (!is_sensible(header)) {
    refuse_traces(path, "the numbers of layers, experts and blocks are inconsistent");
  }
  return header;
}

bool is_same_model(const TraceStoreHeader& a, const TraceStoreHeader& b) {
  return a.fingerprint == b.fingerprint && a.architecture == b.architecture &&
         a.n_layer == b.n_layer && a.n_expert == b.n_expert && a.n_expert_used == b.n_expert_used &&
         a.blocks == b.blocks;
}

}  // namespace mascing

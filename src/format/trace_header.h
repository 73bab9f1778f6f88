// The part of a trace store's files that says of which model it is, as JSON.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "mascing/trace_store.h"

namespace mascing {

inline constexpr const char* kTraceAgain = "remove the folder and trace again";

/// A file of a store, as messages name it.
[[nodiscard]] std::string shown_store(const std::string& path);
[[noreturn]] void refuse_traces(const std::string& path, const std::string& what);

/// What makes a store one of a certain model.
[[nodiscard]] nlohmann::json model_json(const TraceStoreHeader& header);
/// Throws Error{kBadInput} if something is missing or inconsistent.
[[nodiscard]] TraceStoreHeader header_from(const nlohmann::json& value, const std::string& path);
/// True if the sizes agree with each other.
[[nodiscard]] bool is_sensible(const TraceStoreHeader& header);
[[nodiscard]] bool is_same_model(const TraceStoreHeader& a, const TraceStoreHeader& b);

}  // namespace mascing

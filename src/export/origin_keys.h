// Origin and fit quality of an update as keys of a GGUF file. Only for the .cpp files of this
// folder and for `mascing mask verify`.
#pragma once

#include <string>

#include "export/router_update.h"

namespace mascing {

class GgufFile;
class GgufWriter;

/// Keys "mascing.export" (`kind`), "mascing.<field of UpdateOrigin>", "mascing.n_layer",
/// "n_expert", "n_embd", "blocks", and of the fitted layers "mascing.fit.layers", ".method",
/// ".rank", ".ratio_spread", ".ratio_low", ".ratio_high", ".same_experts", ".overlap", ".tokens".
void put_origin(const RouterUpdate& update, const std::string& kind, GgufWriter& writer);

/// The same, layers without their numbers, of rank 0 in files of earlier versions. Throws
/// Error{kBadInput} if the file is no export of that kind or a key is missing.
[[nodiscard]] RouterUpdate get_origin(const GgufFile& file, const std::string& kind);

}  // namespace mascing

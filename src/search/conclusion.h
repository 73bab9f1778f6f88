// Where a reasoning model decides: the last sentence of its reasoning says what the reply will be.
#pragma once

#include <cstdint>

#include "mascing/host.h"
#include "stage/ask.h"

namespace mascing {

/// Tokens of a reply that stand before the last sentence of its reasoning: all of the reasoning if
/// that cannot be found, none for a reply without reasoning.
[[nodiscard]] int64_t n_before_conclusion(const Host& host, const AskedReply& reply);

}  // namespace mascing

// Looks over a chat template before llama.cpp parses it: its parser calls itself for whatever
// stands within something else, and a template from a file may nest as deep as it likes.
#pragma once

#include <string>

namespace mascing {

/// Throws Error{kBadInput} for a template larger than 256 KiB, one with blocks or brackets nested
/// more than 100 deep, or with more than 1,000 words and signs within one another in one tag.
/// Published templates stay below 32 KiB, 20 and 100.
void require_sane_template(const std::string& source);

}  // namespace mascing

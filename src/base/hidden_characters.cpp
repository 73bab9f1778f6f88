// Looks at the bytes: the characters have two or three of them.
#include "base/hidden_characters.h"

namespace mascing {

size_t hidden_character(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  if (byte(0) == 0xC2U && byte(1) >= 0x80U && byte(1) <= 0x9FU) {
    return 2;
  }
  if (byte(0) == 0xD8U && byte(1) == 0x9CU) {
    return 2;
  }
  const unsigned last = byte(2);
  const bool is_direction = byte(0) == 0xE2U && byte(1) == 0x80U &&
                            (last == 0x8EU || last == 0x8FU || (last >= 0xA8U && last <= 0xAEU));
  const bool is_isolate = byte(0) == 0xE2U && byte(1) == 0x81U && last >= 0xA6U && last <= 0xA9U;
  const bool is_mark = byte(0) == 0xEFU && byte(1) == 0xBBU && last == 0xBFU;
  return is_direction || is_isolate || is_mark ? 3 : 0;
}

}  // namespace mascing

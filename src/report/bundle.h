// What the build made of web/: the page's script and its style.
#pragma once

namespace mascing {

/// Empty where the library was built without npm.
[[nodiscard]] const char* bundled_script();
[[nodiscard]] const char* bundled_style();

}  // namespace mascing

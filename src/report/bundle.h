// What the build made of web/: scripts and styles of report.html and of the console's page.
#pragma once

namespace mascing {

/// Empty where the library was built without npm.
[[nodiscard]] const char* bundled_script();
[[nodiscard]] const char* bundled_style();
/// The same of the page of `mascing console`.
[[nodiscard]] const char* console_script();
[[nodiscard]] const char* console_style();

}  // namespace mascing

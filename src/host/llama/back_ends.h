// ggml's back ends. In a build for one machine they are linked in; in one for any machine
// (MASCING_PORTABLE) they are modules beside libggml, and the CPU's is chosen by its instructions.
// CMake picks the file: back_ends_linked.cpp or back_ends_modules.cpp.
#pragma once

#include <string>

#include <ggml-backend.h>

namespace mascing {

/// To be called before ggml is asked for back ends or devices; the first call loads the modules.
/// Throws Error{kHost} where none computes on this processor.
void load_back_ends();

/// A function that a back end hands out by name. `Function` is its pointer type. Throws
/// Error{kHost} where the back end is missing or knows no such function.
template <typename Function>
[[nodiscard]] Function back_end_function(ggml_backend_reg_t back_end, const char* name);

/// The same without its type.
[[nodiscard]] void* back_end_address(ggml_backend_reg_t back_end, const char* name);

template <typename Function>
Function back_end_function(ggml_backend_reg_t back_end, const char* name) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): ggml hands functions out as void*
  return reinterpret_cast<Function>(back_end_address(back_end, name));
}

}  // namespace mascing

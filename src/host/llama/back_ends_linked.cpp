// The back ends are part of the program, and ggml registers them itself.
#include "host/llama/back_ends.h"

namespace mascing {

void load_back_ends() {}

}  // namespace mascing

// Descriptors 0 to 2.
#pragma once

namespace mascing {

/// Opens those that the caller closed, so that no file which is opened later gets one of them, and
/// with it what is printed. Standard output then refuses to be written to.
void open_standard_files();

}  // namespace mascing

// What values of options may be, and what they are when nobody gives one.
//
// Thread: main's, before there are others.
#ifndef CAIRN_SERVER_OPTION_VALUES_H_
#define CAIRN_SERVER_OPTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::server {

inline constexpr size_t kMaxNameBytes = 255;
// What a protobuf string takes: UTF-8, of up to kMaxNameBytes.
bool IsName(std::string_view text);

// Digits, and no octal numbers: CLI11 would read 010 as 8 and -1 as a large one. "" when it is one.
std::string WhyNoCount(const std::string& text);

// Half of the processors that the process may use.
int DefaultThreads();

// Tells edges of one machine apart, also while one takes over the other's port. A container has a
// host name of its own, and its process is the first.
std::string DefaultEdgeName(uint16_t port);

// The variable that should name a file, or proxies, and is set but empty; "" if there is none.
// CLI11 takes it for an absent one, which would leave the port without TLS, or without a token.
std::string EmptyVariable();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTION_VALUES_H_

// Valid values of options, and their defaults.
//
// Thread: main's, before other threads exist.
#ifndef CAIRN_SERVER_OPTION_VALUES_H_
#define CAIRN_SERVER_OPTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::server {

inline constexpr size_t kMaxNameBytes = 255;
// What a protobuf string accepts: UTF-8, of up to kMaxNameBytes.
bool IsName(std::string_view text);

// One part of a NATS subject: up to 32 letters, digits, '-' and '_'.
bool IsSubjectToken(std::string_view text);
// Of this machine; "localhost" if it has none.
std::string HostName();

// Why `text` is not a plain decimal number; "" if it is one. CLI11 would read 010 as 8 and -1 as a
// large number.
std::string WhyNoCount(const std::string& text);

// Why `text` cannot name anything; "" unless it is empty.
std::string WhyEmpty(const std::string& text);

// Half of the processors that the process may use.
int DefaultThreads();

// Differs between edges of one machine, also while one takes over the other's port. In a container
// the host name is unique and the process is always the first.
std::string DefaultEdgeName(uint16_t port);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_OPTION_VALUES_H_

// Writes messages in canonical form: definite lengths, shortest integers, topic before payload
// (RFC 8949 section 4.2.1).
#ifndef CAIRN_PROTO_WIRE_MESSAGE_WRITER_H_
#define CAIRN_PROTO_WIRE_MESSAGE_WRITER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::wire {

// Bytes that AppendRelay() appends.
size_t RelaySize(std::string_view topic, std::string_view payload);

// Appends {"Relay": {"topic": topic, "payload": payload}}. REQUIRES: topic is UTF-8.
void AppendRelay(std::string_view topic, std::string_view payload, std::string& out);

// The same into memory that has RelaySize() bytes of room; returns the end of what was written.
char* WriteRelay(std::string_view topic, std::string_view payload, char* to);

}  // namespace cairn::wire

#endif  // CAIRN_PROTO_WIRE_MESSAGE_WRITER_H_

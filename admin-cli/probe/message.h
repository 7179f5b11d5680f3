// The messages between the probe's two clients: numbered, on a topic that nobody else knows.
#ifndef CAIRN_ADMIN_CLI_PROBE_MESSAGE_H_
#define CAIRN_ADMIN_CLI_PROBE_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cairn::admin {

// 64 random hex digits, as real clients' topics are.
std::string RandomTopic();

// WebSocket messages of the CBOR dialect.
std::string SubscribeMessage(std::string_view topic);
std::string NumberedMessage(std::string_view topic, uint32_t number);

// The number of a NumberedMessage() to `topic`; nothing for anything else.
std::optional<uint32_t> ReadNumber(std::string_view message, std::string_view topic);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PROBE_MESSAGE_H_

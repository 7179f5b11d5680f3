// Frames of a client: masked WebSocket frames (RFC 6455 5.2), and messages of the CBOR dialect.
#ifndef CAIRN_TESTS_SUPPORT_CLIENT_FRAMES_H_
#define CAIRN_TESTS_SUPPORT_CLIENT_FRAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/message_writer.h"
#include "proto/wire/ws_encoder.h"

namespace cairn {

inline constexpr uint8_t kContinuation = 0x0;
inline constexpr uint8_t kFinal = 0x80;

// `first_byte`: FIN bit and opcode.
inline std::string MaskedFrame(uint8_t first_byte, std::string_view payload) {
  static constexpr char kMask[] = "\x37\xfa\x21\x3d";
  std::string frame;
  wire::AppendWsHeader(wire::WsOpcode::kBinary, payload.size(), frame);
  frame[0] = static_cast<char>(first_byte);
  frame[1] = static_cast<char>(frame[1] | 0x80);
  frame.append(kMask, 4);
  for (size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
  }
  return frame;
}

inline std::string ClientFrame(wire::WsOpcode opcode, std::string_view payload) {
  return MaskedFrame(static_cast<uint8_t>(kFinal | static_cast<uint8_t>(opcode)), payload);
}

inline std::string ClientClose(uint16_t code, std::string_view reason = "") {
  std::string payload;
  if (code != 0) {
    payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    payload += reason;
  }
  return ClientFrame(wire::WsOpcode::kClose, payload);
}

// Head of a text string, in the shortest form (RFC 8949 3.1); up to 65,535 bytes.
inline std::string TextItem(std::string_view text) {
  std::string item;
  const size_t n = text.size();
  if (n < 24) {
    item = {static_cast<char>(0x60 + n)};
  } else if (n < 256) {
    item = {'\x78', static_cast<char>(n)};
  } else {
    item = {'\x79', static_cast<char>(n >> 8), static_cast<char>(n & 0xff)};
  }
  return item.append(text);
}

inline std::string SubscribeMessage(std::string_view topic) {
  return "\xa1\x69Subscribe\xa1\x65topic" + TextItem(topic);
}
inline std::string UnsubscribeMessage(std::string_view topic) {
  return "\xa1\x6bUnsubscribe\xa1\x65topic" + TextItem(topic);
}
inline std::string RelayMessage(std::string_view topic, std::string_view payload) {
  std::string message;
  wire::AppendRelay(topic, payload, message);
  return message;
}

inline std::string SubscribeFrame(std::string_view topic) {
  return ClientFrame(wire::WsOpcode::kBinary, SubscribeMessage(topic));
}
inline std::string UnsubscribeFrame(std::string_view topic) {
  return ClientFrame(wire::WsOpcode::kBinary, UnsubscribeMessage(topic));
}
inline std::string RelayFrame(std::string_view topic, std::string_view payload) {
  return ClientFrame(wire::WsOpcode::kBinary, RelayMessage(topic, payload));
}

// The frame in which the server delivers a relay to a subscriber.
inline std::string DeliveredFrame(std::string_view topic, std::string_view payload) {
  std::string frame;
  wire::AppendWsFrame(wire::WsOpcode::kBinary, RelayMessage(topic, payload), frame);
  return frame;
}

}  // namespace cairn

#endif  // CAIRN_TESTS_SUPPORT_CLIENT_FRAMES_H_

#include "core/http2_frames.h"

#include <absl/strings/str_cat.h>

namespace cairn::core::http2 {
namespace {

using namespace std::string_literals;

void AppendNumber(std::string& out, uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}

// An HPACK string literal without Huffman's code (RFC 7541, 5.2).
void AppendText(std::string& out, std::string_view text) {
  constexpr size_t kInPrefix = 127;
  if (text.size() < kInPrefix) {
    out.push_back(static_cast<char>(text.size()));
  } else {
    out.push_back(static_cast<char>(kInPrefix));
    size_t rest = text.size() - kInPrefix;
    for (; rest >= 128; rest /= 128) out.push_back(static_cast<char>(rest % 128 | 128));
    out.push_back(static_cast<char>(rest));
  }
  out.append(text);
}

// A field that changes no table (RFC 7541, 6.2.2).
void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.push_back('\0');
  AppendText(out, name);
  AppendText(out, value);
}

std::string BeginHeaders() {
  std::string block = "\x88";  // :status 200, of the static table
  AppendField(block, "content-type", "application/grpc");
  return block;
}

// Ends the call without waiting for the rest of the client's request (RFC 9113, 8.1); no other call
// is accepted.
std::string End(uint32_t stream_id) {
  std::string payload;
  AppendNumber(payload, stream_id, 4);
  AppendNumber(payload, 0, 4);  // NO_ERROR
  const std::string_view no_error = std::string_view(payload).substr(4);
  return Frame(kReset, 0, stream_id, no_error) + Frame(kGoAway, 0, 0, payload);
}

}  // namespace

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream_id, std::string_view payload) {
  std::string frame;
  AppendNumber(frame, static_cast<uint32_t>(payload.size()), 3);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  AppendNumber(frame, stream_id, 4);
  frame.append(payload);
  return frame;
}

std::string Setting(uint16_t id, uint32_t value) {
  std::string setting;
  AppendNumber(setting, id, 2);
  AppendNumber(setting, value, 4);
  return setting;
}

std::string Refusal(uint32_t stream_id, int status, std::string_view message) {
  std::string block = BeginHeaders();
  AppendField(block, "grpc-status", absl::StrCat(status));
  AppendField(block, "grpc-message", message);
  return absl::StrCat(Frame(kSettings, kAck, 0, ""),
                      Frame(kHeaders, kEndHeaders | kEndStream, stream_id, block), End(stream_id));
}

std::string Serving(uint32_t stream_id) {
  std::string trailers;
  AppendField(trailers, "grpc-status", "0");
  // Not compressed, 2 bytes: field 1, status, is 1, SERVING.
  constexpr std::string_view kMessage("\0\0\0\0\2\x08\1", 7);
  return absl::StrCat(
      Frame(kSettings, kAck, 0, ""), Frame(kHeaders, kEndHeaders, stream_id, BeginHeaders()),
      Frame(kData, 0, stream_id, kMessage),
      Frame(kHeaders, kEndHeaders | kEndStream, stream_id, trailers), End(stream_id));
}

}  // namespace cairn::core::http2

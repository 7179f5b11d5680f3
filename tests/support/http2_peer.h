// Http2Peer: the server's end of an Http2Call. It writes frames by itself, and reads the call's
// with nghttp2's server, which reports what violates HTTP/2.
#ifndef CAIRN_TESTS_SUPPORT_HTTP2_PEER_H_
#define CAIRN_TESTS_SUPPORT_HTTP2_PEER_H_

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn::edge {

class Http2Peer {
 public:
  enum Type : uint8_t {
    kData = 0,
    kHeaders = 1,
    kReset = 3,
    kSettings = 4,
    kPush = 5,
    kPing = 6,
    kGoaway = 7,
    kWindow = 8
  };
  enum Flag : uint8_t { kNone = 0, kEndStream = 1, kAck = 1, kEndHeaders = 4 };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Http2Peer() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, OnInvalidFrame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    // The test opens windows itself.
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_server_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    // nghttp2 expects the acknowledgement of the settings that the test sends.
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 1 << 30);
    DropOutput();
  }
  ~Http2Peer() { nghttp2_session_del(session_); }
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  // Reads what the call wrote.
  void Read(std::string_view bytes) {
    const ssize_t taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    EXPECT_EQ(taken, static_cast<ssize_t>(bytes.size()));
    DropOutput();
  }

  std::map<std::string, std::string> request;
  std::map<int32_t, uint32_t> settings;
  std::string data;            // of the call's DATA frames
  std::vector<uint8_t> types;  // of all frames
  uint32_t reset = 0;          // error of the last RST_STREAM
  int pings = 0;
  int ping_answers = 0;
  int invalid = 0;

  // ---- frames

  static std::string Frame(Type type, int flags, uint32_t stream, std::string_view payload) {
    std::string frame;
    Append(frame, payload.size(), 3);
    frame += static_cast<char>(type);
    frame += static_cast<char>(flags);
    Append(frame, stream, 4);
    return frame.append(payload);
  }
  // Its settings, and the acknowledgement of the call's.
  static std::string Settings() {
    return Frame(kSettings, kNone, 0, "") + Frame(kSettings, kAck, 0, "");
  }
  // Literals that are not added to a table.
  static std::string HeaderBlock(const Headers& headers) {
    std::string block;
    for (const auto& [name, value] : headers) {
      block += '\0';
      AppendLength(block, name.size());
      block += name;
      AppendLength(block, value.size());
      block += value;
    }
    return block;
  }
  static std::string HeadersFrame(const Headers& headers, bool last = false) {
    return Frame(kHeaders, kEndHeaders | (last ? kEndStream : 0), 1, HeaderBlock(headers));
  }
  static std::string Response() {
    return HeadersFrame({{":status", "200"}, {"content-type", "application/grpc"}});
  }
  static std::string Trailers(const std::string& status, const std::string& message) {
    return HeadersFrame({{"grpc-status", status}, {"grpc-message", message}}, true);
  }
  static std::string TrailersOnly(const std::string& status, const std::string& message) {
    return HeadersFrame({{":status", "200"},
                         {"content-type", "application/grpc"},
                         {"grpc-status", status},
                         {"grpc-message", message}},
                        true);
  }
  // A gRPC message with its prefix.
  static std::string Message(std::string_view bytes, char flags = 0) {
    std::string message(1, flags);
    Append(message, bytes.size(), 4);
    return message.append(bytes);
  }
  static std::string Data(std::string_view bytes) { return Frame(kData, kNone, 1, bytes); }
  static std::string Number(uint32_t value) {
    std::string bytes;
    Append(bytes, value, 4);
    return bytes;
  }
  static std::string Goaway(uint32_t error, const std::string& debug) {
    return Frame(kGoaway, kNone, 0, Number(1) + Number(error) + debug);
  }

 private:
  // The call reads only the frames that the test writes.
  void DropOutput() {
    const uint8_t* output = nullptr;
    while (nghttp2_session_mem_send(session_, &output) > 0) {
    }
  }

  static void Append(std::string& into, size_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) into += static_cast<char>(value >> (8 * i) & 0xff);
  }
  // RFC 7541, 5.1, with a prefix of seven bits.
  static void AppendLength(std::string& into, size_t value) {
    if (value < 127) {
      into += static_cast<char>(value);
      return;
    }
    into += '\x7f';
    for (value -= 127; value >= 128; value /= 128) into += static_cast<char>(value % 128 + 128);
    into += static_cast<char>(value);
  }

  static Http2Peer& Of(void* user_data) { return *static_cast<Http2Peer*>(user_data); }
  static int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
    Of(user_data).request[std::string(name, name + name_size)].assign(value, value + value_size);
    return 0;
  }
  static int OnData(nghttp2_session*, uint8_t, int32_t, const uint8_t* bytes, size_t size,
                    void* user_data) {
    Of(user_data).data.append(bytes, bytes + size);
    return 0;
  }
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
    Http2Peer& peer = Of(user_data);
    peer.types.push_back(frame->hd.type);
    const bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;
    if (frame->hd.type == NGHTTP2_PING) ack ? ++peer.ping_answers : ++peer.pings;
    if (frame->hd.type == NGHTTP2_RST_STREAM) peer.reset = frame->rst_stream.error_code;
    if (frame->hd.type == NGHTTP2_SETTINGS) {
      for (size_t i = 0; i < frame->settings.niv; ++i)
        peer.settings[frame->settings.iv[i].settings_id] = frame->settings.iv[i].value;
    }
    return 0;
  }
  static int OnInvalidFrame(nghttp2_session*, const nghttp2_frame*, int, void* user_data) {
    ++Of(user_data).invalid;
    return 0;
  }

  nghttp2_session* session_ = nullptr;
};

}  // namespace cairn::edge

#endif  // CAIRN_TESTS_SUPPORT_HTTP2_PEER_H_

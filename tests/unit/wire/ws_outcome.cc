#include "tests/unit/wire/ws_outcome.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <ostream>
#include <span>
#include <string_view>
#include <utility>

#include "proto/wire/ws_encoder.h"
#include "tests/support/ws_first_byte.h"

namespace cairn::wire {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using Type = WsDecoder::EventType;

namespace {

int CloseCode(WsFault fault) {
  switch (fault) {
    case WsFault::kBadUtf8:
      return 1007;
    case WsFault::kMessageTooBig:
      return 1009;
    default:
      return 1002;
  }
}

// The code of the Close frame in what a server sent; 0 without one, 1005 for one without a code.
int SentCloseCode(std::string_view frames) {
  while (!frames.empty()) {
    if (static_cast<uint8_t>(frames[0]) == (kFin | kClose)) {
      if (frames[1] == 0) return 1005;
      return static_cast<uint8_t>(frames[2]) << 8 | static_cast<uint8_t>(frames[3]);
    }
    frames.remove_prefix(WsFrameSize(frames));
  }
  return 0;
}

}  // namespace

void PrintTo(const WsOutcome& outcome, std::ostream* out) {
  for (const WsOutcome::Item& item : outcome.items) {
    *out << static_cast<int>(item.type) << ":" << testing::PrintToString(item.data.substr(0, 30))
         << " ";
  }
  *out << "close " << outcome.close_code;
}

WsOutcome Ours(std::string stream) {
  WsOutcome outcome;
  WsDecoder decoder(kMaxMessageBytes);
  std::span<char> in(stream);
  while (true) {
    const WsDecoder::Event event = decoder.Next(in);
    switch (event.type) {
      case Type::kNeedMore:
        return outcome;
      case Type::kError:
        outcome.close_code = CloseCode(event.fault);
        return outcome;
      case Type::kClose:
        outcome.items.push_back(
            {event.type, std::to_string(event.close_code) + " " + std::string(event.data)});
        outcome.close_code = event.close_code == 0 ? 1000 : event.close_code;
        return outcome;
      default:
        outcome.items.push_back({event.type, std::string(event.data)});
    }
  }
}

WsOutcome Beasts(const std::string& stream, size_t read_bytes) {
  WsOutcome outcome;
  boost::asio::io_context context;
  beast::test::stream client(context);
  beast::test::stream server(context);
  client.connect(server);
  websocket::stream<beast::test::stream, false> ws(std::move(server));
  ws.next_layer().append(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  ws.accept();
  client.clear();

  ws.read_message_max(kMaxMessageBytes);
  ws.control_callback([&](websocket::frame_type type, beast::string_view data) {
    switch (type) {
      case websocket::frame_type::ping:
        return outcome.items.push_back({Type::kPing, std::string(data)});
      case websocket::frame_type::pong:
        return outcome.items.push_back({Type::kPong, std::string(data)});
      case websocket::frame_type::close:
        return outcome.items.push_back(
            {Type::kClose, std::to_string(ws.reason().code) + " " + std::string(data)});
    }
  });
  ws.next_layer().read_size(read_bytes);
  ws.next_layer().append(stream);
  ws.next_layer().close_remote();
  while (true) {
    beast::flat_buffer message;
    boost::system::error_code error;
    ws.read(message, error);
    if (error) break;
    outcome.items.push_back(
        {ws.got_text() ? Type::kText : Type::kBinary, beast::buffers_to_string(message.data())});
  }
  outcome.close_code = SentCloseCode(client.str());
  return outcome;
}

}  // namespace cairn::wire

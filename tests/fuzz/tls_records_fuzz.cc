// What a client sends over TLS once its handshake is done: authentic records of any content, and
// bytes that are none.
//
// Checks: no bytes crash it or make it hold more than a record; what it read is what the client
// said, up to an end; where the input is cut makes no difference; what the server writes is
// authentic, also behind key updates.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "edge/tls_records.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/require.h"
#include "tests/support/tls_client_records.h"

namespace {

using cairn::Require;
using namespace cairn::edge;

constexpr std::string_view kUpdates[] = {{"\x18\0\0\1\0", 5}, {"\x18\0\0\1\1", 5}};

// What a client sends, and the data that are in it at most.
struct Sent {
  std::string bytes;
  std::string data;
};

// Of a record's inner plaintext: zeros behind the type are padding.
std::string DataIn(std::string inner) {
  inner.resize(inner.find_last_not_of('\0') + 1);
  if (inner.empty() || inner.back() != kDataRecord) return "";
  inner.pop_back();
  return inner;
}

Sent MakeInput(cairn::FuzzInput& input) {
  TlsKeys keys = TestKeys('c');
  Sent sent;
  while (!input.empty() && sent.bytes.size() < 100'000) {
    switch (input.Below(5)) {
      case 0:  // whatever
        sent.bytes += input.Bytes(64);
        break;
      case 1: {  // any record
        const uint8_t type = input.Byte();
        const std::string text = input.Bytes(64);
        sent.bytes += SealRecord(keys, text, type);
        sent.data += DataIn(text + static_cast<char>(type));
        break;
      }
      case 2: {  // a long one, perhaps too long
        const std::string text(static_cast<size_t>(input.Below(17'000)), 'x');
        sent.bytes += SealRecord(keys, text);
        sent.data += text;
        break;
      }
      case 3:
        sent.bytes += SealRecord(keys, input.Pick(kUpdates), kHandshakeRecord);
        Require(keys.Update(), "libcrypto fails");
        break;
      case 4: {
        const char alert[] = {static_cast<char>(input.Byte()), static_cast<char>(input.Byte())};
        sent.bytes += SealRecord(keys, {alert, 2}, kAlertRecord);
        break;
      }
      default: {
        const std::string text = input.Bytes(64);
        sent.bytes += SealRecord(keys, text);
        sent.data += text;
      }
    }
  }
  return sent;
}

// Whether each record is authentic, and what they say.
void CheckWritten(std::string_view bytes, TlsKeys& keys, std::string_view text) {
  std::string told;
  while (!bytes.empty()) {
    const size_t size = 5 + (static_cast<size_t>(static_cast<uint8_t>(bytes[3])) << 8) +
                        static_cast<uint8_t>(bytes[4]);
    Require(size <= bytes.size(), "a record is not whole");
    const std::string inner = OpenRecord(keys, std::string(bytes.substr(0, size)));
    bytes.remove_prefix(size);
    Require(!inner.empty(), "a record is not authentic");
    if (inner.back() == kHandshakeRecord)
      Require(keys.Update(), "libcrypto fails");
    else
      told += inner.substr(0, inner.size() - 1);
  }
  Require(told == text, "another text was written");
}

struct Read {
  std::string data;
  TlsRecords::End end;
};

Read ReadAll(std::string_view bytes, size_t most) {
  TlsRecords records(TestKeys('c'), TestKeys('s'));
  TlsKeys written = TestKeys('s');
  std::string data;
  while (!bytes.empty()) {
    std::string received(records.partial());
    const size_t count = std::min(most, bytes.size());
    received.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    const size_t length = records.Open(received);
    Require(length <= received.size(), "more was read than came");
    data.append(received, 0, length);
    Require(records.partial().size() < TlsRecords::kMaxRecord, "more is held than a record");
    std::array<char, TlsRecords::kMaxSealed> room;
    CheckWritten({room.data(), records.Seal("answer", room)}, written, "answer");
  }
  return {data, records.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cairn::FuzzInput input(data, size);
  const size_t most = static_cast<size_t>(input.Below(3000)) + 1;
  const Sent sent = MakeInput(input);
  const Read whole = ReadAll(sent.bytes, sent.bytes.size());
  const Read parts = ReadAll(sent.bytes, std::max(most, sent.bytes.size() / 64));
  Require(whole.data == parts.data && whole.end == parts.end, "a cut makes a difference");
  Require(whole.data.size() <= sent.data.size() && sent.data.starts_with(whole.data),
          "other data were read");
  return 0;
}

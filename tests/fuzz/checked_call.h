// CheckedCall: one end of an HTTP/2 call that receives a fuzzer's bytes, and what must hold of
// either end after each piece of them: messages within their bound, and output within what came.
#ifndef CAIRN_TESTS_FUZZ_CHECKED_CALL_H_
#define CAIRN_TESTS_FUZZ_CHECKED_CALL_H_

#include <absl/time/time.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/require.h"

namespace cairn {

// REQUIRES: Call has Receive(), NextMessage() and AppendOutput() as Http2Call has them.
template <typename Call>
class CheckedCall {
 public:
  static constexpr size_t kMaxMessageBytes = 64 << 10;  // for the call's options

  template <typename... Arguments>
  explicit CheckedCall(Arguments&&... arguments) : call_(std::forward<Arguments>(arguments)...) {}

  void Receive(std::string_view piece) {
    received_ += piece.size();
    // A copy of exactly the size, so that a step beyond it is found.
    const std::vector<char> bytes(piece.begin(), piece.end());
    call_.Receive({bytes.data(), bytes.size()}, absl::ZeroDuration());
    while (const auto message = call_.NextMessage()) {
      Require(message->size() <= kMaxMessageBytes, "messages within their bound");
      messages_.emplace_back(*message);
    }
    Write();
  }
  void Write() {
    std::string output;
    call_.AppendOutput(output, 1 << 20);
    written_ += output.size();
    // A frame of nine bytes is answered with as many and a few more.
    Require(written_ <= kOwnBytes + 32 * received_, "output within what came");
  }

  Call& call() { return call_; }
  const Call& call() const { return call_; }
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  // Output that does not answer input.
  static constexpr size_t kOwnBytes = 4096;

  Call call_;
  std::vector<std::string> messages_;
  size_t received_ = 0;
  size_t written_ = 0;
};

}  // namespace cairn

#endif  // CAIRN_TESTS_FUZZ_CHECKED_CALL_H_

// Fuzzes ProxyProtocol: the same bytes, whole, in pieces and one by one, must give the same result.
//
// Checks besides: no byte is lost or taken beyond the header; every beginning of a header needs
// more; the bounds hold; a decision stays; a source is an IP address.
// Input: 1 byte that chooses the cuts, then the first bytes of a connection.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "edge/proxy_protocol.h"
#include "tests/fuzz/require.h"

namespace {

using cairn::Require;
using cairn::edge::ProxyProtocol;
using State = ProxyProtocol::State;

struct Outcome {
  State state = State::kNeedMore;
  size_t taken = 0;  // without what was held
  std::string source;
  bool operator==(const Outcome&) const = default;
};

// A parser, and everything that must hold after each call of Feed().
class Checked {
 public:
  void Take(std::string_view piece) {
    // A copy of exactly the size, so that a step beyond it is found.
    const auto bytes = std::make_unique<char[]>(piece.size());
    std::copy(piece.begin(), piece.end(), bytes.get());
    std::string_view in(bytes.get(), piece.size());
    const State before = state_;
    state_ = parser_.Feed(in);
    const size_t taken = piece.size() - in.size();
    Require(in == piece.substr(taken), "taken from the front");
    if (before != State::kNeedMore) Require(state_ == before && taken == 0, "a decision stays");
    if (state_ == State::kNeedMore) Require(in.empty(), "all of it is used up");
    if (state_ == State::kAbsent) Require(taken == 0, "nothing taken of other bytes");
    taken_.append(piece.substr(0, taken));
    Require(taken_.size() <= ProxyProtocol::kMaxHeaderBytes, "within the bound");
  }

  Outcome Finish() const {
    const std::string_view held = parser_.held();
    if (state_ == State::kAbsent) {
      Require(held == taken_ && held.size() <= 11, "no byte is lost");
    } else {
      Require(held.empty(), "held back only for others");
    }
    Outcome outcome{state_, taken_.size() - held.size(), ""};
    if (const auto& source = parser_.source()) {
      Require(state_ == State::kDone, "a source only of a whole header");
      Require(source->family() == AF_INET || source->family() == AF_INET6, "an IP address");
      outcome.source = source->ToString();
    }
    return outcome;
  }

 private:
  ProxyProtocol parser_;
  State state_ = State::kNeedMore;
  std::string taken_;
};

Outcome Whole(std::string_view stream) {
  Checked checked;
  checked.Take(stream);
  return checked.Finish();
}

Outcome InPieces(std::string_view stream, size_t max_piece, uint32_t seed) {
  std::minstd_rand random(seed);
  Checked checked;
  for (size_t at = 0; at < stream.size();) {
    const size_t bytes = random() % (max_piece + 1);  // an empty piece now and then
    checked.Take(stream.substr(at, bytes));
    at += bytes;
  }
  return checked.Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Whole(stream);
  Require(InPieces(stream, size_t{1} << data[0] % 8, data[0] + 1u) == whole,
          "the same result however it is cut");
  Require(InPieces(stream, 1, 1) == whole, "the same result byte by byte");

  if (whole.state == State::kDone || whole.state == State::kMalformed) {
    // What follows changes nothing, and one byte less would not have been enough.
    Require(whole.taken > 0, "decided by bytes");
    Require(Whole(stream.substr(0, whole.taken)) == whole, "nothing beyond it is looked at");
    Require(Whole(stream.substr(0, whole.taken - 1)).state == State::kNeedMore,
            "decided by the last byte taken");
  }
  return 0;
}

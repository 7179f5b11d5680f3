// Stamp: the data that the generator writes into a payload, and checks in each delivery.
//
// Form:   kind (1 byte), sender (4), number (4), time (8), all in the machine's byte order; then
// filler, which is
//         the same in every payload and compared byte by byte.
#ifndef CAIRN_TESTS_BENCH_STAMP_H_
#define CAIRN_TESTS_BENCH_STAMP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::bench {

enum class StampKind : uint8_t {
  kGreeting =
      'g',  // repeated until it is heard, which shows that a subscription is in force; not counted
  kData = 'd',
  kAnswer = 'a',
  kOffer = 'o',
  kCandidate = 'c',
};

struct Stamp {
  StampKind kind = StampKind::kData;
  uint32_t sender = 0;
  uint32_t number = 0;
  int64_t time_ns = 0;
};

inline constexpr size_t kStampBytes = 17;

// Payloads of one size.
class StampCodec {
 public:
  // REQUIRES: payload_bytes >= kStampBytes.
  explicit StampCodec(size_t payload_bytes);

  // Valid until the next Write().
  std::string_view Write(const Stamp& stamp);
  // False: not a payload that Write() made.
  bool Read(std::string_view payload, Stamp& stamp) const;

 private:
  std::string payload_;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_STAMP_H_

// FuzzInput: takes a fuzzer's bytes apart, from the front; when they are over, everything is 0.
#ifndef CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_
#define CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cairn {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  uint8_t Byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  bool Flag() { return (Byte() & 1) != 0; }
  // Little-endian.
  template <typename Number>
  Number Whole() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(Number); ++i) value |= uint64_t{Byte()} << (8 * i);
    return static_cast<Number>(value);
  }
  // 0 to `most`, which is less than 65,536.
  int Below(int most) {
    const int value = most < 256 ? Byte() : Whole<uint16_t>();
    return value % (most + 1);
  }
  template <typename Value, size_t kSize>
  const Value& Pick(const Value (&values)[kSize]) {
    return values[static_cast<size_t>(Below(static_cast<int>(kSize) - 1))];
  }
  // Up to `most` bytes.
  std::string Bytes(size_t most) {
    const size_t size = std::min({most, size_, static_cast<size_t>(Byte())});
    std::string bytes(reinterpret_cast<const char*>(data_), std::min(size, size_));
    data_ += bytes.size();
    size_ -= bytes.size();
    return bytes;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

}  // namespace cairn

#endif  // CAIRN_TESTS_FUZZ_FUZZ_INPUT_H_

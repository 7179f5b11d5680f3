// The parser of the first bytes of a TLS connection: whatever they are, it reads none beyond them,
// and what it finds is there.
//
// Input: the bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly the size, so that a step beyond it is found.
  const std::vector<char> bytes(data, data + size);
  const std::string_view received(bytes.data(), bytes.size());
  constexpr std::string_view kProtocol = "cairn-lane";
  if (cairn::core::OffersProtocol(received, kProtocol) &&
      received.find(kProtocol) == std::string_view::npos)
    std::abort();
  return 0;
}

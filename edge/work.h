// Work: the unit that bounds a turn of a loop, so that no client waits long while others are
// served.
//
// One unit is the cost of putting a small frame into one client's queue, about 0.25 us. The other
// costs were measured in it. All bounds of a turn together are about 12 ms.
//
// Thread: none of its own.
#ifndef CAIRN_EDGE_WORK_H_
#define CAIRN_EDGE_WORK_H_

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

namespace cairn::edge {

// The input that is handled in one turn, of all connections and of each; the rest waits for the
// next.
inline constexpr uint64_t kHearingPerTurn = 8192;
inline constexpr uint64_t kHearingPerConnection = 1024;
// The deliveries to clients in one turn: new ones, and those that wait from earlier turns.
inline constexpr uint64_t kFreshPerTurn = 16'384;
inline constexpr uint64_t kWaitingPerTurn = 24'576;

// Of a frame to one client, as --rate-deliveries counts it too: one for each begun 4 KiB.
inline constexpr size_t kBytesPerDelivery = 4096;
inline constexpr uint64_t DeliveryWork(size_t bytes) { return 1 + bytes / kBytesPerDelivery; }
// Of writing to a client, however much.
inline constexpr uint64_t kWriteWork = 28;

// Of a message of a client.
inline constexpr uint64_t BinaryWork(size_t bytes) { return 4 + bytes / 512; }
inline constexpr uint64_t TextWork(size_t bytes) { return 16 + bytes / 64; }
inline constexpr uint64_t kPingWork = 2;
// Of the answer to a query.
inline constexpr uint64_t AnswerWork(size_t bytes) { return 4 + bytes / 256; }
// Of what has been measured.
inline uint64_t WorkOf(absl::Duration time) {
  return static_cast<uint64_t>(time / absl::Nanoseconds(250));
}
// Of one step of a TLS handshake, at least, and of an upgrade.
inline constexpr uint64_t kHandshakeWork = 2000;
inline constexpr uint64_t kUpgradeWork = 100;

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_WORK_H_

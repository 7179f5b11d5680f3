// Work: the measure of a turn of a loop, so that no client waits long while others are served.
//
// One unit is the cost of putting a small frame into one client's queue, about 0.25 us. The others
// were measured in it. All bounds of a turn together are about 16 ms.
//
// Thread: none of its own.
#ifndef CAIRN_EDGE_WORK_H_
#define CAIRN_EDGE_WORK_H_

#include <cstddef>
#include <cstdint>

namespace cairn::edge {

// The input of all connections together, and of each, in one turn; the rest is handled in the next.
inline constexpr uint64_t kHearingPerTurn = 16'384;
inline constexpr uint64_t kHearingPerConnection = 1024;
// The relays handed to clients in one turn: new ones, and those that wait from earlier turns.
inline constexpr uint64_t kFreshPerTurn = 24'576;
inline constexpr uint64_t kWaitingPerTurn = 24'576;

// Of a frame to one client, as in --rate-deliveries: one for each started 4 KiB.
inline constexpr size_t kBytesPerDelivery = 4096;
inline constexpr uint64_t DeliveryWork(size_t bytes) { return 1 + bytes / kBytesPerDelivery; }
// Of writing to a client, whatever the size.
inline constexpr uint64_t kWriteWork = 28;

// Of a message received from a client.
inline constexpr uint64_t BinaryWork(size_t bytes) { return 4 + bytes / 512; }
inline constexpr uint64_t TextWork(size_t bytes) { return 16 + bytes / 64; }
inline constexpr uint64_t kPingWork = 2;
// Of the answer to a query.
inline constexpr uint64_t AnswerWork(size_t bytes) { return 4 + bytes / 256; }
// Of one step of a TLS handshake, and of an upgrade.
inline constexpr uint64_t kHandshakeWork = 2000;
inline constexpr uint64_t kUpgradeWork = 100;

}  // namespace cairn::edge

#endif  // CAIRN_EDGE_WORK_H_

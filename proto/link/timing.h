// Every time constant of links and relays, and the required order between them.
//
// docs/RELAYS.md "Times" explains each value.
#ifndef CAIRN_PROTO_LINK_TIMING_H_
#define CAIRN_PROTO_LINK_TIMING_H_

#include <chrono>

namespace cairn::link {

using std::chrono::milliseconds;

// ---- edge
// Pause before the first attempt to reconnect, and the longest pause between two.
inline constexpr milliseconds kFirstBackoff{10};
inline constexpr milliseconds kMaxBackoff{250};
// A stream that was open for that long was good: the pauses start anew.
inline constexpr milliseconds kSteadyStream{1'000};
// One attempt: resolving the name and TCP, which repeats a lost SYN after one and after three
// seconds.
inline constexpr milliseconds kConnectTimeout{3'500};
// Then TLS, and then the core's first HTTP/2 frame: each of the two.
inline constexpr milliseconds kHandshakeTimeout{3'500};
// HTTP/2 PINGs of either side: a peer that vanished is noticed after both together.
inline constexpr milliseconds kKeepaliveInterval{3'000};
inline constexpr milliseconds kKeepaliveTimeout{5'000};
// The same of an edge that has other cores to go to: then it leaves as soon as one of them answers.
// What slows all of them down does not send it from one to the next.
inline constexpr milliseconds kImpatientInterval{500};
inline constexpr milliseconds kImpatientTimeout{1'500};
// Looking up and connecting to a core, while there are others that have not been tried.
inline constexpr milliseconds kShortConnectTimeout{1'000};
// Of a loop and of a core: how late an acknowledgement may be sent when there is no other message.
inline constexpr milliseconds kTick{100};
// How long an edge that ends waits for its clients' relays to arrive.
inline constexpr milliseconds kGoodbyeTimeout{3'000};
// How long a lane remembers the last relay of an origin that is not in the roster.
inline constexpr milliseconds kSeenKept{600'000};
// A lane that has had no core for this long gives up the relays that may have arrived: no lane
// remembers whether they did.
inline constexpr milliseconds kUnsureRelaysKept{300'000};

// ---- core
// A lane that has not answered for this long is given up (--lane-timeout).
inline constexpr milliseconds kDefaultLaneTimeout{10'000};
inline constexpr milliseconds kMinLaneTimeout{1'000};
// A lane without data sends an empty message this many times within it.
inline constexpr int kBeatsPerTimeout = 5;
// How long a restarted core waits for a lane that makes no progress, and for all lanes together.
inline constexpr milliseconds kReturnPatience{2'000};
inline constexpr milliseconds kReturnLimit{10'000};
// How long a core that has just started holds relays, because a lane that knows of others may be
// about to reconnect.
inline constexpr milliseconds kStartHold{500};

static_assert(kStartHold > kMaxBackoff + 2 * kTick, "a lane with a working link comes in time");
static_assert(kSteadyStream > kMaxBackoff, "streams that break at once are not opened in a row");
static_assert(kReturnPatience > 4 * kMaxBackoff, "several attempts fit into the patience");
static_assert(kDefaultLaneTimeout > kConnectTimeout + kHandshakeTimeout + kReturnPatience,
              "a link may be away for seconds, and a handshake be slow");
static_assert(kDefaultLaneTimeout > kKeepaliveInterval + kKeepaliveTimeout,
              "an edge notices first");
static_assert(kKeepaliveTimeout > kImpatientTimeout && kConnectTimeout > kShortConnectTimeout,
              "with one core there is nothing to be gained by haste");
static_assert(kMinLaneTimeout > 4 * kTick, "an answer may take two ticks of each side");
static_assert(kMinLaneTimeout / kBeatsPerTimeout >= 2 * kTick, "ticks can tell beats apart");
static_assert(kReturnLimit >= kReturnPatience, "the limit ends what makes progress");
static_assert(kGoodbyeTimeout > kReturnPatience, "an edge that ends waits for a core that holds");
static_assert(kSeenKept > kUnsureRelaysKept, "what may be resent is remembered");

}  // namespace cairn::link

#endif  // CAIRN_PROTO_LINK_TIMING_H_

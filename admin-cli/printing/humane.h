// Quantities as people read and write them: "3m12s", "1.2 MiB", "12,345", "412us".
//
// Thread: any; no state.
// Errors: INVALID_ARGUMENT with the text and an example of a valid one.
#ifndef CAIRN_ADMIN_CLI_PRINTING_HUMANE_H_
#define CAIRN_ADMIN_CLI_PRINTING_HUMANE_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn::admin {

// The two largest units that matter: "0s", "850ms", "12s", "3m12s", "5h07m", "61d04h". Negative:
// "-3m12s".
std::string HumaneDuration(absl::Duration duration);
// Three digits: "412us", "1.23ms", "45.1ms", "2.50s". For measured times.
std::string HumaneLatency(absl::Duration latency);
// "512 B", "1.2 MiB": powers of 1024, one decimal.
std::string HumaneSize(uint64_t bytes);
// "12,345".
std::string HumaneCount(uint64_t count);
// "0", "0.3", "12.5", "1,204".
std::string HumaneRate(double per_second);
// "2026-01-31 12:03:11" in the local time zone.
std::string HumaneTime(absl::Time time);
// "12:03:11.204" in the local time zone.
std::string HumaneClock(absl::Time time);

// A number of seconds, or numbers with units: "90", "1.5s", "1h30m", "14d", "2w".
absl::StatusOr<absl::Duration> ParseHumaneDuration(std::string_view text);
// A number of bytes, or a number with a unit: "1048576", "512MiB", "1.5G"; powers of 1024.
absl::StatusOr<uint64_t> ParseHumaneSize(std::string_view text);

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_PRINTING_HUMANE_H_

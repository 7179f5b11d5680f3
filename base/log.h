// The process's log: one line per event on stdout, in three modules that can be filtered apart.
//
// Form:   "2026-01-31T12:00:00.123Z  INFO cairn_signal::edge: listening url=ws://0.0.0.0:443": a
// stable event name,
//         then key=value. Nothing secret or personal above debug: no tokens, topics, payloads,
//         client addresses.
// Thread: any, after InitLog().
#ifndef CAIRN_BASE_LOG_H_
#define CAIRN_BASE_LOG_H_

#include <spdlog/logger.h>

#include <string>

#include "base/log_filter.h"

namespace cairn {

// First in main(), and again whenever an operator wants other levels. Until then the loggers print
// everything from info up. Returns the directives that were in force. Thread: any.
std::string InitLog(const LogFilter& filter);

namespace log {
spdlog::logger& Server();  // cairn_signal
spdlog::logger& Edge();    // cairn_signal::edge
spdlog::logger& Core();    // cairn_signal::core
}  // namespace log

}  // namespace cairn

#endif  // CAIRN_BASE_LOG_H_

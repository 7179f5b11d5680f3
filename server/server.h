// Server: one process of cairn-signal, composed for its role, from start to exit code.
//
// Thread: main's; it waits for signals. SIGTERM and SIGINT drain (a second one exits at once),
//         SIGHUP reloads.
#ifndef CAIRN_SERVER_SERVER_H_
#define CAIRN_SERVER_SERVER_H_

#include "server/options.h"

namespace cairn::server {

// Runs until a signal ends it. Returns the exit code: 0 after a drain, 1 when it could not start;
// the log and stderr say why in one line.
int RunServer(const Options& options);

}  // namespace cairn::server

#endif  // CAIRN_SERVER_SERVER_H_

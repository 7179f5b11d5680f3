// What a server asks of the kernel, the C library and its environment for itself.
#ifndef CAIRN_SERVER_PROCESS_SETUP_H_
#define CAIRN_SERVER_PROCESS_SETUP_H_

namespace cairn::server {

// Before there are threads. What the system refuses stays as it was.
void SetUpProcess();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PROCESS_SETUP_H_

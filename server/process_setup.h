// Settings of the kernel, the C library and the environment that a server makes for itself.
#ifndef CAIRN_SERVER_PROCESS_SETUP_H_
#define CAIRN_SERVER_PROCESS_SETUP_H_

namespace cairn::server {

// Called before other threads exist. What the system refuses stays unchanged.
void SetUpProcess();

}  // namespace cairn::server

#endif  // CAIRN_SERVER_PROCESS_SETUP_H_

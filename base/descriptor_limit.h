// DescriptorLimit: how many files this process may have open, and how many of them the clients'
// port must leave to others: links to the core, operators, the ops port.
//
// Thread: any. The limit is read once; SetUpProcess() has raised it by then.
#ifndef CAIRN_BASE_DESCRIPTOR_LIMIT_H_
#define CAIRN_BASE_DESCRIPTOR_LIMIT_H_

namespace cairn {

// RLIMIT_NOFILE: every descriptor of this process is below it.
int DescriptorLimit();

// The kernel gives out the lowest free descriptor. One at or above this means that no more than the
// reserve is left: an eighth of the limit, at least 8 and at most 64.
int DescriptorReserveStart();

// Whether the next descriptor would be one of the reserve. Two system calls.
bool OnlyReserveIsLeft();

}  // namespace cairn

#endif  // CAIRN_BASE_DESCRIPTOR_LIMIT_H_

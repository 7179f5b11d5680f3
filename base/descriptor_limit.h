// DescriptorLimit: how many files this process may have open, and how many of them the clients'
// port must leave for others: links to the core, operators, the ops port.
//
// Thread: any. The limit is read once, after SetUpProcess() has raised it.
#ifndef CAIRN_BASE_DESCRIPTOR_LIMIT_H_
#define CAIRN_BASE_DESCRIPTOR_LIMIT_H_

namespace cairn {

// RLIMIT_NOFILE: every descriptor of this process is below it.
int DescriptorLimit();

// The kernel assigns the lowest free descriptor. One at or above this means that only the reserve
// is left: an eighth of the limit, at least 8 and at most 64.
int DescriptorReserveStart();

// Whether the next descriptor would be one of the reserve. Costs two system calls.
bool OnlyReserveIsLeft();

}  // namespace cairn

#endif  // CAIRN_BASE_DESCRIPTOR_LIMIT_H_

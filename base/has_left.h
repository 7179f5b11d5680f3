// HasLeft: whether the other side of a stream socket has closed it, or will send nothing more. What
// it has sent before may be unread.
//
// Thread: any.
// Source: poll(2), POLLRDHUP.
#ifndef CAIRN_BASE_HAS_LEFT_H_
#define CAIRN_BASE_HAS_LEFT_H_

#include <poll.h>

namespace cairn {

inline bool HasLeft(int fd) {
  pollfd state = {fd, POLLRDHUP, 0};
  return poll(&state, 1, 0) > 0;
}

}  // namespace cairn

#endif  // CAIRN_BASE_HAS_LEFT_H_

// PortGuest: something with a socket of its own that the lanes' thread serves beside its lanes:
// what comes there for lanes then wakes one thread, and not another for them.
//
// Owner:  the composition; it outlives its host.
// Thread: as each method says.
#ifndef CAIRN_CORE_PORT_GUEST_H_
#define CAIRN_CORE_PORT_GUEST_H_

namespace cairn::core {

class PortGuest {
 public:
  // A descriptor that can be read whenever OnReady() has something to do.
  virtual int ready_fd() const = 0;
  // The host's thread; returns soon. True: to be called again, although nothing tells.
  virtual bool OnReady() = 0;
  // The host's thread, each time before it waits: what it has given the guest to send leaves.
  virtual void OnTurnEnds() = 0;
  // The host's thread: whether there is a host from now on. Without one the guest serves itself.
  virtual void OnHosted(bool hosted) = 0;

 protected:
  ~PortGuest() = default;
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_PORT_GUEST_H_

// Poller: the generator's event loop: what is ready is handled, then everybody who got something to
// send is flushed.
//
// Owner:  main.
// Thread: the only one.
#ifndef CAIRN_TESTS_BENCH_POLLER_H_
#define CAIRN_TESTS_BENCH_POLLER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/unique_fd.h"

namespace cairn::bench {

class Pollable {
 public:
  virtual void OnReady(uint32_t epoll_events) = 0;
  // Sends the output gathered since the last call.
  virtual void Flush() = 0;

 protected:
  ~Pollable() = default;

 private:
  friend class Poller;
  bool touched_ = false;
};

class Poller {
 public:
  Poller();

  // `item` must outlive the descriptor's being open.
  void Add(int fd, uint32_t epoll_events, Pollable& item);
  void Change(int fd, uint32_t epoll_events, Pollable& item);
  // Sleeps before it looks for what is ready, so that much comes at once and nobody pays for waking
  // us meanwhile.
  void set_nap_ns(int64_t nap_ns) { nap_ns_ = nap_ns; }
  // Flush() is wanted.
  void Touch(Pollable& item);

  // Flushes, waits until something is ready or `until_ns` is past, handles what is ready, flushes.
  void Poll(int64_t until_ns);
  // Polls until `done`. False if that has not come by `until_ns`.
  bool PollUntil(int64_t until_ns, const std::function<bool()>& done);

  // One for all sockets.
  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBuffer}; }

 private:
  static constexpr size_t kReadBuffer = 256 << 10;

  void FlushTouched();

  const UniqueFd epoll_;
  const std::unique_ptr<char[]> read_buffer_;
  std::vector<Pollable*> touched_;
  std::vector<Pollable*> flushing_;
  int64_t nap_ns_ = 0;
};

}  // namespace cairn::bench

#endif  // CAIRN_TESTS_BENCH_POLLER_H_

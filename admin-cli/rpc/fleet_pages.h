// FleetPages: lists that several cores stream, as one list in order.
//
//   a thread a core ── pages ──▶ a few of them wait ──▶ Merge(), the caller's thread
//
// Thread: the caller's; each source is read by a thread of its own.
// Bounds: kMaxPages pages a core.
#ifndef CAIRN_ADMIN_CLI_RPC_FLEET_PAGES_H_
#define CAIRN_ADMIN_CLI_RPC_FLEET_PAGES_H_

#include <absl/status/status.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace cairn::admin {

// One core's list, read ahead by a thread of its own.
template <typename Page, typename Item>
class PageSource {
 public:
  static constexpr size_t kMaxPages = 4;
  using Each = std::function<bool(const Page&)>;
  // Streams the list: calls `each` with every page until that returns false.
  using Read = std::function<absl::Status(const Each& each)>;
  using Items = std::function<std::vector<Item>(const Page&)>;

  // `items` takes the entries out of a page.
  PageSource(Read read, Items items) : items_(std::move(items)) {
    thread_ = std::thread([this, read = std::move(read)] {
      absl::Status status = read([this](const Page& page) { return Put(page); });
      const std::lock_guard lock(mu_);
      status_ = std::move(status);
      over_ = true;
      changed_.notify_all();
    });
  }
  ~PageSource() {
    {
      const std::lock_guard lock(mu_);
      unwanted_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  // The next entry; null at the end. Waits for it.
  const Item* Head() {
    while (next_ == page_.size()) {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [this] { return over_ || !pages_.empty(); });
      if (pages_.empty()) return nullptr;
      page_ = std::move(pages_.front());
      next_ = 0;
      pages_.pop_front();
      changed_.notify_all();
    }
    return &page_[next_];
  }
  Item Take() { return std::move(page_[next_++]); }
  // Once Head() was null.
  absl::Status status() {
    const std::lock_guard lock(mu_);
    return status_;
  }

 private:
  bool Put(const Page& page) {
    std::vector<Item> items = items_(page);
    std::unique_lock lock(mu_);
    changed_.wait(lock, [this] { return unwanted_ || pages_.size() < kMaxPages; });
    if (unwanted_) return false;
    pages_.push_back(std::move(items));
    changed_.notify_all();
    return true;
  }

  const Items items_;

  // The caller's thread only.
  std::vector<Item> page_;
  size_t next_ = 0;

  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_.
  std::deque<std::vector<Item>> pages_;
  bool over_ = false;
  bool unwanted_ = false;
  absl::Status status_;

  std::thread thread_;
};

// Calls `each` with all entries in the order of `before`, until it returns false.
template <typename Page, typename Item, typename Before, typename Each>
void Merge(std::vector<std::unique_ptr<PageSource<Page, Item>>>& sources, Before before,
           Each each) {
  while (true) {
    PageSource<Page, Item>* first = nullptr;
    for (const auto& source : sources) {
      const Item* head = source->Head();
      if (head && (!first || before(*head, *first->Head()))) first = source.get();
    }
    if (!first || !each(first->Take())) return;
  }
}

// Hands merged entries on in pages.
template <typename Page>
class Pager {
 public:
  static constexpr int kEntries = 128;

  explicit Pager(const std::function<bool(const Page&)>& each) : each_(each) {}

  Page& page() { return page_; }
  // After an entry was added. False: the caller wants no more.
  bool Added() { return ++entries_ < kEntries || Flush(); }
  bool Flush() {
    const bool go_on = each_(page_);
    page_.Clear();
    entries_ = 0;
    return go_on;
  }

 private:
  const std::function<bool(const Page&)>& each_;  // Borrowed; must outlive this.
  Page page_;
  int entries_ = 0;
};

}  // namespace cairn::admin

#endif  // CAIRN_ADMIN_CLI_RPC_FLEET_PAGES_H_

#include "edge/open_relays.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proto/link/cost.h"

namespace cairn::edge {

using signaling::v1::LaneEvent;

namespace {

constexpr size_t kMaxSpare = 256;
// An event with more is not kept for its memory.
constexpr size_t kMaxSpareCost = 2048;

}  // namespace

void OpenRelays::Keep(LaneEvent& event) {
  CAIRN_CHECK(entries_.empty() || entries_.back().event.seq() < event.seq());
  Entry& entry = entries_.emplace_back();
  if (!spare_.empty()) {
    entry.event.Swap(&spare_.back());
    spare_.pop_back();
  }
  entry.event.Swap(&event);
  entry.cost = link::CostOf(entry.event);
  cost_ += entry.cost;
  ++open_;
}

std::deque<OpenRelays::Entry>::iterator OpenRelays::Find(uint64_t seq) {
  if (!entries_.empty() && seq <= entries_.front().event.seq()) return entries_.begin();
  return std::lower_bound(
      entries_.begin(), entries_.end(), seq,
      [](const Entry& entry, uint64_t number) { return entry.event.seq() < number; });
}

void OpenRelays::Settle(uint64_t first, uint64_t last) {
  for (auto entry = Find(first); entry != entries_.end() && entry->event.seq() <= last; ++entry) {
    if (entry->cost > 0) Release(*entry);
  }
  while (!entries_.empty() && entries_.front().cost == 0) entries_.pop_front();
}

void OpenRelays::Release(Entry& entry) {
  cost_ -= entry.cost;
  --open_;
  const uint64_t seq = entry.event.seq();
  if (spare_.size() < kMaxSpare && entry.cost <= kMaxSpareCost) {
    LaneEvent& spare = spare_.emplace_back();
    spare.Swap(&entry.event);
    spare.Clear();
  } else {
    entry.event = LaneEvent();
  }
  entry.cost = 0;
  entry.event.set_seq(seq);
}

void OpenRelays::ReceiptGiven(uint64_t seq) {
  const auto entry = Find(seq);
  if (entry != entries_.end() && entry->event.seq() == seq) entry->event.set_wants_receipt(false);
}

std::deque<LaneEvent> OpenRelays::TakeAll() {
  std::deque<LaneEvent> events;
  for (Entry& entry : entries_) {
    if (entry.cost > 0) events.push_back(std::move(entry.event));
  }
  entries_.clear();
  open_ = 0;
  cost_ = 0;
  return events;
}

}  // namespace cairn::edge

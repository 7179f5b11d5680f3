#include "edge/open_relays.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "proto/link/cost.h"

namespace cairn::edge {

using signaling::v1::LaneEvent;

namespace {

// One with larger strings is not kept for its memory.
constexpr size_t kMaxSpareBytes = 2048;

}  // namespace

void OpenRelays::Keep(LaneEvent& event) {
  const uint64_t seq = event.seq();
  CAIRN_CHECK(entries_.empty() || entries_.back().seq < seq);
  Event kept;
  if (spare_.empty()) {
    kept = std::make_unique<LaneEvent>();
  } else {
    kept = std::move(spare_.back());
    spare_.pop_back();
  }
  // The event's place gets the memory of the spare one.
  kept->Swap(&event);
  const size_t cost = link::CostOf(*kept);
  entries_.push_back({seq, cost, std::move(kept)});
  cost_ += cost;
  ++open_;
}

std::deque<OpenRelays::Entry>::iterator OpenRelays::Find(uint64_t seq) {
  if (!entries_.empty() && seq <= entries_.front().seq) return entries_.begin();
  return std::lower_bound(entries_.begin(), entries_.end(), seq,
                          [](const Entry& entry, uint64_t number) { return entry.seq < number; });
}

void OpenRelays::Settle(uint64_t first, uint64_t last) {
  for (auto entry = Find(first); entry != entries_.end() && entry->seq <= last; ++entry) {
    if (entry->event) Release(*entry);
  }
  while (!entries_.empty() && !entries_.front().event) entries_.pop_front();
}

void OpenRelays::Release(Entry& entry) {
  cost_ -= entry.cost;
  --open_;
  Event event = std::move(entry.event);
  // What it has been used for before counts too.
  const size_t memory = event->topic().capacity() + event->payload().capacity();
  if (spare_.size() == kMaxSpare || memory > kMaxSpareBytes) return;
  event->Clear();
  spare_.push_back(std::move(event));
}

void OpenRelays::ReceiptGiven(uint64_t seq) {
  const auto entry = Find(seq);
  if (entry != entries_.end() && entry->seq == seq && entry->event)
    entry->event->set_wants_receipt(false);
}

std::deque<LaneEvent> OpenRelays::TakeAll() {
  std::deque<LaneEvent> events;
  for (Entry& entry : entries_) {
    if (entry.event) events.push_back(std::move(*entry.event));
  }
  entries_.clear();
  open_ = 0;
  cost_ = 0;
  return events;
}

}  // namespace cairn::edge

// What the listings that are read a page at a time share: the size of a page, and the heap of those
// that are sorted.
#ifndef CAIRN_CORE_LISTING_PAGE_H_
#define CAIRN_CORE_LISTING_PAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn::core {

inline constexpr size_t kPage = 128;

// How many more entries a reader wants who asked for `limit` (0: all) and has been sent `sent`; at
// most kPage.
inline size_t WantedOfPage(uint32_t limit, uint64_t sent) {
  return limit == 0 ? kPage : std::min<uint64_t>(kPage, limit - sent);
}

// Removes from a heap, whose top comes first by `before`, what cannot be among the first `limit`
// (0: all can), once that is many entries.
template <typename Keyed, typename Before, typename Later>
void Prune(uint32_t limit, Before before, Later later, std::vector<Keyed>& heap) {
  if (limit == 0 || heap.size() <= 2 * size_t{limit} + kPage) return;
  std::nth_element(heap.begin(), heap.begin() + limit, heap.end(), before);
  heap.resize(limit);
  std::make_heap(heap.begin(), heap.end(), later);
}

}  // namespace cairn::core

#endif  // CAIRN_CORE_LISTING_PAGE_H_

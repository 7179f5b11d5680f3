// RecordHolders: how much of a store of records each address holds, and each connection of it.
//
// It selects the record to remove: of the address that holds most, the connection that holds most,
// and of that the record that expires first. So a client that fills the store loses its own
// records, not those of others.
//
// Owner:  core::RecordStore, edge::RecordCache.
// Thread: its owner's.
// Bounds: those of its records; O(log n) a call.
#ifndef CAIRN_BASE_RECORD_HOLDERS_H_
#define CAIRN_BASE_RECORD_HOLDERS_H_

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace cairn {

class RecordHolders {
 public:
  // Of a record: when it expires, then its number.
  using Key = std::pair<int64_t, uint64_t>;
  struct Holder {
    const std::string& source;  // Record.source in lane.proto
    uint64_t connection;
  };

  // Holders that differ by less than `grain` bytes count as equal: of those, the one with the
  // oldest record is selected.
  explicit RecordHolders(size_t grain);

  ~RecordHolders();

  void Add(const Holder& holder, Key record, size_t bytes);
  // REQUIRES: it was added.
  void Remove(const Holder& holder, Key record, size_t bytes);

  // REQUIRES for all: the holder has a record.
  size_t RecordsOf(const Holder& holder) const;
  size_t BytesOf(const Holder& holder) const;
  size_t BytesOfSource(const std::string& source) const;
  // The record to remove first: of the connection, of the address, of all.
  Key FirstOf(const Holder& holder) const;
  Key FirstOfSource(const std::string& source) const;
  Key First() const;

 private:
  // The number of grains, negative, and the record to remove first: the first entry is selected.
  using Place = std::pair<int64_t, Key>;
  struct Connection;
  struct Source;

  const Connection& Find(const Holder& holder) const;
  void Rank(Source& source, Connection& connection);
  int64_t Grains(size_t bytes) const { return static_cast<int64_t>(bytes / grain_); }

  const size_t grain_;
  absl::flat_hash_map<std::string, std::unique_ptr<Source>> sources_;
  absl::btree_set<Place> most_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_RECORD_HOLDERS_H_

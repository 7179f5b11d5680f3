// RecordHolders: which addresses, and which connections of each, hold how much of a RecordStore.
//
// Tells who has to give way: of the address that holds most, the connection that holds most, and of that the record that
// expires first. So whoever fills the store loses its own records, not those of others.
//
// Owner:  RecordStore. Thread: the router's.
// Bounds: those of its records; O(log n) a call.
#ifndef CAIRN_CORE_RECORD_HOLDERS_H_
#define CAIRN_CORE_RECORD_HOLDERS_H_

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"

namespace cairn::core {

class RecordHolders {
 public:
  // Of a record: when it expires, then its number.
  using Key = std::pair<int64_t, uint64_t>;
  struct Holder {
    const std::string& source;  // Record.source in lane.proto
    uint64_t connection;
  };

  void Add(const Holder& holder, Key record, size_t bytes) {
    std::unique_ptr<Source>& source = sources_[holder.source];
    if (!source) source = std::make_unique<Source>();
    Connection& connection = source->connections[holder.connection];
    connection.records.insert(record);
    Grow(*source, holder.connection, connection, static_cast<ptrdiff_t>(bytes));
  }
  // REQUIRES: it was added.
  void Remove(const Holder& holder, Key record, size_t bytes) {
    const auto source = sources_.find(holder.source);
    CAIRN_CHECK(source != sources_.end());
    const auto connection = source->second->connections.find(holder.connection);
    CAIRN_CHECK(connection != source->second->connections.end());
    connection->second.records.erase(record);
    Grow(*source->second, holder.connection, connection->second, -static_cast<ptrdiff_t>(bytes));
    if (!connection->second.records.empty()) return;
    source->second->connections.erase(connection);
    if (source->second->connections.empty()) sources_.erase(source);
  }

  // REQUIRES for all: the holder has a record.
  size_t RecordsOf(const Holder& holder) const { return Find(holder).records.size(); }
  size_t BytesOf(const Holder& holder) const { return Find(holder).bytes; }
  size_t BytesOfSource(const std::string& source) const { return sources_.at(source)->bytes; }
  // The record that goes first: of the connection, of the address, of all.
  Key FirstOf(const Holder& holder) const { return *Find(holder).records.begin(); }
  Key FirstOfSource(const std::string& source) const { return FirstOf(*sources_.at(source)); }
  Key First() const { return FirstOf(*by_bytes_.rbegin()->second); }

  size_t sources() const { return sources_.size(); }

 private:
  struct Connection {
    size_t bytes = 0;
    absl::btree_set<Key> records;
  };
  struct Source {
    size_t bytes = 0;
    absl::flat_hash_map<uint64_t, Connection> connections;
    absl::btree_set<std::pair<size_t, uint64_t>> by_bytes;  // those with any
  };

  const Connection& Find(const Holder& holder) const {
    return sources_.at(holder.source)->connections.at(holder.connection);
  }
  static Key FirstOf(const Source& source) {
    return *source.connections.at(source.by_bytes.rbegin()->second).records.begin();
  }
  void Grow(Source& source, uint64_t id, Connection& connection, ptrdiff_t bytes) {
    source.by_bytes.erase({connection.bytes, id});
    by_bytes_.erase({source.bytes, &source});
    connection.bytes += static_cast<size_t>(bytes);
    source.bytes += static_cast<size_t>(bytes);
    if (connection.bytes > 0) source.by_bytes.insert({connection.bytes, id});
    if (source.bytes > 0) by_bytes_.insert({source.bytes, &source});
  }

  absl::flat_hash_map<std::string, std::unique_ptr<Source>> sources_;
  absl::btree_set<std::pair<size_t, const Source*>> by_bytes_;  // those with any
};

}  // namespace cairn::core

#endif  // CAIRN_CORE_RECORD_HOLDERS_H_

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
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

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
  explicit RecordHolders(size_t grain) : grain_(grain > 0 ? grain : 1) {}

  void Add(const Holder& holder, Key record, size_t bytes) {
    std::unique_ptr<Source>& source = sources_[holder.source];
    if (!source) source = std::make_unique<Source>();
    Connection& connection = source->connections[holder.connection];
    connection.records.insert(record);
    connection.bytes += bytes;
    source->bytes += bytes;
    Rank(*source, connection);
  }
  // REQUIRES: it was added.
  void Remove(const Holder& holder, Key record, size_t bytes) {
    const auto source = sources_.find(holder.source);
    CAIRN_CHECK(source != sources_.end());
    const auto connection = source->second->connections.find(holder.connection);
    CAIRN_CHECK(connection != source->second->connections.end());
    connection->second.records.erase(record);
    connection->second.bytes -= bytes;
    source->second->bytes -= bytes;
    Rank(*source->second, connection->second);
    if (!connection->second.records.empty()) return;
    source->second->connections.erase(connection);
    if (source->second->connections.empty()) sources_.erase(source);
  }

  // REQUIRES for all: the holder has a record.
  size_t RecordsOf(const Holder& holder) const { return Find(holder).records.size(); }
  size_t BytesOf(const Holder& holder) const { return Find(holder).bytes; }
  size_t BytesOfSource(const std::string& source) const { return sources_.at(source)->bytes; }
  // The record to remove first: of the connection, of the address, of all.
  Key FirstOf(const Holder& holder) const { return *Find(holder).records.begin(); }
  Key FirstOfSource(const std::string& source) const {
    return sources_.at(source)->most.begin()->second;
  }
  Key First() const { return most_.begin()->second; }

 private:
  // The number of grains, negative, and the record to remove first: the first entry is selected.
  using Place = std::pair<int64_t, Key>;
  struct Connection {
    size_t bytes = 0;
    absl::btree_set<Key> records;
    std::optional<Place> place;  // in Source::most
  };
  struct Source {
    size_t bytes = 0;
    absl::flat_hash_map<uint64_t, Connection> connections;
    absl::btree_set<Place> most;
    std::optional<Place> place;  // in most_
  };

  const Connection& Find(const Holder& holder) const {
    return sources_.at(holder.source)->connections.at(holder.connection);
  }
  void Rank(Source& source, Connection& connection) {
    if (connection.place) source.most.erase(*std::exchange(connection.place, std::nullopt));
    if (!connection.records.empty()) {
      connection.place = Place{-Grains(connection.bytes), *connection.records.begin()};
      source.most.insert(*connection.place);
    }
    if (source.place) most_.erase(*std::exchange(source.place, std::nullopt));
    if (source.most.empty()) return;
    source.place = Place{-Grains(source.bytes), source.most.begin()->second};
    most_.insert(*source.place);
  }
  int64_t Grains(size_t bytes) const { return static_cast<int64_t>(bytes / grain_); }

  const size_t grain_;
  absl::flat_hash_map<std::string, std::unique_ptr<Source>> sources_;
  absl::btree_set<Place> most_;
};

}  // namespace cairn

#endif  // CAIRN_BASE_RECORD_HOLDERS_H_

#include "base/record_holders.h"

#include <optional>

#include "base/check.h"

namespace cairn {

struct RecordHolders::Connection {
  size_t bytes = 0;
  absl::btree_set<Key> records;
  std::optional<Place> place;  // in Source::most
};
struct RecordHolders::Source {
  size_t bytes = 0;
  absl::flat_hash_map<uint64_t, Connection> connections;
  absl::btree_set<Place> most;
  std::optional<Place> place;  // in most_
};

RecordHolders::RecordHolders(size_t grain) : grain_(grain > 0 ? grain : 1) {}
RecordHolders::~RecordHolders() = default;

void RecordHolders::Add(const Holder& holder, Key record, size_t bytes) {
  std::unique_ptr<Source>& source = sources_[holder.source];
  if (!source) source = std::make_unique<Source>();
  Connection& connection = source->connections[holder.connection];
  connection.records.insert(record);
  connection.bytes += bytes;
  source->bytes += bytes;
  Rank(*source, connection);
}

void RecordHolders::Remove(const Holder& holder, Key record, size_t bytes) {
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

size_t RecordHolders::RecordsOf(const Holder& holder) const { return Find(holder).records.size(); }
size_t RecordHolders::BytesOf(const Holder& holder) const { return Find(holder).bytes; }
size_t RecordHolders::BytesOfSource(const std::string& source) const {
  return sources_.at(source)->bytes;
}

RecordHolders::Key RecordHolders::FirstOf(const Holder& holder) const {
  return *Find(holder).records.begin();
}
RecordHolders::Key RecordHolders::FirstOfSource(const std::string& source) const {
  return sources_.at(source)->most.begin()->second;
}
RecordHolders::Key RecordHolders::First() const { return most_.begin()->second; }

const RecordHolders::Connection& RecordHolders::Find(const Holder& holder) const {
  return sources_.at(holder.source)->connections.at(holder.connection);
}

void RecordHolders::Rank(Source& source, Connection& connection) {
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

}  // namespace cairn

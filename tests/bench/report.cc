#include "tests/bench/report.h"

#include <cstdio>

namespace cairn::bench {
namespace {

std::string Number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

template <typename T, typename ToText>
std::string Array(const std::vector<T>& values, ToText to_text) {
  std::string json = "[";
  for (const T& value : values) {
    if (json.size() > 1) json += ", ";
    json += to_text(value);
  }
  return json + "]";
}

}  // namespace

void Faults::Count(const SequenceCheck& check, uint64_t sent) {
  lost += sent - check.received();
  duplicates += check.duplicates();
  reordered += check.reordered();
}

void Report::Add(std::string_view name, double value) { AddRaw(name, Number(value)); }

void Report::Add(std::string_view name, uint64_t value) { AddRaw(name, std::to_string(value)); }

// Only names and literals of this program, which need no escapes.
void Report::Add(std::string_view name, std::string_view text) {
  AddRaw(name, "\"" + std::string(text) + "\"");
}

void Report::Add(std::string_view name, const std::vector<double>& values) {
  AddRaw(name, Array(values, Number));
}

void Report::Add(std::string_view name, const std::vector<uint64_t>& values) {
  AddRaw(name, Array(values, [](uint64_t value) { return std::to_string(value); }));
}

void Report::Add(std::string_view name, Latencies& latencies) {
  AddRaw(name, "{\"count\": " + std::to_string(latencies.count()) +
                   ", \"p50\": " + Number(latencies.PercentileUs(0.5)) +
                   ", \"p90\": " + Number(latencies.PercentileUs(0.9)) +
                   ", \"p99\": " + Number(latencies.PercentileUs(0.99)) +
                   ", \"p99.9\": " + Number(latencies.PercentileUs(0.999)) +
                   ", \"max\": " + Number(latencies.MaxUs()) + "}");
}

void Report::Add(const Faults& faults) {
  Add("lost", faults.lost);
  Add("duplicates", faults.duplicates);
  Add("reordered", faults.reordered);
  Add("corrupt", faults.corrupt);
  Add("disconnected", faults.disconnected);
}

void Report::AddRaw(std::string_view name, std::string_view json) {
  if (!fields_.empty()) fields_ += ", ";
  fields_.append("\"").append(name).append("\": ").append(json);
}

}  // namespace cairn::bench

// Families: metrics as they are collected for one scrape, and their text for Prometheus.
//
// Owner:  one rendering (server/metrics.h).
// Thread: its owner's.
#ifndef CAIRN_SERVER_METRIC_FAMILIES_H_
#define CAIRN_SERVER_METRIC_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

#include "base/histogram.h"

namespace cairn::server {

struct Series {
  std::vector<prometheus::ClientMetric::Label> labels;
  double value;
};

// Appends metric families in the order of the calls.
class Families {
 public:
  template <typename T>
  void Counter(const char* name, const char* help, T value) {
    Add(name, help, prometheus::MetricType::Counter, {{{}, static_cast<double>(value)}});
  }
  template <typename T>
  void Gauge(const char* name, const char* help, T value) {
    Add(name, help, prometheus::MetricType::Gauge, {{{}, static_cast<double>(value)}});
  }
  void Counters(const char* name, const char* help, std::vector<Series> series) {
    Add(name, help, prometheus::MetricType::Counter, std::move(series));
  }
  void Gauges(const char* name, const char* help, std::vector<Series> series) {
    Add(name, help, prometheus::MetricType::Gauge, std::move(series));
  }
  // `unit`: the factor that each bound is multiplied by.
  void Histogram(const char* name, const char* help, const HistogramValues& values, double unit);

  std::string Render() const;

 private:
  void Add(const char* name, const char* help, prometheus::MetricType type,
           std::vector<Series> series);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace cairn::server

#endif  // CAIRN_SERVER_METRIC_FAMILIES_H_

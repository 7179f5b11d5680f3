#include "server/metric_families.h"

#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>

namespace cairn::server {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string Families::Render() const { return prometheus::TextSerializer().Serialize(families_); }

void Families::Add(const char* name, const char* help, MetricType type,
                   std::vector<Series> series) {
  MetricFamily& family = families_.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  for (Series& one : series) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = std::move(one.labels);
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = one.value;
  }
}

void Families::Histogram(const char* name, const char* help, const HistogramValues& values,
                         double unit) {
  MetricFamily& family = families_.emplace_back();
  family.name = name;
  family.help = help;
  family.type = MetricType::Histogram;
  ClientMetric::Histogram& histogram = family.metric.emplace_back().histogram;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < values.bounds.size(); ++i) {
    cumulative += values.buckets[i];
    histogram.bucket.push_back({cumulative, static_cast<double>(values.bounds[i]) * unit});
  }
  histogram.sample_count = values.Count();
  histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
  histogram.sample_sum = static_cast<double>(values.sum) * unit;
}

}  // namespace cairn::server

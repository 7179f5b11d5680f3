#include "admin-cli/command_line/flags.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <memory>

#include "admin-cli/printing/humane.h"

namespace cairn::admin {
namespace {

constexpr absl::Duration kUsualRepeat = absl::Seconds(2);
constexpr absl::Duration kLeastRepeat = absl::Milliseconds(100);

void ThrowIfBad(const std::string& name, const absl::Status& status) {
  const std::string text(status.message());
  if (!status.ok()) throw CLI::ValidationError(name + ": " + text);
}

}  // namespace

Flags Flags::Sub(const char* name, const char* text) {
  CLI::App* sub = app_.add_subcommand(name, text);
  // Global options are accepted after the command too.
  sub->fallthrough();
  sub->group("Commands");
  sub->footer("");
  return Flags(*sub, book_);
}

void Flags::WhenGiven(std::function<absl::Status()> then) {
  app_.callback([&book = book_, then = std::move(then)] { book.when_given = then; });
}

CLI::Option* Flags::Add(const char* names, const char* metavar, const char* text, Setter set) {
  const auto name = std::make_shared<std::string>();
  CLI::Option* option = app_.add_option_function<std::string>(
      names, [name, set](const std::string& value) { ThrowIfBad(*name, set(value)); }, text);
  *name = option->get_name();
  option->type_name(metavar);
  last_ = {option, std::move(set)};
  return option;
}

CLI::Option* Flags::Text(const char* names, const char* metavar, const char* text,
                         std::string& into) {
  return Add(names, metavar, text, [&into](const std::string& value) {
    into = value;
    return absl::OkStatus();
  });
}

CLI::Option* Flags::NonEmptyText(const char* names, const char* metavar, const char* text,
                                 std::string& into) {
  return Add(names, metavar, text, [&into](const std::string& value) {
    if (value.empty())
      return absl::InvalidArgumentError("it is empty: give a value, or leave it out");
    into = value;
    return absl::OkStatus();
  });
}

CLI::Option* Flags::Count(const char* names, const char* metavar, const char* text,
                          std::function<void(uint32_t)> set) {
  return Add(names, metavar, text, [set = std::move(set)](const std::string& value) {
    uint32_t count = 0;
    if (!absl::SimpleAtoi(value, &count)) {
      return absl::InvalidArgumentError(
          fmt::format("'{}' is not a number from 0 to 4294967295", value));
    }
    set(count);
    return absl::OkStatus();
  });
}

CLI::Option* Flags::Duration(const char* names, const char* text, absl::Duration& into) {
  return Add(names, "DURATION", text, [&into](const std::string& value) {
    const absl::StatusOr<absl::Duration> duration = ParseHumaneDuration(value);
    if (duration.ok()) into = *duration;
    return duration.status();
  });
}

CLI::Option* Flags::Range(const char* names, const char* text, admin::Range& into) {
  return Add(names, "RANGE", text, [&into](const std::string& value) {
    const absl::StatusOr<admin::Range> range = admin::Range::Parse(value);
    if (range.ok()) into = *range;
    return range.status();
  });
}

CLI::Option* Flags::Switch(const char* names, const char* text,
                           const std::function<void(bool)>& set) {
  CLI::Option* option = app_.add_flag_function(
      names, [set](int64_t count) { set(count > 0); }, text);
  last_ = {option, [set](const std::string& value) {
             const bool on = value == "true" || value == "1" || value == "yes" || value == "on";
             if (!on && value != "false" && value != "0" && value != "no" && value != "off") {
               return absl::InvalidArgumentError(fmt::format("'{}' is not true or false", value));
             }
             set(on);
             return absl::OkStatus();
           }};
  return option;
}

CLI::Option* Flags::Choice(const char* names, const char* metavar, const char* text,
                           std::vector<std::pair<std::string, std::function<void()>>> choices) {
  std::vector<std::string> values;
  values.reserve(choices.size());
  for (const auto& choice : choices) values.push_back(choice.first);
  const std::string list = fmt::format("{}", fmt::join(values, ", "));
  CLI::Option* option =
      Add(names, metavar, fmt::format("{}: {}", text, list).c_str(),
          [choices = std::move(choices), list](const std::string& value) {
            for (const auto& [name, choose] : choices) {
              if (name != value) continue;
              choose();
              return absl::OkStatus();
            }
            return absl::InvalidArgumentError(fmt::format("'{}' is none of {}", value, list));
          });
  book_.choices[option] = std::move(values);
  return option;
}

void Flags::Watch(absl::Duration& every) {
  Add("--watch", "SECS", "Repeat every SECS (2) until interrupted",
      [&every](const std::string& value) {
        const absl::StatusOr<absl::Duration> read =
            value.empty() ? kUsualRepeat : ParseHumaneDuration(value);
        if (read.ok()) every = std::max(*read, kLeastRepeat);
        return read.status();
      })
      ->expected(0, 1);
}

void Flags::WithFallback() { book_.fallbacks.push_back(last_); }

}  // namespace cairn::admin

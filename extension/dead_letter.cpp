#include "extension/dead_letter.h"

#include "common/json_slice.h"
#include "common/json_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace postlude::extension {
namespace {

using Json = nlohmann::json;

std::string json_text(std::string_view text) {
  return dump_json(Json(text));
}

std::string_view trimmed_end(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

enum class Drop { nothing, event, event_and_response };

/// The list of what is cut, with what is dropped now; a response that is gone is not cut as well.
std::string truncated_with(std::string_view truncated, Drop drop) {
  Json names = Json::array();
  if (const auto before = parse_json(truncated); before && before->is_array()) {
    names = *before;
  }
  if (drop == Drop::event_and_response) {
    names.erase(std::remove(names.begin(), names.end(), Json("response.body")), names.end());
  }
  names.emplace_back("event");
  if (drop == Drop::event_and_response) {
    names.emplace_back("response");
  }
  return dump_json(names);
}

/// What follows the event in the document: its members are few and bounded, unlike the event.
Result<std::string> rest_without(std::string_view after_event, Drop drop) {
  std::string object =
      "{" + std::string(after_event.substr(std::min<std::size_t>(1, after_event.size())));
  const auto members = slice_object(object);
  if (!members) {
    return fail("the task document: " + members.error().message);
  }
  std::string rest;
  for (const auto& [key, value] : *members) {
    const bool dropped = key == "response" && drop == Drop::event_and_response;
    rest += fmt::format(
        ",{}:{}",
        json_text(key),
        key == "truncated" ? truncated_with(value, drop) : std::string(dropped ? "null" : value));
  }
  return rest + "}";
}

}  // namespace

Result<std::string> dead_letter_body(const DeadLetter& letter, std::size_t limit) {
  const std::string head =
      fmt::format(R"({{"postlude":"deadLetter","version":1,"id":{},"state":{},"attempts":{},)"
                  R"("lastError":{},"task":{},"document":)",
                  json_text(letter.id),
                  json_text(letter.state),
                  letter.attempts,
                  letter.last_error ? json_text(*letter.last_error) : "null",
                  letter.definition);
  const std::string_view rest = trimmed_end(letter.after_event);
  const auto body = [&](std::string_view event, std::string_view after) {
    std::string text;
    text.reserve(head.size() + letter.before_event.size() + event.size() + after.size() + 1);
    return text.append(head).append(letter.before_event).append(event).append(after).append("}");
  };
  const std::size_t around = head.size() + letter.before_event.size() + 1;
  if (around + letter.event.size() + rest.size() <= limit) {
    return body(letter.event, rest);
  }
  std::size_t size = 0;
  for (const Drop drop : {Drop::event, Drop::event_and_response}) {
    const auto shorter = rest_without(rest, drop);
    if (!shorter) {
      return tl::unexpected(shorter.error());
    }
    std::string text = body("null", *shorter);
    size = text.size();
    if (size <= limit) {
      return text;
    }
  }
  return fail(fmt::format(
      "a dead letter without event and response has {} bytes, more than {}", size, limit));
}

}  // namespace postlude::extension

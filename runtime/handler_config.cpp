#include "runtime/handler_config.h"

#include "runtime/object_reader.h"

#include <array>

namespace postlude::runtime {

HandlerAction read_handler(const JsonNode& node, const TemplateReader& templates) {
  constexpr std::array<std::string_view, 1> kKeys{"event"};
  HandlerAction action;
  if (node.kind != JsonKind::object) {
    templates.problems().add_wrong_type(node, "\"handler\"", R"({} or {"event": ...})");
    return action;
  }
  const ObjectReader object(node, kKeys, templates.problems());
  if (const JsonNode* const event = object.find("event")) {
    action.event = templates.json(*event);
  }
  return action;
}

}  // namespace postlude::runtime

#include "tests/unit/extension/template_fixture.h"

#include "common/spool.h"

#include <doctest/doctest.h>

#include <sys/mman.h>

#include <algorithm>

namespace postlude::testing {

using extension::SecretKind;
using extension::TemplateFailure;

TemplateWorld::TemplateWorld() {
  record.id = "r-1/notify/1";
  record.key.request_id = "r-1";
  record.function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function";
  record.trace_id = "Root=1-a;Parent=b;Sampled=1";
  record.task.name = "notify";
}

TemplateWorld::TemplateWorld(std::string_view event) : TemplateWorld() {
  set_event(event);
}

void TemplateWorld::set_event(std::string_view event) {
  file_ = UniqueFd(::memfd_create("event", MFD_CLOEXEC));
  REQUIRE(file_.get() >= 0);
  REQUIRE(write_all(file_.get(), event, "event").has_value());
  bytes_ = event.size();
}

extension::TemplateSources TemplateWorld::sources() {
  constexpr std::int64_t kDeadline = 1775516157000;
  return {
      .record = record,
      .attempt = 2,
      .work_deadline = from_epoch_ms(kDeadline),
      .event = {file_.get(), bytes_},
      .response = response,
      .error = error,
      .environment = environment,
      .function_name = function_name,
      .secret = [this](SecretKind kind,
                       const std::string& name) -> tl::expected<std::string, TemplateFailure> {
        fetched.push_back((kind == SecretKind::secret ? "secret " : "parameter ") + name);
        if (name == "broken") {
          return tl::unexpected(
              TemplateFailure{"secretsmanager: HTTP 500", TemplateFailure::Next::retry});
        }
        const auto found = std::find_if(
            secrets.begin(), secrets.end(), [&](const auto& entry) { return entry.first == name; });
        if (found == secrets.end()) {
          return tl::unexpected(TemplateFailure{"not found", TemplateFailure::Next::missing});
        }
        return found->second;
      },
  };
}

std::string url_event(std::string_view content_type, std::string_view body_json) {
  std::string event =
      R"({"version":"2.0","rawPath":"/a/b","rawQueryString":"x=1&y=2&x=3&z=a%20b+c",)"
      R"("cookies":["a=1","b=2"],"headers":{"Content-Type":")";
  event.append(content_type);
  event.append(R"(","x-many":"1,2"},"queryStringParameters":{"x":"1,3"},)"
               R"("requestContext":{"http":{"method":"POST","path":"/a/b"}},"body":)");
  return event.append(body_json).append(R"(,"isBase64Encoded":false})");
}

}  // namespace postlude::testing

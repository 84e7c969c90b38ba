// Runs send, aws, dead letter and secret work for aws_peers.test.mjs, which is the network: JSON
// lines on standard input say what to do, {"request"} on standard output is answered by a line on
// standard input,
// {"result"} ends each piece of work. Region, credentials and endpoints come from the environment.

#include "common/base64.h"
#include "common/environment.h"
#include "common/json_text.h"
#include "extension/run_aws.h"
#include "extension/secret_values.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

namespace {

using Json = nlohmann::json;
using namespace postlude;
using namespace postlude::extension;

Json read_line() {
  std::string text;
  if (!std::getline(std::cin, text)) {
    return nullptr;
  }
  return Json::parse(text);
}

void write_line(const Json& line) {
  std::cout << dump_json(line) << "\n" << std::flush;
}

tl::expected<HttpAnswer, HttpFailure> over_stdio(const HttpRequest& request, EpochTime) {
  write_line({{"request",
               {{"method", request.method},
                {"tls", request.url.tls},
                {"host", request.url.host},
                {"port", request.url.port},
                {"target", request.url.target},
                {"fields", request.fields},
                {"body", base64_encode(request.body)}}}});
  const Json answer = read_line();
  if (!answer.contains("status")) {
    return tl::unexpected(HttpFailure{.kind = HttpFailure::Kind::unreachable, .why = "no answer"});
  }
  return HttpAnswer{.status = answer.at("status").get<int>(),
                    .fields = answer.at("fields").get<HttpFields>(),
                    .body = base64_decode(answer.at("body").get<std::string>()).value()};
}

Json result_line(const AttemptResult& result) {
  constexpr std::string_view kKinds[] = {"success", "failed", "refused", "stopped"};
  return {{"kind", kKinds[static_cast<std::size_t>(result.kind)]},
          {"why", result.why},
          {"retryAfterMs", result.retry_after ? Json(result.retry_after->count()) : Json(nullptr)}};
}

Json value_line(const SecretValues::Outcome& value) {
  return value ? Json{{"kind", "success"}, {"value", *value}}
               : Json{{"kind", "none"}, {"why", value.error().why}};
}

AwsAction action_of(const Json& work) {
  AwsAction action;
  action.service = work.at("service").get<std::string>();
  action.operation = work.value("operation", "");
  action.target = work.value("target", "");
  action.json_version = work.value("jsonVersion", "");
  action.signing_name = work.value("signingName", "");
  action.method = work.value("method", "");
  action.path = work.value("path", "");
  action.input = dump_json(work.value("input", Json::object()));
  return action;
}

class Driver {
 public:
  explicit Driver(const Environment& environment)
      : credentials_(environment), endpoints_(environment) {}

  Json run(const Json& work) {
    const AwsClient client(
        {.credentials = credentials_, .endpoints = endpoints_, .http = over_stdio});
    const EpochTime deadline = now() + std::chrono::minutes(1);
    const auto what = work.at("do").get<std::string>();
    if (what == "aws") {
      return result_line(run_aws(action_of(work), "Root=1-2", client, deadline));
    }
    if (what == "secret") {
      return value_line(values_.secret(work.at("name").get<std::string>(), client, deadline));
    }
    if (what == "parameter") {
      return value_line(values_.parameter(work.at("name").get<std::string>(), client, deadline));
    }
    return result_line(send(what, work, client, deadline));
  }

 private:
  static AttemptResult send(const std::string& what,
                            const Json& work,
                            const AwsClient& client,
                            EpochTime deadline) {
    const auto to = work.at("to").get<std::string>();
    const auto id = work.at("id").get<std::string>();
    const std::string body = work.value("body", "");
    const TaskMessage message{
        .task_id = id, .task_name = "report", .trace_id = "Root=1-2", .body = body, .at = now()};
    if (what == "send") {
      return run_send(to, message, client, deadline);
    }
    return send_dead_letter(to,
                            {.id = id,
                             .state = "failed",
                             .attempts = 3,
                             .last_error = "503",
                             .definition = R"({"name":"report"})",
                             .before_event = R"({"id":"1","event":)",
                             .event = body,
                             .after_event = R"(,"response":null,"truncated":null})"
                                            "\n"},
                            message,
                            client,
                            deadline);
  }

  Credentials credentials_;
  AwsEndpoints endpoints_;
  SecretValues values_;
};

}  // namespace

int main() {
  try {
    Driver driver(Environment::of_process());
    for (Json work = read_line(); !work.is_null(); work = read_line()) {
      write_line({{"result", driver.run(work)}});
    }
  } catch (const std::exception& error) {
    std::cerr << "aws_driver: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

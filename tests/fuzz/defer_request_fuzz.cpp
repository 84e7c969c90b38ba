// Any bytes as the body of POST .../tasks: never a crash, a refusal has a status of the contract
// and a message of one line, and what is accepted can be kept in a record and read back.
#include "common/json_text.h"
#include "common/spool_format.h"
#include "common/task_json.h"
#include "runtime/defer_request.h"
#include "runtime/task_config.h"
#include "tests/fuzz/require.h"

namespace {

using postlude::testing::require;

const std::vector<postlude::Task>& configured() {
  static const std::vector<postlude::Task> kTasks =
      postlude::runtime::parse_tasks(
          "T",
          R"([{"name":"mail","trigger":"demand","command":["bin/mail","${payload.to}"]},
              {"name":"audit","http":{"url":"https://example.com/","json":{"a":"${event.id}"}}}])")
          .value();
  return kTasks;
}

void check_record(const postlude::runtime::DeferRequest& request) {
  postlude::TaskRecord record;
  record.id = "r/" + request.task.name + "/1";
  record.key = {"r", 1};
  record.payload = request.payload;
  record.task = request.task;
  const auto back = postlude::decode_record(postlude::encode_record(record));
  require(back.has_value());
  require(back->payload == request.payload);
  require(postlude::task_to_json(back->task) == postlude::task_to_json(request.task));
  require(back->definition == postlude::task_to_json(request.task));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it by this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = postlude::testing::text_of(data, size);
  const auto request = postlude::runtime::parse_defer_request(body, configured());
  if (request) {
    require(postlude::check_json(request->payload).has_value());
    check_record(*request);
    return 0;
  }
  const auto& refusal = request.error();
  require(refusal.status == 400 || refusal.status == 404 || refusal.status == 413);
  require(!refusal.message.empty() && refusal.message.find('\n') == std::string::npos);
  return 0;
}

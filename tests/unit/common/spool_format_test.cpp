#include "common/spool_format.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace postlude {

namespace {

TaskRecord record() {
  TaskRecord result;
  result.id = "r1/report/3";
  result.key = {"r1", 7};
  result.deadline = from_epoch_ms(1775516174092);
  result.work_deadline = from_epoch_ms(1775516173592);
  result.function_arn = "arn:aws:lambda:eu-west-1:1:function:f";
  result.trace_id = "Root=1-2";
  result.tenant_id = "tenant";
  result.bodies = {"e", "r", "x", true, true};
  result.task.name = "report";
  result.task.timeout = Millis(1500);
  result.task.attempts = 4;
  result.task.action = CommandAction{{"bin/report", "--fast"}, {{"B", "2"}, {"A", "1"}}, "work"};
  return result;
}

}  // namespace

TEST_CASE("a record's name tells number, attempts, interruptions and mark, and reads back") {
  const RecordName name{numbers_of_generation(3) + 7, 2, 1, RecordMark::running};
  CHECK(format_record_name(name) == "000003-0000000007-2-1-r.task");
  CHECK(parse_record_name("000003-0000000007-2-1-r.task") == name);
  for (const auto mark : {RecordMark::waiting,
                          RecordMark::running,
                          RecordMark::spilling,
                          RecordMark::done,
                          RecordMark::failed,
                          RecordMark::spilled,
                          RecordMark::expired,
                          RecordMark::dropped}) {
    const RecordName large{numbers_of_generation(999999) + 4294967295, 100, 3, mark};
    CHECK(parse_record_name(format_record_name(large)) == large);
  }
}

TEST_CASE("names sort by acceptance") {
  std::set<std::string> names;
  for (const std::uint64_t number : {2U, 100U, 9U, 10U, 1U}) {
    names.insert(format_record_name({number, 0, 0}));
  }
  names.insert(format_record_name({numbers_of_generation(1) + 1, 0, 0}));
  const std::vector<std::string> sorted(names.begin(), names.end());
  CHECK(sorted == std::vector<std::string>{"000000-0000000001-0-0-q.task",
                                           "000000-0000000002-0-0-q.task",
                                           "000000-0000000009-0-0-q.task",
                                           "000000-0000000010-0-0-q.task",
                                           "000000-0000000100-0-0-q.task",
                                           "000001-0000000001-0-0-q.task"});
}

TEST_CASE("no other file is taken for a record") {
  for (const std::string file : {"",
                                 ".task",
                                 "1-7-2-1-q.task",
                                 "0000000007-2-1.task",
                                 "000001-0000000007-2-1-q.task.new",
                                 "000001-0000000007-2-1-q.task.damaged",
                                 "000001-0000000007-02-1-q.task",
                                 "000001-0000000007-2-1.task",
                                 "000001-0000000007-2-1-z.task",
                                 "000001-0000000007-2-1-qq.task",
                                 "000001-0000000007-2-1-.task",
                                 "000001-0000000007-2-1-0-q.task",
                                 "000001-0000000007--2-1-q.task",
                                 "000001-0000000007-2-1-q.tas",
                                 "x00001-0000000007-2-1-q.task",
                                 "000001-0000000007-2-1-q .task",
                                 "000001-4294967296-0-0-q.task",
                                 "4294967296-0000000007-0-0-q.task",
                                 "000001-99999999999999999999-0-0-q.task",
                                 "../000001-0000000007-2-1-q.task"}) {
    CAPTURE(file);
    CHECK_FALSE(parse_record_name(file));
  }
}

TEST_CASE("captured bodies have names of their own") {
  const std::uint64_t sequence = numbers_of_generation(2) + 1;
  CHECK(capture_name(sequence, Body::event) == "8589934593.event");
  CHECK(capture_name(sequence, Body::answer) == "8589934593.answer");
  CHECK(capture_name(sequence, Body::error) == "8589934593.error");
  for (const Body body : {Body::event, Body::answer, Body::error}) {
    CHECK(is_capture_name(capture_name(sequence, body)));
  }
  for (const char* other : {"",
                            ".event",
                            "x.event",
                            "01.event",
                            "1.event.new",
                            "1.events",
                            "-1.event",
                            "1 .event",
                            "99999999999999999999.event",
                            "000001-0000000001-0-0-q.task"}) {
    CAPTURE(other);
    CHECK_FALSE(is_capture_name(other));
  }
}

TEST_CASE("what an interrupted write or a damaged record leaves is known by its name") {
  const RecordName name{numbers_of_generation(1) + 1, 0, 0};
  CHECK(is_record_leftover(format_record_name(name) + std::string(kUnfinishedSuffix)));
  CHECK(is_record_leftover(damaged_record_name(name)));
  for (const char* other : {"",
                            ".new",
                            "notes.new",
                            "notes.damaged",
                            "000001-0000000001-0-0-q.task",
                            "000001-0000000001-0-0-q.task.new.new",
                            "1.event.new"}) {
    CAPTURE(other);
    CHECK_FALSE(is_record_leftover(other));
  }
}

TEST_CASE("a record survives being written and read") {
  const TaskRecord original = record();
  const auto copy = decode_record(encode_record(original));
  REQUIRE(copy);
  CHECK(copy->id == original.id);
  CHECK(copy->key == original.key);
  CHECK(copy->deadline == original.deadline);
  CHECK(copy->work_deadline == original.work_deadline);
  CHECK(copy->function_arn == original.function_arn);
  CHECK(copy->trace_id == original.trace_id);
  CHECK(copy->tenant_id == original.tenant_id);
  CHECK(copy->bodies.event == "e");
  CHECK(copy->bodies.response == "r");
  CHECK(copy->bodies.error == "x");
  CHECK(copy->bodies.response_has_prelude);
  CHECK(copy->bodies.response_truncated);
  CHECK(copy->task.name == "report");
  CHECK(copy->task.timeout == Millis(1500));
  CHECK(copy->task.attempts == 4);
  const auto& command = std::get<CommandAction>(copy->task.action);
  CHECK(command.argv == std::vector<std::string>{"bin/report", "--fast"});
  CHECK(command.env == std::vector<std::pair<std::string, std::string>>{{"B", "2"}, {"A", "1"}});
  CHECK(command.cwd == "work");
}

TEST_CASE("a tenant that is absent stays absent") {
  TaskRecord bare = record();
  bare.tenant_id.reset();
  const auto copy = decode_record(encode_record(bare));
  REQUIRE(copy);
  CHECK_FALSE(copy->tenant_id);
}

TEST_CASE("a record cut at any byte is an error, never a different task") {
  const std::string whole = encode_record(record());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(decode_record(std::string_view(whole).substr(0, size)));
  }
}

TEST_CASE("a record with any byte flipped is an error or a record of some task, never a crash") {
  const std::string whole = encode_record(record());
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char mask : {'\x01', '\x20', '\x40'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      refused += decode_record(damaged) ? 0 : 1;
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("a member that is missing or of the wrong type is named") {
  CHECK(decode_record("{}").error().message.find("'id'") != std::string::npos);
  std::string text = encode_record(record());
  const std::string member = "\"sequence\":7";
  text.replace(text.find(member), member.size(), R"("sequence":"7")");
  CHECK_FALSE(decode_record(text));
  CHECK_FALSE(decode_record("[]"));
  CHECK_FALSE(decode_record("null"));
}

TEST_CASE("environments have folders of their own, the same in every process") {
  const std::string one = environment_folder("2026/01/02/[$LATEST]0123456789abcdef");
  CHECK(one.size() == 16);
  CHECK(one == environment_folder("2026/01/02/[$LATEST]0123456789abcdef"));
  CHECK(one != environment_folder("2026/01/02/[$LATEST]0123456789abcdee"));
  CHECK(environment_folder("") == "cbf29ce484222325");
}

TEST_CASE("of a damaged record only what begins like one tells whose it was") {
  const std::string text = encode_record(record());
  const auto owner = owner_of_damaged(text);
  REQUIRE(owner);
  CHECK(owner->id == "r1/report/3");
  CHECK(owner->request_id == "r1");
  for (const char* other : {"",
                            "{}",
                            R"({"id":"")",
                            R"({"id":"r1/report/3")",
                            R"({"id":"r1/report/3","requestId":"r1)",
                            R"({"id":"r1/report/3","sequence":7,"requestId":"r1"})",
                            R"({"id":"report","requestId":"r1"})",
                            R"({"id":"/report/3","requestId":"r1"})",
                            R"({"id":"r1/report/","requestId":"r1"})",
                            R"({"id":"r1//3","requestId":"r1"})",
                            R"({"id":"r1/re\u0070ort/3","requestId":"r1"})",
                            R"({"requestId":"r1","id":"r1/report/3"})"}) {
    CAPTURE(other);
    CHECK_FALSE(owner_of_damaged(other));
  }
}

}  // namespace postlude

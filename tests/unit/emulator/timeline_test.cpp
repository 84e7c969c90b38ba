#include "tests/emulator/timeline.h"

#include <doctest/doctest.h>

namespace postlude::emulator {

TEST_CASE("everything is drawn to one scale: an init, the handler, tasks, and the release") {
  const InvocationTimes times{.init = 100, .answer_begin = 20, .answer_end = 20, .release = 100};
  CHECK(draw_timeline(times, {{"mail", "done", 40, ""}, {"audit", "failed", 5, "exit status 3"}}) ==
        "  init      =========================                           100 ms\n"
        "  handler                            =====                      20 ms, then the answer\n"
        "  mail                                    ----------            40 ms, done\n"
        "  audit                                   -                     5.0 ms, failed: exit "
        "status 3\n"
        "  released                                                   |  80 ms after the answer\n");
}

TEST_CASE("an answer that took time has a bar of its own") {
  const InvocationTimes times{.answer_begin = 10, .answer_end = 60, .release = 100};
  CHECK(draw_timeline(times, {}) ==
        "  handler   =====                                               10 ms, then the answer\n"
        "  answer         =========================                      50 ms\n"
        "  released                                                   |  40 ms after the answer\n");
}

TEST_CASE("an invocation without answer ends") {
  CHECK(draw_timeline({.answer_begin = {}, .answer_end = {}, .release = 3000}, {}) ==
        "  handler   ==================================================  3000 ms, no answer\n"
        "  ended                                                      |  3000 ms\n");
}

TEST_CASE("long names are cut, and of many tasks only the first are drawn") {
  const std::vector<TaskTime> tasks(30, {std::string(64, 'n'), "done", 1, ""});
  const std::string text =
      draw_timeline({.answer_begin = 1, .answer_end = 1, .release = 10}, tasks);
  CHECK(text.find(std::string(21, 'n')) == std::string::npos);
  CHECK(text.find(std::string(20, 'n')) != std::string::npos);
  CHECK(text.find("and 10 more tasks") != std::string::npos);
}

TEST_CASE("nothing at all takes no time, and is drawn") {
  CHECK(draw_timeline({.answer_begin = 0, .answer_end = 0, .release = 0}, {{"a", "done", 0, ""}})
            .find("released") != std::string::npos);
}

TEST_CASE("tasks are picked out of receipts, and belong to one invocation") {
  TaskTimes times;
  times.saw("a line of the function");
  times.saw(R"({"postlude":"log","message":"hello"})");
  times.saw(R"({"postlude":"receipt","tasks":[{"name":"a","state":"done","ms":7}]})");
  times.saw(R"({"postlude":"receipt","tasks":[{"name":"b","state":"failed","ms":1,"why":"x"}]})");
  times.saw(R"({"postlude":"receipt", cut)");
  // What a function may print.
  times.saw(R"({"postlude":"receipt","tasks":7})");
  times.saw(R"({"postlude":"receipt","tasks":[]})");
  const auto tasks = times.take();
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0].name == "a");
  CHECK(tasks[0].ms == 7);
  CHECK(tasks[1].why == "x");
  CHECK(times.take().empty());
}

TEST_CASE("a line that only looks like a receipt does no harm") {
  TaskTimes times;
  times.saw(R"({"postlude":"receipt","tasks":[1,{"ms":"x","name":2},{"name":"c"}]})");
  const auto tasks = times.take();
  REQUIRE(tasks.size() == 3);
  CHECK(tasks[1].name.empty());
  CHECK(tasks[1].ms == 0);
  CHECK(tasks[2].name == "c");
}

}  // namespace postlude::emulator

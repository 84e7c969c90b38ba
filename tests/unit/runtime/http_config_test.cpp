#include "runtime/http_config.h"

#include "tests/unit/runtime/tasks_cases.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace postlude::runtime {
namespace {

using testing::check_tasks_cases;
using testing::parse_valid_task;

HttpAction http_of(const std::string& members) {
  return std::get<HttpAction>(
      parse_valid_task(R"([{"name":"a","http":{)" + members + "}}]").action);
}

/// What is said about the members of an "http"; the first of them stands at 1:22.
std::string said_about(const std::string& members) {
  return testing::joined(check_tasks("T", R"([{"name":"a","http":{)" + members + "}}]"));
}

TEST_CASE("a request needs only its URL") {
  const HttpAction action = http_of(R"("url":"https://example.com/x")");
  CHECK(action.method == "POST");
  CHECK(action.url == "https://example.com/x");
  CHECK(action.headers.empty());
  CHECK_FALSE(action.json);
  CHECK_FALSE(action.body);
  CHECK(action.allow_hosts.empty());
}

TEST_CASE("every member of a request is read, with templates as they are written") {
  const HttpAction action =
      http_of(R"("method":"PUT","url":"${event.url}","headers":{"X-B":"${env.B}","X-A":""},)"
              R"("json": {"z": [1.50, 12345678901234567890123], "a": "$${x} ${event}"},)"
              R"("allowHosts":["hooks.slack.com"])");
  CHECK(action.method == "PUT");
  CHECK(action.url == "${event.url}");
  CHECK(action.headers ==
        std::vector<std::pair<std::string, std::string>>{{"X-B", "${env.B}"}, {"X-A", ""}});
  CHECK(action.json == R"({"z":[1.50,12345678901234567890123],"a":"$${x} ${event}"})");
  CHECK(action.allow_hosts == std::vector<std::string>{"hooks.slack.com"});
  CHECK(http_of(R"("url":"https://x/","body":"a\r\n${event}")").body == "a\r\n${event}");
  CHECK(http_of(R"("url":"https://x/","json":null)").json == "null");
}

TEST_CASE("methods are those of HTTP, in capitals") {
  for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}) {
    CHECK(http_of(R"("url":"https://x/","method":")" + method + '"').method == method);
  }
  CHECK(said_about(R"("url":"https://x/","method":"get")") ==
        "T:1:50: \"method\" is \"get\", did you mean \"GET\"?\n");
  CHECK(said_about(R"("url":"https://x/","method":"FETCH")") ==
        "T:1:50: \"method\" is \"FETCH\", expected \"GET\" or \"POST\" or \"PUT\" or \"PATCH\" or "
        "\"DELETE\" or \"HEAD\" or \"OPTIONS\"\n");
  CHECK(said_about(R"("url":"https://x/","method":1)") ==
        "T:1:50: \"method\" must be a string, found a number\n");
}

TEST_CASE("a URL is absolute, http or https") {
  for (const std::string url : {"http://localhost:8080",
                                "HTTPS://Example.com?a=b",
                                "https://[::1]:443/x",
                                "https://x/$${a}",
                                "https://x/${event.a}/b?c=${event['d e']}"}) {
    CHECK(http_of(R"("url":")" + url + '"').url == url);
  }
  const std::vector<std::pair<std::string, std::string>> cases{
      {"",
       R"(T:1:47: "url" is "", expected an absolute http or https URL, or one that begins with a reference)"},
      {"example.com",
       R"(T:1:47: "url" is "example.com", expected an absolute http or https URL, or one that begins with a reference)"},
      {"file:///x",
       R"(T:1:47: "url" is "file:///x", expected an absolute http or https URL, or one that begins with a reference)"},
      {"https:///x", R"(T:1:47: "url" is "https:///x": the URL has no host)"},
      {"https://u:p@x/",
       R"(T:1:47: "url" is "https://u:p@x/": the URL has a user name; send credentials in a header)"},
      {"https://x:65536/",
       R"(T:1:47: "url" is "https://x:65536/": the URL's port is not a number from 1 to 65535)"},
      {"https://x:/",
       R"(T:1:47: "url" is "https://x:/": the URL's port is not a number from 1 to 65535)"},
      {"https://a%62/",
       R"(T:1:47: "url" is "https://a%62/": the URL's host has a character that no host name has)"},
      {"https://[::1/", R"(T:1:47: "url" is "https://[::1/": the URL's host has a [ without ])"},
      {"https://x/a b", R"(T:1:47: "url" is "https://x/a b": the URL has a space)"},
      {"https://x/${event.a}#f",
       R"(T:1:47: "url" is "https://x/${event.a}#f": the URL has a fragment (#), which is never sent)"},
      {"https://${event.a}/b c",
       R"(T:1:47: "url" is "https://${event.a}/b c": the URL has a space)"},
  };
  for (const auto& [url, problem] : cases) {
    CHECK(said_about(R"("allowHosts":["x"],"url":")" + url + '"') == problem + "\n");
  }
  CHECK(said_about("") == "T:1:21: the key \"url\" is missing\n");
  CHECK(said_about(R"("uri":"https://x/")") ==
        "T:1:22: unknown key \"uri\", did you mean \"url\"?\n");
}

TEST_CASE("a host that comes from a template must be listed and its scheme https") {
  const std::string unlisted =
      R"(T:1:28: "url": a template is part of its host, which needs "allowHosts" such as )"
      R"(["hooks.slack.com"] (a literal host ends with "/" before the template))"
      "\n";
  for (const std::string url : {"${request.body.response_url}",
                                "${event.a}/x",
                                "https://${event.host}/x",
                                "https://api.${env.DOMAIN}",
                                "https://example.com${request.path}",
                                "https://example.com:${event.port}/"}) {
    CHECK(said_about(R"("url":")" + url + '"') == unlisted);
    CHECK(said_about(R"("url":")" + url + R"(","allowHosts":["x"])") == "");
  }
  CHECK(said_about(R"("url":"http://${event.host}/","allowHosts":["x"])") ==
        "T:1:28: \"url\" must be https where a template is part of its host\n");
  CHECK(said_about(R"("url":"x${event.host}","allowHosts":["x"])") ==
        R"(T:1:28: "url" is "x${event.host}", expected an absolute http or https URL, or one that )"
        "begins with a reference\n");
}

TEST_CASE("headers are named by tokens, once, and never those of the connection") {
  const std::string url = R"("url":"https://x/","headers":)";
  CHECK(said_about(url + R"(["X-A: 1"])") ==
        "T:1:51: \"headers\" must be an object of strings, found an array\n");
  CHECK(said_about(url + R"({"X A":"1","":"2","${event.a}":"3"})") ==
        "T:1:52: \"X A\" is no name of a header\n"
        "T:1:62: \"\" is no name of a header\n"
        "T:1:69: \"${event.a}\" is no name of a header: it may hold no template, its value may\n");
  for (const std::string name : {"Host",
                                 "content-length",
                                 "TRANSFER-ENCODING",
                                 "Connection",
                                 "Expect",
                                 "Upgrade",
                                 "TE",
                                 "Trailer"}) {
    CHECK(said_about(fmt::format(R"({}{{"{}":"1"}})", url, name)) ==
          fmt::format("T:1:52: the header \"{}\" is not yours to set: the connection needs it\n",
                      name));
  }
  CHECK(said_about(url + R"({"X-A":"1","x-a":"2","X-A":"3"})") ==
        "T:1:62: the header \"x-a\" comes twice, the first is \"X-A\" at 1:52\n"
        "T:1:72: duplicate key \"X-A\", the first is at 1:52\n"
        "T:1:72: the header \"X-A\" comes twice, the first is \"x-a\" at 1:62\n");
  CHECK(said_about(url + R"({"X-A":"a\r\nB: c","X-B":1,"X-C":"a\u0000"})") ==
        "T:1:60: the header \"X-A\" holds a carriage return\n"
        "T:1:76: the header \"X-B\" must be a string, found a number\n"
        "T:1:86: the header \"X-C\" holds a NUL character\n");
}

TEST_CASE("a request has one body") {
  CHECK(said_about(R"("url":"https://x/","json":1,"body":"1")") ==
        "T:1:50: \"body\" stands beside \"json\" at 1:41, a request has one body\n");
  CHECK(said_about(R"("url":"https://x/","body":"1","json":1)") ==
        "T:1:52: \"json\" stands beside \"body\" at 1:41, a request has one body\n");
  CHECK(said_about(R"("url":"https://x/","body":{"a":1})") ==
        "T:1:48: \"body\" must be a string (\"json\" takes any other value), found an object\n");
}

TEST_CASE("templates stand in values of JSON, at any depth, and never in its keys") {
  CHECK(said_about(R"("url":"https://x/","json":{"a":[{"${event.b}":"${evnt}"}]})") ==
        "T:1:55: the key \"${event.b}\" holds a template: only values may\n"
        "T:1:71: template: unknown source \"evnt\", did you mean \"event\"?\n");
  CHECK(said_about(R"("url":"https://x/","json":{"a":{"b":1,"b":2}})") ==
        "T:1:60: duplicate key \"b\", the first is at 1:54\n");
}

TEST_CASE("listed hosts are strings without templates") {
  const std::string url = R"("url":"https://x/","allowHosts":)";
  CHECK(said_about(url + "[]") == "T:1:54: \"allowHosts\" is empty, it must name a host\n");
  CHECK(said_about(url + R"("x")") ==
        "T:1:54: \"allowHosts\" must be an array of strings, found a string\n");
  CHECK(said_about(url + R"([1,"${env.A}"])") ==
        "T:1:55: allowHosts[0] must be a string, found a number\n"
        "T:1:58: allowHosts[1] may hold no template\n");
  CHECK(said_about(url + R"(["https://x","10.0.0.1/8","*.example.com","fd00::/8"])") ==
        "T:1:55: allowHosts[0]: \"https://x\" is not a range of addresses like 10.0.0.0/8\n"
        "T:1:67: allowHosts[1]: \"10.0.0.1/8\" has bits set after its first 8\n");
}

TEST_CASE("only an object describes a request") {
  check_tasks_cases(
      {{R"([{"name":"a","http":"https://x/"}])",
        {R"(T:1:21: "http" must be an object such as {"url": "https://..."}, found a )"
         "string"}}});
}

}  // namespace
}  // namespace postlude::runtime

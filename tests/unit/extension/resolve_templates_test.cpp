#include "extension/resolve_templates.h"

#include "common/json_text.h"
#include "extension/json_escape.h"
#include "extension/json_filter.h"
#include "tests/unit/extension/template_fixture.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace postlude::extension {
using Json = nlohmann::json;

namespace {

using Next = TemplateFailure::Next;
using testing::TemplateWorld;
using testing::url_event;

HttpAction http_url(std::string_view url) {
  HttpAction http;
  http.url = url;
  return http;
}

HttpAction http_header(std::string_view value) {
  HttpAction http = http_url("https://a.example/");
  http.headers = {{"X-A", std::string(value)}};
  return http;
}

HttpAction http_json(std::string_view json) {
  HttpAction http = http_url("https://a.example/");
  http.json = json;
  return http;
}

HttpAction http_body(std::string_view body) {
  HttpAction http = http_url("https://a.example/");
  http.body = body;
  return http;
}

AwsAction aws_path(std::string_view path) {
  AwsAction aws;
  aws.path = path;
  return aws;
}

AwsAction aws_input(std::string_view input) {
  AwsAction aws;
  aws.input = input;
  return aws;
}

template <class Kind>
Kind resolved(const Kind& action, TemplateWorld& world) {
  const auto result = resolve_templates(action, world.sources());
  REQUIRE_MESSAGE(result.has_value(), result.error().why);
  return std::get<Kind>(*result);
}

TemplateFailure failure(const Action& action, TemplateWorld& world) {
  const auto result = resolve_templates(action, world.sources());
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

std::string json_of(std::string_view text, TemplateWorld& world) {
  return *resolved(http_json(text), world).json;
}

std::string json_failure(std::string_view text, TemplateWorld& world) {
  return failure(HandlerAction{.event = std::string(text)}, world).why;
}

std::string url_of(std::string_view text, TemplateWorld& world) {
  return resolved(http_url(text), world).url;
}

std::string url_failure(std::string_view text, TemplateWorld& world) {
  return failure(http_url(text), world).why;
}

/// An event with that value at "v".
std::string event_with(std::string_view value) {
  return R"({"v":)" + json_string(value) + "}";
}

TEST_CASE("an action without templates stays as it is and nothing is read") {
  TemplateWorld world;
  HttpAction action = http_url("https://a.example/$x?{y}");
  action.json = R"({"a": "$5"})";
  CHECK_FALSE(has_templates(action));
  CHECK(resolved(action, world).json == action.json);
  CHECK_FALSE(has_templates(HandlerAction{}));
  CHECK_FALSE(has_templates(SendAction{.to = "arn", .body = {}}));
}

TEST_CASE("templates are seen in every place that may have them") {
  const std::string text = "${event.v}";
  const std::string json = R"({"a":"${event.v}"})";
  CHECK(has_templates(CommandAction{.argv = {"a", text}, .env = {}, .cwd = {}}));
  CHECK(has_templates(CommandAction{.argv = {"a"}, .env = {{"A", text}}, .cwd = {}}));
  CHECK(has_templates(CommandAction{.argv = {"a"}, .env = {}, .cwd = text}));
  CHECK(has_templates(http_url(text)));
  CHECK(has_templates(http_header(text)));
  CHECK(has_templates(http_body(text)));
  CHECK(has_templates(http_json(json)));
  CHECK(has_templates(SendAction{.to = text, .body = {}}));
  CHECK(has_templates(SendAction{.to = "arn", .body = json}));
  CHECK(has_templates(aws_path(text)));
  CHECK(has_templates(aws_input(json)));
  CHECK(has_templates(HandlerAction{.event = json}));
  CHECK(has_templates(HandlerAction{.event = R"("\u0024{event.v}")"}));
}

TEST_CASE("every source gives its values") {
  TemplateWorld world(url_event("application/json", R"("{\"user\":{\"id\":7}}")"));
  world.response =
      R"({"statusCode":200,"headers":{},"cookies":[],"body":"{\"ok\":true}","isBase64Encoded":false})";
  world.error = R"({"errorType":"E","errorMessage":"m"})";
  world.record.payload = R"({"p":[1,2]})";
  world.environment.set("STAGE", "prod");
  world.secrets = {{"slack", R"({"token":"t-1","n":5})"}, {"/db/url", "db://x"}};
  CHECK(json_of(R"(["${event.rawPath}","${request.body.user.id}","${request.query.y}",)"
                R"("${response.body.ok}","${response.statusCode}","${error.errorType}",)"
                R"("${payload.p.1}","${payload}","${env.STAGE}","${secret['slack'].token}",)"
                R"("${secret['slack'].n}","${ssm['/db/url']}"])",
                world) == R"(["/a/b",7,"2",true,200,"E",2,{"p":[1,2]},"prod","t-1",5,"db://x"])");
  CHECK(world.fetched == std::vector<std::string>{"secret slack", "parameter /db/url"});
  CHECK(json_of(R"("${secret['slack']}")", world) == R"("{\"token\":\"t-1\",\"n\":5}")");
}

TEST_CASE("context has what identifies the task") {
  TemplateWorld world;
  world.record.tenant_id = "t";
  CHECK(json_of(R"(["${context.id}","${context.requestId}","${context.functionArn}",)"
                R"("${context.functionName}","${context.traceId}","${context.tenantId}",)"
                R"("${context.deadlineMs}","${context.task}","${context.attempt}"])",
                world) ==
        R"(["r-1/notify/1","r-1","arn:aws:lambda:eu-west-1:123456789012:function:my-function",)"
        R"("my-function","Root=1-a;Parent=b;Sampled=1","t",1775516157000,"notify",2])");
  world.record.tenant_id.reset();
  CHECK(json_failure(R"("${context.tenantId}")", world) ==
        "handler.event: ${context.tenantId} is missing in the context");
}

TEST_CASE("a string that is one reference becomes the value, in a larger one it is text") {
  TemplateWorld world(R"({"s":"a\"b","n":1.50,"t":true,"z":null,"o":{ "k" : [1, "x y"] }})");
  CHECK(
      json_of(
          R"({"s":"${event.s}","n":"${event.n}","t":"${event.t}","z":"${event.z}","o":"${event.o}"})",
          world) == R"({"s":"a\"b","n":1.50,"t":true,"z":null,"o":{"k":[1,"x y"]}})");
  CHECK(json_of(R"("<${event.s}|${event.n}|${event.t}|${event.z}|${event.o}>")", world) ==
        R"("<a\"b|1.50|true|null|{\"k\":[1,\"x y\"]}>")");
  CHECK(resolved(http_body("${event.s} ${event.o}"), world).body == R"(a"b {"k":[1,"x y"]})");
}

TEST_CASE("the JSON around values stays as it was written") {
  TemplateWorld world(R"({"a":1})");
  CHECK(
      json_of(
          R"({ "z": 1.0, "a": "${event.a}", "${event.a}": "k", "b": [ 1e5 , "x" ], "q": "\u00e4" })",
          world) ==
      R"({ "z": 1.0, "a": 1, "${event.a}": "k", "b": [ 1e5 , "x" ], "q": "\u00e4" })");
  CHECK(json_of(R"(["$${event.a}","\u0024{event.a}","\\${event.a}","$\u007bevent.a}"])", world) ==
        R"(["${event.a}",1,"\\1",1])");
}

TEST_CASE("a fallback applies to what is missing or null, and is text") {
  TemplateWorld world(R"({"z":null,"e":"","f":false})");
  CHECK(
      json_of(
          R"(["${event.none:-5}","${event.z:-x}","${event.e:-x}","${event.f:-x}","a${event.none.b:-}b"])",
          world) == R"(["5","x","",false,"ab"])");
  CHECK(json_of(R"("${secret['none']:-fallback}")", world) == "\"fallback\"");
  CHECK(json_of(R"("${env.NONE:-a\"\\\\\nb}")", world) == R"("a\"\\\nb")");
}

TEST_CASE("what is missing fails at once, naming place and reference") {
  TemplateWorld world(R"({"a":1})");
  const TemplateFailure url = failure(http_url("${request.body.response_url}"), world);
  CHECK(url.why ==
        "http.url: ${request.body.response_url} is missing in the event (it is no event of an HTTP "
        "request that is known here)");
  CHECK(url.next == Next::fail);
  CHECK(failure(CommandAction{.argv = {"a", "-x${event.b}"}, .env = {}, .cwd = {}}, world).why ==
        "command.argv[1]: ${event.b} is missing in the event");
  CHECK(failure(CommandAction{.argv = {"a"}, .env = {{"K", "${env.N}"}}, .cwd = {}}, world).why ==
        "command.env.K: ${env.N} is missing in the environment");
  CHECK(failure(http_header("${response.a}"), world).why ==
        "http.headers.X-A: ${response.a} is missing in the response");
  CHECK(failure(SendAction{.to = "${payload.arn}", .body = {}}, world).why ==
        "send.to: ${payload.arn} is missing in the payload");
  CHECK(failure(aws_path("/${error.a}"), world).why ==
        "aws.path: ${error.a} is missing in the error");
  CHECK(json_failure(R"("${secret['none']}")", world) ==
        "handler.event: ${secret['none']} is missing in Secrets Manager (not found)");
}

TEST_CASE("a secret that cannot be fetched now is worth another attempt, also with a fallback") {
  TemplateWorld world;
  const auto result = failure(HandlerAction{.event = R"("${secret['broken']:-x}")"}, world);
  CHECK(result.next == Next::retry);
  CHECK(result.why == "secret['broken']: secretsmanager: HTTP 500");
}

TEST_CASE("a value over 1 MiB fails, naming the limit") {
  TemplateWorld world(event_with(std::string(kMaxTemplateValueBytes, 'x')));
  CHECK(json_failure(R"("${event}")", world) == "handler.event: ${event} is larger than 1 MiB");
  CHECK(json_failure(R"("${event.v:-x}")", world) ==
        "handler.event: ${event.v} is larger than 1 MiB");
}

TEST_CASE("an action is bounded with its values") {
  TemplateWorld world(event_with(std::string(kMaxTemplateValueBytes - 2, 'x')));
  std::string text = "\"";
  for (int i = 0; i < 7; ++i) {
    text += "${event.v}";
  }
  CHECK(json_of(text + "\"", world).size() == 7 * (kMaxTemplateValueBytes - 2) + 2);
  CHECK(json_failure(text + "${event.v}${event.v}\"", world) ==
        "handler.event: larger than 8 MiB with its values");
}

TEST_CASE("in a URL a value cannot leave its place") {
  TemplateWorld world(
      R"({"id":"a/b?c#d@e:f%&= ü\r\n","n":5,"dots":"..","dot":".","host":"h.example"})");
  CHECK(url_of("https://a.example/${event.id}?q=${event.id}&n=${event.n}", world) ==
        "https://a.example/a%2Fb%3Fc%23d%40e%3Af%25%26%3D%20%C3%BC%0D%0A"
        "?q=a%2Fb%3Fc%23d%40e%3Af%25%26%3D%20%C3%BC%0D%0A&n=5");
  CHECK(url_of("https://${event.host}/x", world) == "https://h.example/x");
  CHECK(url_of("https://${event.id}/x", world).find("https://a%2Fb") == 0);
  CHECK(url_of("https://a.example/?p=${event.dots}", world) == "https://a.example/?p=..");
  CHECK(url_of("https://a.example/v${event.dots}", world) == "https://a.example/v..");
  for (const char* const url : {"https://a.example/a/${event.dots}/b",
                                "https://a.example/a/${event.dots}",
                                "https://a.example/a/.${event.dot}?x",
                                "https://a.example/${event.dot}${event.dot}/"}) {
    CHECK(url_failure(url, world) ==
          "http.url: a value makes \".\" or \"..\" a segment of the path");
  }
}

TEST_CASE("a reference at the start of a URL is the URL") {
  TemplateWorld world(R"({"u":"https://hooks.example/a?b=c","s":"a b"})");
  CHECK(url_of("${event.u}", world) == "https://hooks.example/a?b=c");
  CHECK(url_of("${event.u}&d=${event.s}", world) == "https://hooks.example/a?b=c&d=a%20b");
  for (const std::string_view wrong : {"/relative",
                                       "ftp://a.example/",
                                       "javascript:alert(1)",
                                       "//a.example/",
                                       "://a",
                                       "https://",
                                       "",
                                       " https://a.example/",
                                       "https://a.example/ b",
                                       "https://a.example/\r\nX: y",
                                       "https://a.example/\t",
                                       "https://a.example/\x7f"}) {
    world.set_event(event_with(wrong));
    CHECK_MESSAGE(url_failure("${event.v}", world) ==
                      "http.url: with its values it is no absolute http or https URL",
                  wrong);
  }
  world.set_event(R"({"v":"https://a.example/\u0000"})");
  CHECK(url_failure("${event.v}", world).find("http.url: with its") == 0);
}

TEST_CASE("a header takes no control characters, an argument no CR, LF or NUL") {
  for (const std::string_view value : {"a\r\nX: y", "a\nb", "a\rb"}) {
    TemplateWorld world(event_with(value));
    const HttpAction http = http_header("b ${event.v}");
    CHECK(failure(http, world).why ==
          "http.headers.X-A: ${event.v} has a control character, which no header can have");
    CHECK(failure(CommandAction{.argv = {"${event.v}"}, .env = {}, .cwd = {}}, world).why ==
          "command.argv[0]: ${event.v} has a CR, LF or NUL character");
    CHECK(
        failure(CommandAction{.argv = {"a"}, .env = {{"A", "${event.v}"}}, .cwd = {}}, world).why ==
        "command.env.A: ${event.v} has a CR, LF or NUL character");
    CHECK(failure(CommandAction{.argv = {"a"}, .env = {}, .cwd = "/${event.v}"}, world).why ==
          "command.cwd: ${event.v} has a CR, LF or NUL character");
    CHECK(failure(SendAction{.to = "arn:${event.v}", .body = {}}, world).next == Next::fail);
  }
  TemplateWorld world(R"({"v":"a\u0000b","t":"tab\tquote\"ü","bell":"\u0007"})");
  CHECK_FALSE(resolve_templates(http_header("${event.v}"), world.sources()));
  CHECK_FALSE(resolve_templates(CommandAction{.argv = {"${event.v}"}, .env = {}, .cwd = {}},
                                world.sources()));
  CHECK_FALSE(resolve_templates(http_header("${event.bell}"), world.sources()));
  CHECK(resolved(http_header("${event.t}"), world).headers.front().second == "tab\tquote\"ü");
  const CommandAction literal{.argv = {"sh", "-c", "a\nb ${event.t}"}, .env = {}, .cwd = {}};
  CHECK(resolved(literal, world).argv[2] == "a\nb tab\tquote\"ü");
}

TEST_CASE("the path of an AWS call keeps its segments") {
  TemplateWorld world(R"({"v":"a/../b?c"})");
  CHECK(resolved(aws_path("/x/${event.v}"), world).path == "/x/a%2F..%2Fb%3Fc");
  world.set_event(R"({"v":".."})");
  CHECK(failure(aws_path("/x/${event.v}/y"), world).next == Next::fail);
}

TEST_CASE("no value breaks out of a JSON text") {
  for (const std::string_view value : {"\"",
                                       "\\",
                                       "\\\"",
                                       "\"}",
                                       R"(","admin":true,"x":")",
                                       "\r\n\t\b\f\x01\x1f\x7f",
                                       "${env.SECRET}",
                                       "$${",
                                       "</script>\xe2\x80\xa8",
                                       "😀ä"}) {
    TemplateWorld world(event_with(value));
    world.environment.set("SECRET", "s3cret");
    const auto json = parse_json(json_of(
        R"({"one":"${event.v}","in":"<${event.v}>","in_twice":"${event.v}${event.v}"})", world));
    REQUIRE(json.has_value());
    CHECK(json->size() == 3);
    CHECK(json->at("one") == std::string(value));
    CHECK(json->at("in") == "<" + std::string(value) + ">");
    CHECK(json->at("in_twice") == std::string(value) + std::string(value));
  }
}

TEST_CASE("keys, objects and bytes of a hostile value stay within it") {
  TemplateWorld world(R"({"v":{"a\"b":"\u0000\"","__proto__":[]}})");
  const auto json = parse_json(json_of(R"({"o":"${event.v}","t":"${event.v}"})", world));
  REQUIRE(json.has_value());
  CHECK(json->at("o") == parse_json(R"({"a\"b":"\u0000\"","__proto__":[]})").value());
  const auto text = parse_json(json_of(R"({"t":"x${event.v}"})", world));
  REQUIRE(text.has_value());
  CHECK(text->at("t") == R"(x{"a\"b":"\u0000\"","__proto__":[]})");
}

TEST_CASE("invalid text in the event is missing, in the environment it is replaced") {
  for (const std::string_view event :
       {"{\"v\":\"\xff\"}", "{\"v\":\"a\nb\"}", R"({"v":tru})", R"({"v":"a)"}) {
    TemplateWorld world(event);
    CHECK_MESSAGE(json_failure(R"("${event.v}")", world)
                          .find("handler.event: ${event.v} is missing in the event (") == 0,
                  event);
  }
  TemplateWorld world;
  world.environment.set("BAD", "a\xff\"");
  CHECK(json_of(R"("${env.BAD}")", world) == "\"a\xef\xbf\xbd\\\"\"");
}

TEST_CASE("half a surrogate pair in the event is U+FFFD in every place") {
  TemplateWorld world(R"({"v":"a\ud800b\udc00"})");
  CHECK(json_of(R"(["${event.v}"])", world) == R"(["a\ufffdb\ufffd"])");
  CHECK(json_of(R"("x${event.v}")", world) ==
        "\"xa\xef\xbf\xbd"
        "b\xef\xbf\xbd\"");
  CHECK(url_of("https://a.example/${event.v}", world) == "https://a.example/a%EF%BF%BDb%EF%BF%BD");
}

TEST_CASE("a value of nearly 1 MiB goes through every place") {
  const std::string big(kMaxTemplateValueBytes - 2, 'x');
  TemplateWorld world(event_with(big));
  CHECK(url_of("https://a.example/${event.v}", world).size() == big.size() + 18);
  CHECK(json_of(R"("${event.v}")", world).size() == big.size() + 2);
  const CommandAction command{.argv = {"${event.v}"}, .env = {}, .cwd = {}};
  CHECK(resolved(command, world).argv[0] == big);
}

TEST_CASE("a template that does not parse fails with its place") {
  TemplateWorld world;
  CHECK(failure(http_url("https://a.example/${evet.a}"), world).why ==
        "http.url: offset 20: unknown source \"evet\", did you mean \"event\"?");
  CHECK(json_failure(R"({"a":"${"})", world).find("handler.event: offset 2:") == 0);
  CHECK(json_failure(R"({"a":"${event}")", world).find("handler.event: offset") == 0);
}

}  // namespace
}  // namespace postlude::extension

#include "common/template.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace postlude {
namespace {

using Path = std::vector<std::string>;

TemplateText parsed(std::string_view text) {
  const auto result = parse_template(text);
  REQUIRE_MESSAGE(result.has_value(), text, ": ", result.error().message);
  return *result;
}

Reference only(std::string_view text) {
  const TemplateText result = parsed(text);
  const Reference* const reference = result.single();
  REQUIRE(reference != nullptr);
  return *reference;
}

/// "offset: message"
std::string problem(std::string_view text) {
  const auto result = parse_template(text);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message.find('\n') == std::string::npos);
  return std::to_string(result.error().offset) + ": " + result.error().message;
}

std::string literal(std::string_view text) {
  const TemplateText result = parsed(text);
  CHECK(result.literal());
  CHECK(result.single() == nullptr);
  std::string all;
  for (const auto& part : result.parts) {
    all += std::get<std::string>(part);
  }
  return all;
}

bool starts_with(const std::string& text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

TEST_CASE("text without references stays as it is") {
  CHECK(literal("").empty());
  CHECK(parsed("").parts.empty());
  CHECK(literal("plain $5 {a} } $ text$") == "plain $5 {a} } $ text$");
  CHECK(parsed("a$${b}$${c}").parts.size() == 1);
}

TEST_CASE("$${ is a literal ${ and a $ before anything else is itself") {
  CHECK(literal("$${event.a}") == "${event.a}");
  CHECK(literal("$$${") == "$${");
  CHECK(literal("a$${b$${") == "a${b${");
  CHECK(literal("$$a$}") == "$$a$}");
  const TemplateText mixed = parsed("${event}$${x}");
  REQUIRE(mixed.parts.size() == 2);
  CHECK(std::get<std::string>(mixed.parts[1]) == "${x}");
}

TEST_CASE("a path is made of names, indexes and quoted keys") {
  CHECK(only("${event}").path.empty());
  CHECK(only("${event.a.0.b}").path == Path{"a", "0", "b"});
  CHECK(only("${event.a[0].b}").path == Path{"a", "0", "b"});
  CHECK(only("${event['x.y']['z w'].a}").path == Path{"x.y", "z w", "a"});
  CHECK(only(R"(${event['it\'s']['back\\slash']['\d']['}']})").path ==
        Path{"it's", "back\\slash", "\\d", "}"});
  CHECK(only("${event['']}").path == Path{""});
  CHECK(only("${request.headers.x-forwarded-for}").path == Path{"headers", "x-forwarded-for"});
  CHECK(only("${event.größe}").path == Path{"größe"});
  CHECK(only("${event.a-}").path == Path{"a-"});
  CHECK(only("${event.a['b c']:-x}").text == "event.a['b c']");
}

TEST_CASE("each source has a name") {
  CHECK(only("${event.a}").source == ReferenceSource::event);
  CHECK(only("${request}").source == ReferenceSource::request);
  CHECK(only("${request.body.user.name}").source == ReferenceSource::request);
  CHECK(only("${response.statusCode}").source == ReferenceSource::response);
  CHECK(only("${payload}").source == ReferenceSource::payload);
  CHECK(only("${error.errorType}").source == ReferenceSource::error);
  CHECK(only("${context.requestId}").source == ReferenceSource::context);
  CHECK(only("${env.TABLE_NAME}").path == Path{"TABLE_NAME"});
  CHECK(only("${secret['prod/slack']}").path == Path{"prod/slack"});
  CHECK(only("${secret['prod/slack'].token}").path == Path{"prod/slack", "token"});
  CHECK(only("${ssm['/a/b']}").path == Path{"/a/b"});
}

TEST_CASE("a fallback is text up to the first brace") {
  CHECK_FALSE(only("${event.a}").fallback.has_value());
  CHECK(only("${event.a:-}").fallback == "");
  CHECK(only("${event.a:-none at all: 'x' \"y\" $5 :-}").fallback ==
        "none at all: 'x' \"y\" $5 :-");
  CHECK(only(R"(${event.a:-\{"b":\{\}\}})").fallback == R"({"b":{}})");
  CHECK(only(R"(${event.a:-C:\dir\\})").fallback == R"(C:\dir\)");
  CHECK(only("${event.a:-two\nlines}").fallback == "two\nlines");
}

TEST_CASE("text and references take turns") {
  const TemplateText result = parsed("a${event.b}${env.C:-d}e");
  REQUIRE(result.parts.size() == 4);
  CHECK(std::get<std::string>(result.parts[0]) == "a");
  CHECK(std::get<Reference>(result.parts[1]).text == "event.b");
  CHECK(std::get<Reference>(result.parts[2]).fallback == "d");
  CHECK(std::get<std::string>(result.parts[3]) == "e");
  CHECK(result.single() == nullptr);
  CHECK_FALSE(result.literal());
}

TEST_CASE("an unknown source is reported where it stands, with a guess") {
  CHECK(problem("ab ${reqxest.path}") ==
        "5: unknown source \"reqxest\", did you mean \"request\"?");
  CHECK(problem("${evennt}") == "2: unknown source \"evennt\", did you mean \"event\"?");
  CHECK(problem("${banana}") ==
        "2: unknown source \"banana\", expected event, request, response, payload, error, context, "
        "env, secret, ssm");
  CHECK(starts_with(problem("${}"), "2: expected a source: event"));
  CHECK(starts_with(problem("${.a}"), "2: expected a source: event"));
  CHECK(starts_with(problem("${ event}"), "2: expected a source: event"));
  CHECK(starts_with(problem("${" + std::string(100, 'x') + "}"), "2: unknown source, expected"));
}

TEST_CASE("a path that its source cannot have is reported at the key") {
  CHECK(problem("${request.methhod}") ==
        "10: unknown part of request \"methhod\", did you mean \"method\"?");
  CHECK(problem("${request.path.a}") == "15: request.path has no keys");
  CHECK(problem("${context.requestid}") ==
        "10: unknown name of context \"requestid\", did you mean \"requestId\"?");
  CHECK(problem("${context.task.a}") == "15: context.task has no keys");
  CHECK(starts_with(problem("${context}"), "9: expected context.id, requestId"));
  CHECK(problem("${env}") == "5: expected a name: env.NAME");
  CHECK(problem("${env.A.B}") == "8: expected one name and no more keys: env.NAME");
  CHECK(problem("${ssm['/a'].b}") == "12: expected one name and no more keys: ssm['/path']");
  CHECK(problem("${ssm['']}") == "6: expected a name: ssm['/path']");
  CHECK(starts_with(problem("${secret}"), "8: expected a name: secret['NAME']"));
}

TEST_CASE("a reference that does not end or go on is reported") {
  CHECK(starts_with(problem("ab${event"), "2: \"${\" without its \"}\""));
  CHECK(starts_with(problem("ab${event:-x"), "2: \"${\" without its \"}\""));
  CHECK(starts_with(problem("${"), "2: expected a source"));
  CHECK(starts_with(problem("${event.a b}"), "9: a reference holds no spaces"));
  CHECK(starts_with(problem("${event.a:b}"), "9: a fallback begins with \":-\""));
  CHECK(starts_with(problem("${event.a/b}"), "9: expected \".\""));
  CHECK(starts_with(problem("${event..a}"), "8: expected a key after \".\""));
  CHECK(starts_with(problem("${event.}"), "8: expected a key after \".\""));
  CHECK(starts_with(problem("${event[a]}"), "7: brackets hold"));
  CHECK(starts_with(problem("${event[\"a\"]}"), "7: brackets hold"));
  CHECK(starts_with(problem("${event[0}"), "7: brackets hold"));
  CHECK(problem("${event['a}") == "7: \"['\" without its \"']\"");
  CHECK(problem("${event['a'}") == "7: \"['\" without its \"']\"");
  CHECK(problem("${event['a\nb']}") == "10: a control character in a key");
}

TEST_CASE("a brace or a reference in a fallback is no surprise") {
  CHECK(problem("${event.a:-{}}") == "11: a brace in a fallback is written \\{ or \\}");
  CHECK(problem("${event.a:-${env.B}}") == "12: a fallback is text and holds no reference");
}

TEST_CASE("references are bounded in number, keys and bytes") {
  const auto repeated = [](std::string_view part, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) {
      text += part;
    }
    return text;
  };
  CHECK(parse_template(repeated("${event}", kMaxTemplateReferences)).has_value());
  CHECK(problem(repeated("${event}", kMaxTemplateReferences + 1)) ==
        "512: more than 64 references in one string");
  CHECK(parse_reference("event" + repeated(".a", kMaxReferenceKeys)).has_value());
  CHECK_FALSE(parse_reference("event" + repeated(".a", kMaxReferenceKeys + 1)).has_value());
  CHECK(parse_reference("event." + std::string(kMaxReferenceBytes - 6, 'a')).has_value());
  CHECK_FALSE(parse_reference("event." + std::string(kMaxReferenceBytes - 5, 'a')).has_value());
}

TEST_CASE("a bare reference has neither braces nor fallback") {
  const auto reference = parse_reference("request.headers['x-a']");
  REQUIRE(reference.has_value());
  CHECK(reference->source == ReferenceSource::request);
  CHECK(reference->path == Path{"headers", "x-a"});
  CHECK(reference->text == "request.headers['x-a']");
  for (const std::string_view wrong :
       {"${event.a}", "event.a:-b", "event.a}", "event a", "", "evet.a", "request.", "env"}) {
    CHECK_MESSAGE(!parse_reference(wrong).has_value(), wrong);
  }
  CHECK(parse_reference("event.a ").error().offset == 7);
}

TEST_CASE("the host of a URL is literal where nothing can get into it") {
  for (const std::string_view literal_host : {"https://a.example",
                                              "http://127.0.0.1:80/${event.a}",
                                              "https://[::1]:8080/${event.a}",
                                              "https://a.example?x=${event.a}",
                                              "https://a.example#${event.a}",
                                              "not a url",
                                              ""}) {
    CHECK_MESSAGE(host_is_literal(parsed(literal_host)), literal_host);
  }
  for (const std::string_view templated : {"${event.url}",
                                           "${event.url}/path",
                                           "https://${event.host}/",
                                           "https://a.example${event.a}",
                                           "https://a.example:${event.port}/",
                                           "https://a.example@${event.a}/",
                                           "https://a.example\\${event.a}/",
                                           "https://user@a.example/${event.a}",
                                           "https:///${event.a}",
                                           "https:/${event.a}",
                                           "${env.SCHEME}://a.example/",
                                           "://a.example/${event.a}"}) {
    CHECK_MESSAGE(!host_is_literal(parsed(templated)), templated);
  }
}

}  // namespace
}  // namespace postlude

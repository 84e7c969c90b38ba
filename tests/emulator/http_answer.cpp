#include "tests/emulator/http_answer.h"

#include "common/http_head.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <string_view>

namespace postlude::emulator {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 410:
      return "Gone";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    default:
      return "Status";
  }
}

}  // namespace

std::string answer_head(const HttpAnswer& answer, BodyFraming framing) {
  const std::string date =
      fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
  const std::string length = std::to_string(answer.body.size());
  std::vector<HeaderField> fields{{"Date", date}};
  if (!answer.content_type.empty()) {
    fields.push_back({"Content-Type", answer.content_type});
  }
  for (const auto& [name, value] : answer.headers) {
    fields.push_back({name, value});
  }
  if (framing == BodyFraming::length) {
    fields.push_back({"Content-Length", length});
  } else if (framing == BodyFraming::chunked) {
    fields.push_back({"Transfer-Encoding", "chunked"});
  }
  return write_head(fmt::format("HTTP/1.1 {} {}", answer.status, reason_of(answer.status)), fields);
}

std::string whole_answer(const HttpAnswer& answer) {
  return answer_head(answer, BodyFraming::length) + answer.body;
}

HttpAnswer refusal_answer(const Refusal& refusal) {
  HttpAnswer answer;
  answer.status = refusal.status;
  answer.body = refusal_body(refusal);
  return answer;
}

HttpAnswer accepted() {
  HttpAnswer answer;
  answer.status = 202;
  answer.body = "{\"status\":\"OK\"}\n";
  return answer;
}

HttpAnswer not_found() {
  HttpAnswer answer;
  answer.status = 404;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "404 page not found\n";
  return answer;
}

std::string chunk_of(std::string_view bytes) {
  return bytes.empty() ? std::string() : fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace postlude::emulator

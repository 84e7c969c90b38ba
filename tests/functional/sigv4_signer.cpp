// Signs requests for sigv4.test.mjs: JSON lines on standard input, on standard output the fields of
// each request as signed, one JSON array a line.

#include "common/base64.h"
#include "common/json_text.h"
#include "extension/sigv4.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <string>

namespace {

using Json = nlohmann::json;
using postlude::extension::HttpRequest;

HttpRequest request_of(const Json& line) {
  HttpRequest request;
  request.method = line.at("method").get<std::string>();
  request.url = {.tls = line.at("tls").get<bool>(),
                 .host = line.at("host").get<std::string>(),
                 .port = line.at("port").get<std::uint16_t>(),
                 .target = line.at("target").get<std::string>()};
  for (const Json& field : line.at("fields")) {
    request.fields.emplace_back(field.at(0).get<std::string>(), field.at(1).get<std::string>());
  }
  request.body = postlude::base64_decode(line.at("body").get<std::string>()).value();
  return request;
}

std::string signed_line(const Json& line) {
  HttpRequest request = request_of(line);
  const auto service = line.at("service").get<std::string>();
  const auto region = line.at("region").get<std::string>();
  const auto done =
      postlude::extension::sign(request,
                                {.access_key_id = line.at("id").get<std::string>(),
                                 .secret_access_key = line.at("secret").get<std::string>(),
                                 .session_token = line.at("token").get<std::string>()},
                                {.service = service,
                                 .region = region,
                                 .at = postlude::from_epoch_ms(line.at("at").get<std::int64_t>())});
  return done ? postlude::dump_json(Json(request.fields)) : done.error().message;
}

}  // namespace

int main() {
  try {
    for (std::string text; std::getline(std::cin, text);) {
      std::cout << signed_line(Json::parse(text)) << "\n";
    }
  } catch (const std::exception& error) {
    std::cerr << "sigv4_signer: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

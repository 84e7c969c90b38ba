#include "extension/extension_api.h"

#include "common/http_head.h"

namespace postlude::extension {
namespace {

constexpr int kOk = 200;

}  // namespace

void ExtensionApi::register_as(std::string_view name, Subscription events) {
  connection_.request(register_request(connection_.address(), name, events),
                      [this](const Result<PlatformAnswer>& answer) { on_registration(answer); });
}

void ExtensionApi::ask_next(Reading reading) {
  asking_ = true;
  connection_.request(
      next_event_request(connection_.address(), identifier_),
      [this](const Result<PlatformAnswer>& answer) { on_event(answer); },
      reading);
}

void ExtensionApi::on_registration(const Result<PlatformAnswer>& answer) {
  if (!answer) {
    handlers_.registered({false, "", answer.error().message});
    return;
  }
  identifier_ = HttpHead(answer->head).find("lambda-extension-identifier").value_or("");
  if (answer->status != kOk) {
    handlers_.registered({.identifier = "",
                          .reason = describe_refusal(answer->status, answer->body),
                          .name_taken = says_name_taken(answer->status, answer->body)});
  } else if (identifier_.empty()) {
    handlers_.registered({false, "", "the platform gave no Lambda-Extension-Identifier"});
  } else {
    handlers_.registered({true, identifier_, ""});
  }
}

void ExtensionApi::on_event(const Result<PlatformAnswer>& answer) {
  asking_ = false;
  if (!answer) {
    handlers_.refused(answer.error());
    return;
  }
  if (answer->status != kOk) {
    handlers_.refused({ErrorCode::failed, describe_refusal(answer->status, answer->body)});
    return;
  }
  const auto event = parse_event(answer->body);
  if (event) {
    handlers_.event(*event);
  } else {
    handlers_.refused(event.error());
  }
}

}  // namespace postlude::extension

#pragma once

#include "common/task.h"
#include "extension/template_sources.h"

namespace postlude::extension {

/// Some string of the action may hold a reference or "$${". False costs no parsing.
[[nodiscard]] bool has_templates(const Action& action);

/// The same action with the value of every reference in its place, and "$${" as "${"
/// (contract.md 4.4). All values are found before anything is put together; one that is missing and
/// has no fallback fails it, naming place and reference.
///
/// Values cannot leave their place: in `http.url` they are percent-encoded, except at its start,
/// where the whole must then be an absolute URL; CR, LF and NUL in arguments, variables, folder,
/// and control characters in headers and ARN fail; in JSON texts a string that is one reference
/// becomes the value, others stay strings. Keys, methods, names of headers and `allow_hosts` hold
/// no references. Blocks where a secret has to be fetched.
[[nodiscard]] tl::expected<Action, TemplateFailure> resolve_templates(
    const Action& action, const TemplateSources& sources);

}  // namespace postlude::extension

#pragma once

#include <string>
#include <string_view>

namespace postlude::extension {

/// Makes a whole JSON text out of one that was cut at some byte: a string *value* in which the cut
/// lies keeps its prefix (no half character, no half escape), any other token that may be
/// incomplete is left out with the member it belongs to, and what is open is closed. Text that was
/// no JSON stays none. Pure.
[[nodiscard]] std::string complete_cut_json(std::string_view cut);

}  // namespace postlude::extension

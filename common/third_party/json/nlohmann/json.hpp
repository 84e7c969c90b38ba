// Stands before the system's <nlohmann/json.hpp>: the same library, instantiated once in json.cpp.
#pragma once

#include_next <nlohmann/json.hpp>

// NOLINTNEXTLINE(readability-identifier-naming): the library's own name.
extern template class nlohmann::basic_json<>;
extern template nlohmann::json nlohmann::json::parse(const std::string&, const nlohmann::json::parser_callback_t, const bool, const bool);

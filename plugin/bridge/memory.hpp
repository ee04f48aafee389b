/*
 * The record that a sound on a timeline keeps of the clip that it was made for: the same in every
 * project format.
 */
#ifndef KINESCORE_BRIDGE_MEMORY_HPP
#define KINESCORE_BRIDGE_MEMORY_HPP

#include "timeline.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// Pairs as one text: key=value;key=value. Characters with a meaning in this form are written as %
/// and two digits.
std::string joined(const std::map<std::string, std::string> &pairs);
std::map<std::string, std::string> separated(const std::string &text);

/// Settings written by `joined`, or a JSON object, as in older GES projects.
Settings settings_from(const std::string &text);

/// The fields of a sound's record as texts, in this order: key, settings, media, name, in, out,
/// start, speed, track; and, if there are any, the beats that markers show and the fixed ones: beats,
/// fixed. Each format stores them under its own names.
std::vector<std::pair<std::string, std::string>> remembered(const Placed &placed);

/// The fields that a record need not have.
constexpr std::array<const char *, 2> optional_fields{"beats", "fixed"};

/// Reads these fields. `field` returns a field's text, "" if it is missing. Numbers that cannot
/// occur on a timeline are read as 0.
Placed recalled(const std::function<std::string(const char *name)> &field);

} // namespace kinescore::bridge

#endif

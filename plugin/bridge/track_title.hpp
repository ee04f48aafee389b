/*
 * The titles of our sound's tracks, in every project format: "Soundtrack", "Soundtrack 2", and so
 * on.
 */
#ifndef KINESCORE_BRIDGE_TRACK_TITLE_HPP
#define KINESCORE_BRIDGE_TRACK_TITLE_HPP

#include <functional>
#include <string>

namespace kinescore::bridge {

/// Whether a title is one of ours.
bool is_track_title(const std::string &title);

/// The first of our titles that is free.
std::string free_track_title(const std::function<bool(const std::string &title)> &is_taken);

} // namespace kinescore::bridge

#endif

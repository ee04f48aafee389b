/*
 * Markers of editors as marks of a clip: a marker whose name begins with "hit", "beat" or "downbeat"
 * sets one.
 */
#ifndef KINESCORE_BRIDGE_MARKERS_HPP
#define KINESCORE_BRIDGE_MARKERS_HPP

#include "mlt_clock.hpp"
#include "timeline.hpp"

#include <pugixml.hpp>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// The JSON text of the marks that markers set for a clip, in the time of its media; "" if none do.
///
/// "hit", then what answers it, "drums", "chord" and "stop", then a label: "hit chord stop: jump".
/// "beat", then its number in the bar: "beat 3"; "downbeat". Capitals make no difference. Of two hits
/// or beats that are too near to each other, the first one counts.
std::string marks_of(const TimelineItem &item, const std::vector<Marker> &markers);

/// Guides of Kdenlive: a list of objects with "pos", in frames, and "comment".
std::vector<Marker> guides_of_kdenlive(const std::string &json, const MltClock &clock);

/// Markers of Shotcut: lists of properties in the list "shotcut:markers" of an element.
std::vector<Marker> markers_of_shotcut(pugi::xml_node element, const MltClock &clock);

} // namespace kinescore::bridge

#endif

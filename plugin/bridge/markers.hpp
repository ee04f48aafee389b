/*
 * Markers of editors as marks of a clip: a marker whose name begins with "hit", "beat" or "downbeat"
 * sets one.
 */
#ifndef KINESCORE_BRIDGE_MARKERS_HPP
#define KINESCORE_BRIDGE_MARKERS_HPP

#include "mlt_clock.hpp"
#include "timeline.hpp"
#include "xml.hpp"

#include <pugixml.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// The least time between two fixed beats that the library allows.
constexpr Flicks nearest_beats = flicks_per_second / 10;

/// The JSON text of the marks that markers set for a clip, in the time of its media; "" if none do.
///
/// "hit", then what answers it, "drums", "chord" and "stop", then a label: "hit chord stop: jump".
/// "beat", then its number in the bar: "beat 3"; "downbeat". Capitals make no difference. Of two hits
/// or beats that are too near to each other, the first one counts. `fixed` are beats that are fixed
/// without such a marker; those too near to one with a marker are left out.
std::string marks_of(const TimelineItem &item, const std::vector<Marker> &markers,
                     const std::vector<FixedBeat> &fixed = {});

/// Markers that are to be removed from a list, each once.
class MarkersToRemove {
public:
    explicit MarkersToRemove(const std::vector<Marker> &markers) {
        for (const Marker &marker : markers) {
            left_.insert({marker.time, marker.name});
        }
    }

    /// Whether this one is to be removed.
    bool take(const Marker &marker);

private:
    std::multiset<std::pair<Flicks, std::string>> left_;
};

/// Guides of Kdenlive: a list of objects with "pos", in frames, and "comment".
std::vector<Marker> guides_of_kdenlive(const std::string &json, const MltClock &clock);

/// Such a list in XML, `raw`, without some guides, given as they were read, and with others of a
/// category; `json` is its content. All other guides keep their text. Throws Problem (input) if it is
/// not a list; `project` names it then.
std::string changed_guides(const std::string &raw, const std::string &json, const MltClock &clock,
                           const std::vector<Marker> &removed, const std::vector<Marker> &added, int category,
                           const std::string &project);

/// The category for guides of ours: the first one of a project, given in its own notation.
int category_of_guides(const std::string &json);

/// Markers of Shotcut: lists of properties in the list "shotcut:markers" of an element.
std::vector<Marker> markers_of_shotcut(pugi::xml_node element, const MltClock &clock);

/// Changes such a list. The changes wait for text.apply().
void change_shotcut_markers(XmlText &text, pugi::xml_node element, const MltClock &clock,
                            const std::vector<Marker> &removed, const std::vector<Marker> &added);

} // namespace kinescore::bridge

#endif

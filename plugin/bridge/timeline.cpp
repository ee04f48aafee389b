#include "timeline.hpp"

#include "maker.hpp"
#include "ratio.hpp"

#include <algorithm>

namespace kinescore::bridge {

Flicks TimelineItem::duration() const { return on_timeline(source_out - source_in, speed); }

bool operator==(const ShownBeats &a, const ShownBeats &b) {
    const auto is_same_beat = [](const ShownBeat &one, const ShownBeat &other) {
        return one.time == other.time && one.bar == other.bar && one.number == other.number && one.marker == other.marker;
    };
    const auto is_same_fixed = [](const FixedBeat &one, const FixedBeat &other) {
        return one.time == other.time && one.number == other.number;
    };
    return a.are_shown == b.are_shown && is_same(a.rate, b.rate) &&
           std::equal(a.beats.begin(), a.beats.end(), b.beats.begin(), b.beats.end(), is_same_beat) &&
           std::equal(a.fixed.begin(), a.fixed.end(), b.fixed.begin(), b.fixed.end(), is_same_fixed);
}

std::string Timeline::why_no_markers() const {
    return "this timeline cannot show beats as markers; projects of Kdenlive, of Shotcut and MLT, and of "
           "OpenTimelineIO can";
}

void Timeline::change_markers(const std::vector<Marker> &, const std::vector<Marker> &) {
    throw Problem(Problem::Kind::usage, why_no_markers());
}

std::vector<Beat> Maker::beats(const SoundOrder &order, const Progress &) {
    throw Problem(Problem::Kind::core, order.media + ": its beats cannot be asked for here");
}

Flicks SoundOrder::duration() const { return on_timeline(source_out - source_in, speed); }

} // namespace kinescore::bridge

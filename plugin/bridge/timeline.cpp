#include "maker.hpp"
#include "timeline.hpp"

namespace kinescore::bridge {

namespace {

/// What a stretch of a media takes on the timeline, to the nearest flick. Split, so that hours times large ratios do not overflow.
Flicks at_speed(Flicks length, const Ratio &speed) {
    const Flicks whole = length / speed.numerator * speed.denominator;
    const Flicks rest = length % speed.numerator * speed.denominator;
    return whole + (rest + speed.numerator / 2) / speed.numerator;
}

} // namespace

Flicks TimelineItem::duration() const { return at_speed(source_out - source_in, speed); }

Flicks Order::duration() const { return at_speed(source_out - source_in, speed); }

} // namespace kinescore::bridge

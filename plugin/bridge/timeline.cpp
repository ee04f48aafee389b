#include "timeline.hpp"

#include "maker.hpp"
#include "ratio.hpp"

namespace kinescore::bridge {

Flicks TimelineItem::duration() const { return on_timeline(source_out - source_in, speed); }

Flicks SoundOrder::duration() const { return on_timeline(source_out - source_in, speed); }

} // namespace kinescore::bridge

/*
 * Beats of our soundtracks as markers on the timeline: which markers are ours, which of them the user
 * has moved, and where they belong.
 *
 * Editors keep of a marker only its time and its name. So the sound, which is found again whatever an
 * editor has changed, has a record of its beats: a marker that has a beat's name and is at its frame is
 * ours; if there is none, one of that name elsewhere over the clip is ours, and was moved.
 */
#ifndef KINESCORE_BRIDGE_BEAT_MARKERS_HPP
#define KINESCORE_BRIDGE_BEAT_MARKERS_HPP

#include "maker.hpp"
#include "timeline.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// Maximum number of beats of a soundtrack that are shown: those of more than half an hour.
constexpr std::size_t most_shown_beats = 10'000;

/// The record as two texts, of the beats and of the fixed ones; "" for none.
std::string spelled_beats(const ShownBeats &beats);
std::string spelled_fixed(const ShownBeats &beats);

/// Reads these. What cannot be a beat is left out.
ShownBeats shown_beats_from(const std::string &beats, const std::string &fixed);

/// "2.1": the name of a beat's marker.
std::string name_of(const ShownBeat &beat);

/// The start of the frame at which the marker of a beat belongs.
Flicks marker_time(const TimelineItem &clip, Flicks media_time);

/// The markers of a sound's beats.
struct FoundMarkers {
    /// For each beat its marker, an index; none if it has none.
    std::vector<std::optional<std::size_t>> markers;
    std::vector<bool> moved; ///< For each beat whether the user has moved its marker.
    /// The clip by whose place they were found: the one that the sound was made for, or, if they were
    /// moved with the clip, the clip as it is now.
    TimelineItem clip;
    bool has_twin = false; ///< Another sound has the same markers: it was copied.

    bool is_moved() const;
    bool is_empty() const;
};

/// Finds the markers of all sounds. `clips` has for each sound its clip as it is now, if it exists.
std::vector<FoundMarkers> find_markers(const std::vector<Placed> &ours,
                                       const std::vector<std::optional<TimelineItem>> &clips,
                                       const std::vector<Marker> &markers);

/// A sound's record after what the user has done to its markers: those that were moved are fixed,
/// together with the beats beside them and the outermost ones, so that no other beat moves; a fixed
/// beat whose marker was deleted is not fixed any more. If all were deleted, no beats are shown.
ShownBeats after_edits(const Placed &placed, const FoundMarkers &found, const std::vector<Marker> &markers);

/// The beats of a maker for a clip, with their bars, counted from the first.
std::vector<ShownBeat> numbered(const std::vector<Beat> &beats, const TimelineItem &clip);

/// The markers of beats at their places. A frame has one marker at most: beats whose frame has one
/// already get none, which is noted in their record. One that is what would be written there, as of a
/// sound that was removed in the editor, is taken over, and added to `own`.
std::vector<Marker> arranged(ShownBeats &beats, const TimelineItem &clip, const std::vector<Marker> &others,
                             std::vector<Marker> &own);

} // namespace kinescore::bridge

#endif

/*
 * Reads the tracks, times and clips of a parsed OpenTimelineIO file, and reports their faults.
 */
#ifndef KINESCORE_BRIDGE_OTIO_READER_HPP
#define KINESCORE_BRIDGE_OTIO_READER_HPP

#include "json_text.hpp"
#include "timeline.hpp"
#include "url.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kinescore::bridge::otio {

/// Key of the metadata of our clips and tracks.
constexpr const char *our_key = "kinescore";

/// A member, or null if it is missing or null.
const Json *member(const Json &value, const char *name);

const std::string &string_of(const Json &value, const char *name);

/// "Clip" for "Clip.2". Old files use "Sequence" for a track and "Filler" for a gap.
std::string_view schema_of(const Json &value);

bool is_enabled(const Json &value);

Json time_json(double value, double rate);

/// Frames per second: the rate that is meant, and its spelling in the file. Programs treat two
/// spellings as two rates, and resample from one to the other.
struct FrameRate {
    Ratio exact{24, 1};
    double spelled = 24.0;
};

/// A range of frames of the timeline. Sounds need not be whole frames long, and values with a
/// fraction keep their length exactly; writers of whole frames (such as FCP XML) round each start
/// and end to the nearest, so that nothing drifts from sound to sound.
Json range_json(Flicks length, const FrameRate &rate);

Json gap_json(Flicks length, const FrameRate &rate);

Json track_json(const std::string &name);

/// The record of a sound, kept with its clip; null for other clips.
const Json *our_metadata(const Json &clip);

const Json *media_reference(const Json &clip);

struct Range {
    Flicks start = 0;
    Flicks duration = 0;
    bool is_known = true; ///< Infinite times, and NaN, are read as 0.
};

/// The path of a media; the URL itself if it is not a file on this computer.
std::string media_path_of(const std::string &url, const std::string &folder);

/// The wanted timeline of a file, and the way to it: positions in the "children" of collections.
struct Chosen {
    const Json *timeline = nullptr;
    std::vector<std::size_t> way;
};

/// Finds the timeline with a name or a number, from 1; the only one for "". Throws Problem (usage)
/// if there are several and none is chosen, or if there is no such timeline.
Chosen choose(const std::string &path, const Json &file, const std::string &wanted);

/// Reads times and clips of a parsed project, and reports their faults.
class Reader {
public:
    Reader(const std::string &path, const std::string &folder, const Json &timeline)
        : path_(path), folder_(folder), timeline_(timeline) {}

    [[noreturn]] void fail(const std::string &sentence) const;

    const Json &stack() const;

    const Json &children(const Json &composition) const;

    bool is_of_kind(const Json &track, const char *kind) const;

    /// The range's start and length; none if it is null.
    std::optional<Range> range(const Json &owner, const char *key) const;

    /// The start of the media's own time: a timecode, or 0.
    std::optional<Range> available(const Json &clip) const;

    /// Whether a clip begins after the beginning of its media.
    bool is_cut(const Json &clip) const;

    /// The duration of an item in its track. Transitions have none: they overlap their neighbours.
    Flicks length(const Json &item, int depth = 0) const;

    /// Time of a composition at which its first child begins to count.
    Flicks trimmed(const Json &composition) const;

    /// Frame rate of the timeline. The format has no field for it: it is taken from the timeline's
    /// start, otherwise from its first clip with a usual rate.
    FrameRate rate() const;

    std::vector<TimelineItem> items(const Ratio &rate) const;

    /// Markers of the stack of tracks, for all clips; of tracks and nested stacks, for the clips in
    /// them; and of clips.
    std::vector<Marker> markers() const;

    /// Where a marker of the stack of tracks is on the timeline; none if it has no time.
    std::optional<Marker> marker(const Json &json) const { return marker_at(json, -trimmed(stack()), ""); }

    /// A marker for the stack of tracks.
    Json marker_json(const Marker &marker) const;

    Naming naming() const;

    /// "clip 'one'", for sentences.
    static std::string name(const Json &item);

private:
    /// The owner of a value. The text is built only for a fault: there are thousands of values.
    struct Where {
        const Json &owner;
        const char *key;

        std::string text() const { return std::string("\"") + key + "\" of " + name(owner); }
    };

    /// The part of the timeline in which a composition is seen.
    struct SeenRange {
        Flicks begin = 0;
        Flicks end = 0;
        int track = 0;
        Ratio rate;
        std::string unfit; ///< Why nothing in it can be given a soundtrack; "" if it can.
    };

    /// How fast an item is played, or why no soundtrack can be made at its speed.
    struct Speed {
        Ratio ratio;
        std::string unfit;
    };

    /// Where a clip's media is, or why it cannot be used.
    struct Media {
        std::string path;
        std::string unfit;
        bool is_elsewhere = false; ///< It is unfit only because it is not a file on this computer.
    };

    static std::string met(const Json &value);

    void check_depth(int depth) const;

    Flicks checked(Flicks time) const;

    double number(const Json &owner, const char *key, const Where &what) const;

    /// None if it is infinite, or NaN.
    std::optional<Flicks> time(const Json &range, const char *key, const Where &what) const;

    static std::optional<FrameRate> frame_rate(const Json &time);

    static std::optional<FrameRate> rate_of_item(const Json &item);

    /// How fast the media is played. A warp does not change an item's duration on the timeline,
    /// only how much of the media is seen in it.
    Speed speed(const Json &item) const;

    void walk(const Json &item, Flicks at, SeenRange window, const std::string &id, int depth,
              std::vector<TimelineItem> &found) const;

    void walk_markers(const Json &item, Flicks at, const std::string &id, int depth, std::vector<Marker> &found) const;

    /// Adds the markers of an item; `zero` is where its own time is 0 on the timeline.
    void add_markers(const Json &item, Flicks zero, const std::string &scope, std::vector<Marker> &found) const;

    std::optional<Marker> marker_at(const Json &json, Flicks zero, const std::string &scope) const;

    /// Timelines use few media many times, and each access to the disk takes time.
    std::string path(const std::string &url) const;

    /// The media of a clip; none if there is no moving picture, as for sound, stills and
    /// generators.
    std::optional<Media> media_of(const Json &clip) const;

    void add(const Json &clip, Flicks at, const SeenRange &window, const std::string &id,
             std::vector<TimelineItem> &found) const;

    const std::string &path_;
    const std::string &folder_;
    const Json &timeline_;
    mutable std::unordered_map<std::string, std::string> paths_;
};

} // namespace kinescore::bridge::otio

#endif

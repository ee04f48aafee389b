/*
 * What a parsed OpenTimelineIO file says: its tracks, times and clips. Says what is wrong with
 * them.
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

/// Of the metadata that clips and tracks of ours have.
constexpr const char *our_key = "kinescore";

/// A member, or null where there is none or it is null.
const Json *member(const Json &value, const char *name);

const std::string &string_of(const Json &value, const char *name);

/// "Clip" of "Clip.2". Old files say "Sequence" for a track and "Filler" for a gap.
std::string_view schema_of(const Json &value);

bool is_enabled(const Json &value);

Json time_json(double value, double rate);

/// Frames a second: what is meant, and as the file spells it. Programs take two spellings for two
/// rates, and resample from one to the other.
struct FrameRate {
    Ratio exact{24, 1};
    double spelled = 24.0;
};

/// A range of frames of the timeline. Sounds need not be whole frames long, and values with a
/// fraction keep their length exactly; writers of whole frames (as FCP XML) round each start and
/// end to the nearest, so that nothing drifts from sound to sound.
Json range_json(Flicks length, const FrameRate &rate);

Json gap_json(Flicks length, const FrameRate &rate);

Json track_json(const std::string &name);

/// What we keep of a sound with its clip; null for clips that are not ours.
const Json *our_metadata(const Json &clip);

const Json *media_reference(const Json &clip);

struct Range {
    Flicks start = 0;
    Flicks duration = 0;
    bool is_known = true; ///< Infinite times, and those that are not numbers, are read as 0.
};

/// The path of a media; the URL itself where that is no file on this computer.
std::string media_path_of(const std::string &url, const std::string &folder);

/// The timeline of a file that is meant, and on which way it is reached: places in the "children" of collections.
struct Chosen {
    const Json *timeline = nullptr;
    std::vector<std::size_t> way;
};

/// Finds the timeline of a name or of a number, from 1; the only one for "". Throws Problem (usage) where it is not said
/// which one of several is meant, or there is none like that.
Chosen choose(const std::string &path, const Json &file, const std::string &wanted);

/// Reads times and clips of a parsed project; says what is wrong with them.
class Reader {
public:
    Reader(const std::string &path, const std::string &folder, const Json &timeline)
        : path_(path), folder_(folder), timeline_(timeline) {}

    [[noreturn]] void fail(const std::string &sentence) const;

    const Json &stack() const;

    const Json &children(const Json &composition) const;

    bool is_of_kind(const Json &track, const char *kind) const;

    /// The range's place and length; none where it is null.
    std::optional<Range> range(const Json &owner, const char *key) const;

    /// Where the media's own time begins: a timecode, or 0.
    std::optional<Range> available(const Json &clip) const;

    /// The time that something takes in its track. Transitions take none: they lie over their
    /// neighbours.
    Flicks length(const Json &item, int depth = 0) const;

    /// Time of a composition at which its first child begins to count.
    Flicks trimmed(const Json &composition) const;

    /// Frames a second of the timeline. The format has no field for it: its start has one, else its
    /// first clip of a usual rate.
    FrameRate rate() const;

    std::vector<TimelineItem> items(const Ratio &rate) const;

    Naming naming() const;

    /// "clip 'one'", for sentences.
    static std::string name(const Json &item);

private:
    /// What a value belongs to. Said only where it is wrong: there are thousands of them.
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
        std::string unfit; ///< Why nothing in it can be given a soundtrack; "" where it can.
    };

    /// How fast something is played, or why that is no speed at which it can be given a soundtrack.
    struct Speed {
        Ratio ratio;
        std::string unfit;
    };

    /// Where a clip's media is, or why it cannot be used.
    struct Media {
        std::string path;
        std::string unfit;
        bool is_elsewhere = false; ///< It cannot only because it is no file on this computer.
    };

    static std::string shown(const std::string &text);

    static std::string met(const Json &value);

    void check_depth(int depth) const;

    Flicks checked(Flicks time) const;

    double number(const Json &owner, const char *key, const Where &what) const;

    /// None where it is infinite, or not a number.
    std::optional<Flicks> time(const Json &range, const char *key, const Where &what) const;

    static std::optional<FrameRate> frame_rate(const Json &time);

    static std::optional<FrameRate> rate_of_item(const Json &item);

    /// How fast the media is played. A warp does not change the time that an item takes on the
    /// timeline, only how much of the media is seen in it.
    Speed speed(const Json &item) const;

    void walk(const Json &item, Flicks at, SeenRange window, const std::string &id, int depth,
              std::vector<TimelineItem> &found) const;

    /// Timelines use few media many times, and each look at the disk takes its time.
    std::string path(const std::string &url) const;

    /// The media of a clip; none where there is no moving picture, as of sound, stills and
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

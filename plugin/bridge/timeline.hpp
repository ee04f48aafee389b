/*
 * The common model of an editor's timeline: clips on tracks, some of which are our sound.
 *
 * Adapters (mlt.hpp, kdenlive.hpp, otio.hpp, ges.hpp) know an editor or a file format; nothing else
 * here does. Times are exact: flicks, as in kinescore.h.
 */
#ifndef KINESCORE_BRIDGE_TIMELINE_HPP
#define KINESCORE_BRIDGE_TIMELINE_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace kinescore::bridge {

/// Time in flicks: 1/705,600,000 s. Frames and samples of all usual rates are whole numbers of
/// flicks.
using Flicks = std::int64_t;

constexpr Flicks flicks_per_second = 705'600'000;

/// A ratio of whole numbers, both above 0: a frame rate, or a playback speed.
struct Ratio {
    std::int64_t numerator = 1;
    std::int64_t denominator = 1;
};

/// A failure that the user has to know about: what() is a complete sentence that names the file,
/// the value met and the value allowed.
class Problem : public std::runtime_error {
public:
    enum class Kind {
        input,    ///< A file cannot be read, or is not of the required kind.
        usage,    ///< Something requested does not exist, such as a clip of that number.
        choice,   ///< A file has several timelines, and it was not said which one is meant.
        changed,  ///< The project is open in its editor, or was changed since it was read; nothing was written.
        output,   ///< A file cannot be written.
        core,     ///< libkinescore is missing or of another version, or this program has a fault.
        music,    ///< No soundtrack could be made for a clip.
        cancelled ///< The user stopped it.
    };

    /// `code` is a maker's own number for the failure, above 0; 0 if it has none.
    Problem(Kind kind, const std::string &sentence, int code = 0)
        : std::runtime_error(sentence), kind_(kind), code_(code) {}

    Kind kind() const noexcept { return kind_; }
    int code() const noexcept { return code_; }

private:
    Kind kind_;
    int code_;
};

/// Settings of the core by their keys; missing ones have their defaults.
using Settings = std::map<std::string, std::string>;

/// Which of several video streams of a media a clip shows.
struct StreamChoice {
    int number = -1;       ///< From 0; -1: the project does not say.
    bool of_video = false; ///< It counts the video streams only, not all streams.
};

/// A video clip on a timeline.
struct TimelineItem {
    std::string id;           ///< Distinguishes the items of one timeline. Need not survive the editor.
    std::string name;         ///< For people.
    std::string media_path;   ///< Absolute. May be missing on disk.
    Flicks source_in = 0;     ///< Where the clip begins on the media.
    Flicks source_out = 0;    ///< Where it ends on the media (exclusive).
    Flicks timeline_start = 0;///< Where it begins on the timeline.
    Ratio rate;               ///< Frames a second of the timeline.
    Ratio speed;              ///< 2/1: the media is played twice as fast.
    StreamChoice stream;      ///< The stream of the media that it shows.
    int track = 0;            ///< Number of the video track, 0 at the bottom.
    /// Why the clip cannot be given a soundtrack, such as "it is played backwards"; "" if it can.
    /// The media and the times of such a clip are only for display.
    std::string unfit;
    /// The clip is unfit only because its media is not where the project says: it may be searched
    /// for elsewhere.
    bool is_elsewhere = false;
    std::string found_at; ///< Where the media was found; "" if that is `media_path`.
    std::string note;     ///< For the user, about a clip that can have a soundtrack; "" for none.
    int unfit_code = 0;   ///< Why it is unfit, if a maker has said so: its number, and the kind.
    Problem::Kind unfit_kind = Problem::Kind::music;

    /// The file of the media.
    const std::string &file() const noexcept { return found_at.empty() ? media_path : found_at; }

    /// Length on the timeline.
    Flicks duration() const;
};

/// A marker of an editor's.
struct Marker {
    Flicks time = 0;  ///< On the timeline.
    std::string name; ///< What the user has written.
    /// Id of the clip, or beginning of the ids of the clips, that it belongs to; "" for all.
    std::string scope = {};
    bool is_ours = false; ///< It shows a beat of one of our sounds; adapters do not know this.
};

/// A beat of a soundtrack, shown by a marker named "BAR.NUMBER".
struct ShownBeat {
    enum class Marker {
        own,          ///< It has a marker.
        namesake,     ///< It has one, but so has the user, of the same name over the same clip.
        none          ///< Its frame had a marker already.
    };

    Flicks time = 0; ///< In the time of the media.
    std::int64_t bar = 1;
    std::int64_t number = 1; ///< In the bar, from 1.
    Marker marker = Marker::own;
};

/// A beat that the user has fixed by moving its marker.
struct FixedBeat {
    Flicks time = 0; ///< In the time of the media.
    /// In the bar, from 1; 0 for a beat that was not moved itself, and stays while others are.
    std::int64_t number = 0;
};

/// How the beats of a soundtrack are shown on the timeline.
struct ShownBeats {
    bool are_shown = false;
    Ratio rate; ///< Frames a second of the timeline when the markers were written.
    std::vector<ShownBeat> beats;
    std::vector<FixedBeat> fixed; ///< In the order of time. They stay fixed while no beats are shown.
};

bool operator==(const ShownBeats &a, const ShownBeats &b);
inline bool operator!=(const ShownBeats &a, const ShownBeats &b) { return !(a == b); }

/// One of our sounds on a timeline, with the clip that it was made for: an editor's saving must
/// preserve this, whatever else it loses.
struct Placed {
    std::string id;             ///< Distinguishes those of one timeline.
    TimelineItem made_for;      ///< The clip as it was when the sound was made.
    std::string wav;            ///< Absolute path.
    std::string key;            ///< Key of the soundtrack that the file holds.
    Settings settings;          ///< The user's choices for this clip.
    ShownBeats beats = {};      ///< Its beats on the timeline.
    Flicks timeline_start = 0;  ///< Its current position.
    Flicks duration = 0;        ///< Its current length.
    bool is_cut = false;        ///< It does not begin at the file's beginning, or is repeated.
};

/// A timeline in an editor or a file.
///
/// Its functions must not be called from two threads at once; an adapter of a running editor is
/// called only on the editor's thread.
class Timeline {
public:
    virtual ~Timeline() = default;

    /// Video clips, in the order of tracks and times, including those that cannot be given a
    /// soundtrack. Our own sound is not among them, nor is anything without a moving picture:
    /// sound, stills, titles, colours.
    virtual std::vector<TimelineItem> items() = 0;

    /// Compares a clip with its media, which is opened for that: the clip becomes unfit, or is cut
    /// to the part that exists. Does nothing where media cannot be opened. Throws Problem
    /// (cancelled).
    virtual void examine(TimelineItem &item) { (void)item; }

    /// The editor's markers, in any order. Those that cannot be read are left out.
    virtual std::vector<Marker> markers() { return {}; }

    /// Why markers cannot be added to the timeline, as a sentence that names what it is; "" if they can.
    virtual std::string why_no_markers() const;

    /// Removes markers, given as `markers` returned them, and adds others, which are for all clips. Of
    /// several equal ones, each given one stands for one. Throws Problem where that is not possible.
    virtual void change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added);

    /// Ids of the clips that the user has selected; none in a file.
    virtual std::vector<std::string> selected() { return {}; }

    /// The sounds that Kinescore placed in this timeline.
    virtual std::vector<Placed> ours() = 0;

    /// Puts sound under its clip, on the audio track "Soundtrack", which is created if it is
    /// missing. `placed.id` is that of the sound that it replaces, or "". If two clips overlap in
    /// time, their sounds are on two such tracks.
    virtual void place(const Placed &placed) = 0;

    /// Removes one of our sounds from the timeline; if a track "Soundtrack" of ours is then empty,
    /// it is removed too.
    virtual void remove(const std::string &placed_id) = 0;

    /// Sets a function that is called for edits, on any thread. Files never call it.
    virtual void on_change(std::function<void()> changed) { (void)changed; }

    /// Throws Problem (changed, output) if `save` would certainly fail, so that nobody waits for
    /// sound that cannot be placed.
    virtual void check_writable() {}

    /// Writes the project, if anything was changed.
    virtual void save() = 0;

    /// Folder in which sound for this timeline is kept, absolute.
    virtual std::string sound_folder() const = 0;

    /// The project's own file, absolute; "" in an editor.
    virtual std::string project_path() const { return ""; }
};

} // namespace kinescore::bridge

#endif

/*
 * A timeline as all editors have one: clips on tracks, some of them sound of ours.
 *
 * Adapters (mlt.hpp, kdenlive.hpp, otio.hpp, ges.hpp) know an editor or a file format; nothing else here does. Times are exact: flicks, as
 * in kinescore.h.
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

/// Time in flicks: 1/705,600,000 s, of which frames of all usual rates and samples of all usual rates are whole numbers.
using Flicks = std::int64_t;

constexpr Flicks flicks_per_second = 705'600'000;

/// A ratio of whole numbers, both above 0: frames a second, or how fast a clip is played.
struct Ratio {
    std::int64_t numerator = 1;
    std::int64_t denominator = 1;
};

/// What goes wrong in a way that the user has to know: what() is a whole sentence that names the file, the value met and the value
/// allowed.
class Problem : public std::runtime_error {
public:
    enum class Kind {
        input,    ///< A file cannot be read, or is not what it should be.
        usage,    ///< What was asked for does not exist, as a clip of that number.
        changed,  ///< The project is open in its editor, or was changed since it was read; nothing was written.
        output,   ///< A file cannot be written.
        core,     ///< libkinescore is missing, or of another version; or a fault of this program.
        music,    ///< No soundtrack could be made for a clip.
        cancelled ///< The user stopped it.
    };

    /// `code` is a maker's own number for what went wrong, above 0; 0 where it has none.
    Problem(Kind kind, const std::string &sentence, int code = 0)
        : std::runtime_error(sentence), kind_(kind), code_(code) {}

    Kind kind() const noexcept { return kind_; }
    int code() const noexcept { return code_; }

private:
    Kind kind_;
    int code_;
};

/// Settings of the core by their keys; what is not there has its default.
using Settings = std::map<std::string, std::string>;

/// A video clip on a timeline.
struct TimelineItem {
    std::string id;           ///< Tells the items of one timeline apart. Need not survive the editor.
    std::string name;         ///< For people.
    std::string media_path;   ///< Absolute. May be missing on disk.
    Flicks source_in = 0;     ///< Where the clip begins on the media.
    Flicks source_out = 0;    ///< Where it ends on the media (exclusive).
    Flicks timeline_start = 0;///< Where it begins on the timeline.
    Ratio rate;               ///< Frames a second of the timeline.
    Ratio speed;              ///< 2/1: the media is played twice as fast.
    int track = 0;            ///< Number of the video track, 0 at the bottom.
    /// Why the clip cannot be given a soundtrack, as "it is played backwards"; "" where it can. The media and the times
    /// of such a clip are for people.
    std::string unfit;
    /// The clip is unfit only because its media is not where the project says: it may be looked for elsewhere.
    bool is_elsewhere = false;
    std::string found_at; ///< Where the media was found; "" where that is `media_path`.

    /// The file that the media is in.
    const std::string &file() const noexcept { return found_at.empty() ? media_path : found_at; }

    /// Length on the timeline.
    Flicks duration() const;
};

/// Sound of ours on a timeline, with what it was made for: whatever else an editor forgets, this has to survive its saving.
struct Placed {
    std::string id;             ///< Tells those of one timeline apart.
    TimelineItem made_for;      ///< The clip as it was when the sound was made.
    std::string wav;            ///< Absolute path.
    std::string key;            ///< Key of the soundtrack that the file holds.
    Settings settings;          ///< What the user chose for this clip.
    Flicks timeline_start = 0;  ///< Where it lies now.
    Flicks duration = 0;        ///< How long it is heard now.
};

/// A timeline in an editor or a file.
///
/// None of it may be called from two threads at once; an adapter of a running editor is called on the editor's thread alone.
class Timeline {
public:
    virtual ~Timeline() = default;

    /// Video clips, in the order of tracks and times, with those that cannot be given a soundtrack. Sound of ours is not
    /// among them, nor is what has no moving picture of its own: sound, stills, titles, colours.
    virtual std::vector<TimelineItem> items() = 0;

    /// Ids of the clips that the user has selected; none in a file.
    virtual std::vector<std::string> selected() { return {}; }

    /// Sound of ours.
    virtual std::vector<Placed> ours() = 0;

    /// Puts sound under its clip, on the audio track "Soundtrack", which is made where it is missing. `placed.id` is that of the sound
    /// whose place it takes, or "". Where two clips overlap in time, their sounds lie on two such tracks.
    virtual void place(const Placed &placed) = 0;

    /// Takes sound of ours off the timeline; a track "Soundtrack" of ours that is then empty goes too.
    virtual void remove(const std::string &placed_id) = 0;

    /// Asks to be told of edits, on any thread. Files do not tell.
    virtual void on_change(std::function<void()> changed) { (void)changed; }

    /// Throws Problem (changed, output) where `save` would surely fail, so that nobody waits for sound that cannot be placed.
    virtual void check_writable() {}

    /// Writes the project, if anything was changed.
    virtual void save() = 0;

    /// Folder in which sound for this timeline is kept, absolute.
    virtual std::string sound_folder() const = 0;
};

} // namespace kinescore::bridge

#endif

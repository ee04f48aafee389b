/*
 * Brings the sound of ours on a timeline in line with the clips that it was made for. The same for
 * all editors.
 */
#ifndef KINESCORE_BRIDGE_RECONCILER_HPP
#define KINESCORE_BRIDGE_RECONCILER_HPP

#include "maker.hpp"
#include "sound_file.hpp"
#include "timeline.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// What was done about one clip.
struct Result {
    enum class What {
        unchanged, ///< All is as it should be.
        moved,     ///< The sound was put where its clip is now; the sound itself is the same.
        made,      ///< The sound was made anew, and lies under its clip.
        removed,   ///< The clip is gone, and its sound was taken off the timeline.
        failed     ///< Nothing was changed for this clip; `sentence` says why.
    };

    What what = What::unchanged;
    TimelineItem item;    ///< The clip; of `removed`, as it was.
    std::string wav;      ///< The sound's file.
    std::string sentence; ///< Of `failed`: why. Else what the user should know about the file; "" for nothing.
    Problem::Kind kind = Problem::Kind::music; ///< Of `failed`.
    int code = 0;                              ///< Of `failed`: the maker's number, 0 where it has none.
};

/// Sound of ours beside the clip that it belongs to now: pairs of places in `ours` and `items`,
/// each in one pair at most.
///
/// Editors forget ids when they save, so a pair is told by the media and by what of it is used:
/// first those whose ranges overlap most, and among equals those that lie nearest to each other.
/// Where ranges do not overlap at all (the content was slipped), a clip that begins where the sound
/// begins is its own.
std::vector<std::pair<std::size_t, std::size_t>> matches(const std::vector<Placed> &ours, const std::vector<TimelineItem> &items);

/// One clip's share of a refresh.
struct Task {
    TimelineItem item;
    std::optional<Placed> placed; ///< What there is for the clip already.
    Settings settings;
    bool gone = false;            ///< The clip is no longer there.
    // Filled in by `work`:
    std::string key;
    std::string wav;
    bool made = false;
    std::string note; ///< What the user should know about the file.
    std::optional<Problem> failure;
};

/// Brings a timeline up to date, in three steps, so that an editor's timeline is touched on the
/// editor's thread alone and sound is made off it: `look` (timeline), `work` (no timeline), `apply`
/// (timeline).
///
/// Files are written over only where they are ours: in the timeline's folder for sound, named as we
/// name them, and with a mark that agrees with their samples (sound_file.hpp). What a file holds is
/// told by its mark, so that sound which was made while the project could not be saved is not made
/// again.
class Reconciler {
public:
    Reconciler(Timeline &timeline, Maker &maker) : timeline_(timeline), maker_(maker) {}

    /// What there is to be looked after: every clip that has sound of ours, and sound whose clip is
    /// gone.
    std::vector<Task> look();

    /// A clip that is to get sound, or other settings. Throws Problem (usage) where there is no
    /// clip of that id.
    Task look_at(const std::string &item_id, const Settings &settings);

    /// Makes the sound that is missing. A task that fails does not stop the others; only Problem
    /// (cancelled) is thrown.
    void work(std::vector<Task> &tasks, const Progress &progress = {});

    /// Puts what was made under the clips, and saves. Clips that were edited since `look` are left
    /// for the next time.
    std::vector<Result> apply(const std::vector<Task> &tasks);

    /// All three steps for all clips that have sound of ours.
    std::vector<Result> refresh(const Progress &progress = {});

    /// All three steps for one clip. Settings that are there already are kept where `settings` does
    /// not name them.
    Result add(const std::string &item_id, const Settings &settings, const Progress &progress = {});

    /// Takes all sound of ours off the timeline, or that of one clip. The files stay: undoing in an
    /// editor needs them.
    std::vector<Result> remove(const std::optional<std::string> &item_id = std::nullopt);

private:
    bool is_up_to_date(Task &task, const SoundFolder &sounds) const;
    bool is_left(Task &task, const SoundFolder &sounds) const;
    std::string file_for(Task &task, const SoundFolder &sounds, const std::optional<std::string> &seen) const;
    void use(Task &task, const std::string &wav);
    std::ptrdiff_t uses(const std::string &file) const;
    void work_on(Task &task, const Progress &progress);
    Result apply_one(const Task &task, const std::vector<TimelineItem> &items);

    Timeline &timeline_;
    Maker &maker_;
    std::vector<std::string> files_; ///< Files that sound on the timeline is read from, one entry for each use.
    std::string folder_;             ///< Where files are put, as of the last look.
};

} // namespace kinescore::bridge

#endif

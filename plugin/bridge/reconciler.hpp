/*
 * Brings our sound on a timeline in line with the clips that it was made for. The same for all
 * editors.
 */
#ifndef KINESCORE_BRIDGE_RECONCILER_HPP
#define KINESCORE_BRIDGE_RECONCILER_HPP

#include "beat_markers.hpp"
#include "maker.hpp"
#include "sound_file.hpp"
#include "timeline.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// The result for one clip.
struct Result {
    enum class What {
        unchanged, ///< Nothing to do.
        moved,     ///< The sound was moved to where its clip is now; the sound itself is the same.
        made,      ///< New sound was made, and placed under its clip.
        marked,    ///< Only the markers of its beats were changed, or what is known of them.
        removed,   ///< The clip is gone, and its sound was removed from the timeline.
        failed     ///< Nothing was changed for this clip; `sentence` says why.
    };

    What what = What::unchanged;
    TimelineItem item;    ///< The clip; for `removed`, its last state.
    std::string wav;      ///< The sound's file.
    std::string sentence; ///< For `failed`: why. Otherwise a note about the file; "" for none.
    Problem::Kind kind = Problem::Kind::music; ///< For `failed`.
    int code = 0;                              ///< For `failed`: the maker's number, 0 if it has none.
    std::size_t markers = 0;                   ///< Number of markers that show its beats now.
};

/// Matches our sounds with the clips that they belong to now: pairs of indices in `ours` and
/// `items`, each in one pair at most.
///
/// Editors lose ids when they save, so pairs are found by the media and the part of it that is
/// used: first those whose ranges overlap most, and among equals those that are nearest to each
/// other. If ranges do not overlap at all (the content was slipped), a sound belongs to the clip
/// that begins where it begins. If no clip uses the media of a sound any more, as in a project whose
/// folder was moved or copied, a media of the same file name counts as that media.
std::vector<std::pair<std::size_t, std::size_t>> matches(const std::vector<Placed> &ours, const std::vector<TimelineItem> &items);

/// One clip's share of a refresh.
struct Task {
    TimelineItem item;
    std::optional<Placed> placed; ///< The existing sound for the clip.
    Settings settings;
    bool gone = false;            ///< The clip is no longer there.
    ShownBeats beats = {};        ///< After what the user has done to its markers.
    std::vector<Marker> markers;  ///< Those of its beats now.
    bool arrange = false;         ///< The markers are to be written again: asked for, or some were moved.
    // Filled in by `work`:
    std::string key;
    std::string wav;
    bool made = false;
    std::string note; ///< A note for the user about the file.
    std::optional<Problem> failure;
};

/// Brings a timeline up to date, in three steps, so that an editor's timeline is used only on the
/// editor's thread and sound is made off it: `look` (timeline), `work` (no timeline), `apply`
/// (timeline).
///
/// Files are overwritten only if they are ours: in the timeline's folder for sound, with a name of
/// our form, and with a mark that agrees with their samples (sound_file.hpp). The mark contains a
/// file's key, so that sound made while the project could not be saved is not made again.
class Reconciler {
public:
    Reconciler(Timeline &timeline, Maker &maker) : timeline_(timeline), maker_(maker) {}

    /// Everything to check: every clip that has our sound, and every sound whose clip is gone.
    std::vector<Task> look();

    /// A clip that is to get sound, or other settings. Throws Problem (usage) if there is no clip
    /// with that id.
    Task look_at(const std::string &item_id, const Settings &settings);

    /// Has the beats of a sound shown as markers. Throws Problem (usage) if the timeline has none.
    void show_beats(Task &task) const;

    /// Makes the missing sounds. A task that fails does not stop the others; only Problem
    /// (cancelled) is thrown.
    void work(std::vector<Task> &tasks, const Progress &progress = {});

    /// Places the results under the clips, and saves. Clips that were edited since `look` are left
    /// for the next time.
    std::vector<Result> apply(const std::vector<Task> &tasks);

    /// All three steps for all clips that have our sound. With `beats`, their beats are shown as
    /// markers, or all of them again; without, those of sounds whose beats are shown already.
    std::vector<Result> refresh(const Progress &progress = {}, bool beats = false);

    /// All three steps for one clip. Existing settings are kept unless `settings` names them. `beats`
    /// as in `refresh`.
    Result add(const std::string &item_id, const Settings &settings, const Progress &progress = {}, bool beats = false);

    /// Removes all our sound from the timeline, or that of one clip, and the markers of its beats. The files stay: undo in an
    /// editor needs them.
    std::vector<Result> remove(const std::optional<std::string> &item_id = std::nullopt);

private:
    bool is_up_to_date(Task &task, const SoundFolder &sounds) const;
    bool is_left(Task &task, const SoundFolder &sounds) const;
    std::string file_for(Task &task, const SoundFolder &sounds, const std::optional<std::string> &seen) const;
    void use(Task &task, const std::string &wav);
    std::ptrdiff_t uses(const std::string &file) const;
    void work_on(Task &task, const Progress &progress);
    void find_beats(Task &task, const SoundOrder &order, const Progress &progress);
    Result apply_one(const Task &task, const std::vector<TimelineItem> &items);
    bool is_arranged(const Task &task) const;
    bool replace_markers(const std::vector<Marker> &before, const std::vector<Marker> &after);

    Timeline &timeline_;
    Maker &maker_;
    std::vector<Marker> markers_; ///< Those of the timeline when it was last looked at.
    std::vector<Marker> leaving_; ///< Those of sounds whose markers are still to be written again.
    std::vector<std::string> files_; ///< Files from which sound on the timeline is read, one entry per use.
    std::string folder_;             ///< Where files are put, according to the last look.
};

} // namespace kinescore::bridge

#endif

#include "reconciler.hpp"

#include "folder_lock.hpp"
#include "markers.hpp"
#include "ratio.hpp"
#include "url.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <tuple>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

SoundOrder order_of(const Task &task, const std::vector<Marker> &markers) {
    const TimelineItem &item = task.item;
    return {item.file(), item.source_in, item.source_out,
            item.speed,  task.settings,  marks_of(item, markers, task.beats.fixed)};
}

/// Those of the first that are not among the second.
std::vector<Marker> without(const std::vector<Marker> &markers, const std::vector<Marker> &others) {
    MarkersToRemove left(others);
    std::vector<Marker> found;
    std::copy_if(markers.begin(), markers.end(), std::back_inserter(found),
                 [&](const Marker &marker) { return !left.take(marker); });
    return found;
}

/// Whether two views of a clip have the same cut of the same media at the same position.
bool same_cut(const TimelineItem &a, const TimelineItem &b) {
    return a.media_path == b.media_path && a.source_in == b.source_in && a.source_out == b.source_out &&
           a.timeline_start == b.timeline_start && is_same(a.speed, b.speed);
}

bool is_same_place(const Placed &placed, const TimelineItem &item) {
    return placed.timeline_start == item.timeline_start && placed.duration == item.duration() && !placed.is_cut &&
           same_cut(placed.made_for, item);
}

/// How little two ranges of a media overlap: 0 for identical ranges, 1 for no overlap.
double apart(const TimelineItem &a, const TimelineItem &b) {
    const Flicks common = std::min(a.source_out, b.source_out) - std::max(a.source_in, b.source_in);
    const Flicks both = std::max(a.source_out, b.source_out) - std::min(a.source_in, b.source_in);
    return common <= 0 || both <= 0 ? 1.0 : 1.0 - static_cast<double>(common) / static_cast<double>(both);
}

/// A temporary file that is removed at the end of the scope, unless it was moved to its place.
class Temporary {
public:
    explicit Temporary(fs::path path) : path_(std::move(path)) {}
    Temporary(const Temporary &) = delete;
    Temporary &operator=(const Temporary &) = delete;
    ~Temporary() {
        std::error_code ignored; // nothing more can be done
        fs::remove(path_, ignored);
    }

    const fs::path &path() const { return path_; }

    /// Throws Problem (output); a name reserved for the file is then free again.
    void move_to(const fs::path &place) const {
        std::error_code error, other;
        fs::rename(path_, place, error);
        if (error) {
            if (fs::file_size(place, other) == 0 && !other) {
                fs::remove(place, other);
            }
            throw Problem(Problem::Kind::output, place.string() + ": cannot be written: " + error.message());
        }
    }

private:
    fs::path path_;
};

} // namespace

std::vector<std::pair<std::size_t, std::size_t>> matches(const std::vector<Placed> &ours,
                                                         const std::vector<TimelineItem> &items) {
    // Whether the media has another path now, range, distance on the timeline, and the indices
    // themselves, so that the order is always the same.
    std::vector<std::tuple<bool, double, Flicks, std::size_t, std::size_t>> candidates;
    for (std::size_t own = 0; own < ours.size(); ++own) {
        const TimelineItem &made_for = ours[own].made_for;
        const bool is_moved = std::none_of(items.begin(), items.end(), [&](const TimelineItem &item) {
            return item.media_path == made_for.media_path;
        });
        const std::string name = file_name_of(made_for.media_path);
        for (std::size_t item = 0; item < items.size(); ++item) {
            const std::string &path = items[item].media_path;
            if (is_moved ? name != file_name_of(path) : made_for.media_path != path) {
                continue;
            }
            const Flicks distance = std::min(std::abs(items[item].timeline_start - ours[own].timeline_start),
                                             std::abs(items[item].timeline_start - made_for.timeline_start));
            const double range = apart(made_for, items[item]);
            if (range < 1.0 || distance == 0) {
                candidates.emplace_back(is_moved, range, distance, own, item);
            }
        }
    }
    std::sort(candidates.begin(), candidates.end());
    std::vector<bool> own_taken(ours.size()), item_taken(items.size());
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (const auto &[is_moved, range, distance, own, item] : candidates) {
        if (!own_taken[own] && !item_taken[item]) {
            own_taken[own] = item_taken[item] = true;
            pairs.emplace_back(own, item);
        }
    }
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

std::vector<Task> Reconciler::look() {
    const std::vector<TimelineItem> items = timeline_.items();
    const std::vector<Placed> ours = timeline_.ours();
    folder_ = timeline_.sound_folder();
    markers_ = timeline_.markers();
    files_.clear();
    std::vector<Task> tasks;
    for (const Placed &placed : ours) {
        Task task;
        task.item = placed.made_for;
        task.placed = placed;
        task.settings = placed.settings;
        task.gone = true;
        tasks.push_back(task);
        files_.push_back(placed.wav);
    }
    std::vector<std::optional<TimelineItem>> clips(ours.size());
    for (const auto &[own, item] : matches(ours, items)) {
        tasks[own].item = items[item];
        timeline_.examine(tasks[own].item);
        tasks[own].gone = false;
        clips[own] = tasks[own].item;
    }
    const std::vector<FoundMarkers> found = find_markers(ours, clips, markers_);
    for (std::size_t own = 0; own < ours.size(); ++own) {
        Task &task = tasks[own];
        task.beats = after_edits(ours[own], found[own], markers_);
        task.arrange = task.beats.are_shown && (found[own].is_moved() || found[own].is_empty());
        for (const auto &marker : found[own].markers) {
            if (marker) {
                markers_[*marker].is_ours = true;
                task.markers.push_back(markers_[*marker]);
            }
        }
    }
    return tasks;
}

void Reconciler::show_beats(Task &task) const {
    if (const std::string reason = timeline_.why_no_markers(); !reason.empty()) {
        throw Problem(Problem::Kind::usage, reason);
    }
    task.beats.are_shown = true;
    task.arrange = true;
}

Task Reconciler::look_at(const std::string &item_id, const Settings &settings) {
    for (Task &task : look()) {
        if (!task.gone && task.item.id == item_id) {
            for (const auto &[key, value] : settings) {
                task.settings[key] = value;
            }
            return task;
        }
    }
    for (const TimelineItem &item : timeline_.items()) {
        if (item.id == item_id) {
            Task task;
            task.item = item;
            timeline_.examine(task.item);
            task.settings = settings;
            return task;
        }
    }
    throw Problem(Problem::Kind::usage, "there is no video clip " + item_id + " on the timeline");
}

std::ptrdiff_t Reconciler::uses(const std::string &file) const {
    return std::count(files_.begin(), files_.end(), file);
}

/// Whether the file of a clip's sound holds the sound that is wanted now.
bool Reconciler::is_up_to_date(Task &task, const SoundFolder &sounds) const {
    std::error_code error;
    if (!task.placed || !fs::is_regular_file(task.placed->wav, error)) {
        return false;
    }
    const std::string &wav = task.placed->wav;
    // A file elsewhere, or without a mark, was put there by the user: it stays as long as the clip
    // is unchanged.
    const auto marked = sounds.is_place(wav) ? marked_key(wav) : std::nullopt;
    if (marked.value_or(task.placed->key) == task.key) {
        return true;
    }
    if (task.placed->key == task.key) {
        task.note = wav + ": held another soundtrack than that of this clip; it was made again";
    }
    return false;
}

/// Whether the file of a clip's sound is not ours and so must not be overwritten; a note for the
/// user says that it stays.
bool Reconciler::is_left(Task &task, const SoundFolder &sounds) const {
    std::error_code error;
    if (!task.placed || !fs::exists(fs::symlink_status(task.placed->wav, error))) {
        return false;
    }
    const std::string reason = sounds.why_not_ours(task.placed->wav);
    if (!reason.empty()) {
        task.note = task.placed->wav + ": " + reason +
                    ", so it was left unchanged, and the new sound is in another file";
    }
    return !reason.empty();
}

/// Where finished sound goes: over the file that it replaces, if that is ours and nobody else needs
/// it, or to a new name, which is reserved. `seen` is the key of the old file at the time when
/// making the sound was decided.
std::string Reconciler::file_for(Task &task, const SoundFolder &sounds, const std::optional<std::string> &seen) const {
    // A clip that was copied with its sound shares the file until the two differ.
    if (task.placed && uses(task.placed->wav) < 2) {
        const std::string &old = task.placed->wav;
        std::error_code error;
        const bool is_there = fs::exists(fs::symlink_status(old, error));
        if (is_there ? !is_left(task, sounds) && marked_key(old) == seen : sounds.is_place(old) && sounds.reserve(old)) {
            return old;
        }
        // It is not ours, or another run has put its sound there in the meantime.
    }
    return sounds.reserve_for(task.item.file(), [&](const std::string &path) { return uses(path) > 0; });
}

void Reconciler::use(Task &task, const std::string &wav) {
    task.wav = wav;
    task.made = true;
    const auto old = task.placed ? std::find(files_.begin(), files_.end(), task.placed->wav) : files_.end();
    if (old != files_.end()) {
        *old = wav;
    } else {
        files_.push_back(wav);
    }
}

void Reconciler::work_on(Task &task, const Progress &progress) {
    if (task.item.is_elsewhere) {
        throw Problem(Problem::Kind::input, task.item.media_path + ": cannot be given a soundtrack: " + task.item.unfit);
    }
    if (!task.item.unfit.empty()) {
        throw Problem(task.item.unfit_kind, task.item.name + ": cannot be given a soundtrack: " + task.item.unfit,
                      task.item.unfit_code);
    }
    const SoundOrder order = order_of(task, markers_);
    const SoundFolder sounds(folder_, timeline_.project_path());
    task.key = maker_.key(order);
    const auto seen = task.placed ? marked_key(task.placed->wav) : std::nullopt;
    if (is_up_to_date(task, sounds)) {
        task.wav = task.placed->wav;
    } else if (const auto orphan = sounds.orphan(task.key, [&](const std::string &path) { return uses(path) > 0; })) {
        is_left(task, sounds);
        use(task, *orphan);
    } else {
        sounds.make();
        const Temporary temporary(sounds.unfinished());
        maker_.make(order, temporary.path().string(), progress);
        put_mark(temporary.path().string(), task.key);
        // The file to overwrite is chosen while no other run can choose one.
        const FolderLock lock(folder_);
        const std::string wav = file_for(task, sounds, seen);
        temporary.move_to(wav);
        use(task, wav);
    }
    if (task.beats.are_shown) {
        find_beats(task, order, progress);
    }
}

/// The beats of the sound that is wanted now, if they are not those of its record.
void Reconciler::find_beats(Task &task, const SoundOrder &order, const Progress &progress) {
    if (task.placed && task.placed->beats.are_shown && task.placed->key == task.key) {
        return;
    }
    const std::vector<Beat> beats = maker_.beats(order, progress);
    task.beats.beats = numbered(beats, task.item);
    task.arrange = true;
    if (task.beats.beats.size() < beats.size()) {
        task.note += (task.note.empty() ? "" : "; ") + task.item.name + ": has " + std::to_string(beats.size()) +
                     " beats, and markers are written for the first " + std::to_string(task.beats.beats.size());
    }
}

void Reconciler::work(std::vector<Task> &tasks, const Progress &progress) {
    SoundFolder(folder_).clear([&](const std::string &path) { return uses(path) > 0; });
    const auto count = static_cast<double>(std::max<std::size_t>(tasks.size(), 1));
    for (std::size_t index = 0; index < tasks.size(); ++index) {
        const auto share = [&](double done) {
            return !progress || progress((static_cast<double>(index) + done) / count);
        };
        if (!share(0.0)) {
            throw Problem(Problem::Kind::cancelled, "cancelled");
        }
        if (tasks[index].gone) {
            continue;
        }
        try {
            work_on(tasks[index], share);
        } catch (const Problem &problem) {
            if (problem.kind() == Problem::Kind::cancelled) {
                throw;
            }
            tasks[index].failure = problem;
        } catch (const std::exception &error) {
            // Out of memory, or a fault of a library: the other clips continue.
            tasks[index].failure = Problem(
                Problem::Kind::core, tasks[index].item.name + ": no soundtrack could be made: " + error.what());
        }
    }
}

Result Reconciler::apply_one(const Task &task, const std::vector<TimelineItem> &items) {
    Result result;
    result.item = task.item;
    result.wav = task.wav;
    result.sentence = task.note;
    if (task.gone) {
        result.what = Result::What::removed;
        result.wav = task.placed->wav;
        replace_markers(task.markers, {});
        timeline_.remove(task.placed->id);
        return result;
    }
    result.markers = task.markers.size();
    if (task.failure) {
        result.what = Result::What::failed;
        result.sentence = task.failure->what();
        result.kind = task.failure->kind();
        result.code = task.failure->code();
        return result;
    }
    const auto now = std::find_if(items.begin(), items.end(),
                                  [&](const TimelineItem &item) { return item.id == task.item.id; });
    // As the task's clip was compared with its media.
    const auto examined = [&](TimelineItem item) {
        timeline_.examine(item);
        return item;
    };
    if (now == items.end() || !same_cut(examined(*now), task.item)) {
        result.what = Result::What::failed;
        result.kind = Problem::Kind::changed;
        result.sentence = task.item.name + ": the clip was edited while its soundtrack was made";
        return result;
    }
    const bool same_sound = task.placed && !task.made && task.placed->wav == task.wav && task.placed->key == task.key;
    const bool same_place = same_sound && is_same_place(*task.placed, task.item);
    ShownBeats beats = task.beats;
    std::vector<Marker> own = task.markers;
    std::vector<Marker> markers = own;
    if (!beats.are_shown) {
        beats = {false, {}, {}, beats.fixed};
        markers.clear();
    } else if (is_arranged(task)) {
        markers = arranged(beats, task.item, without(markers_, leaving_), own);
    }
    result.markers = markers.size();
    const bool same_settings = same_sound && task.placed->settings == task.settings;
    if (!same_place || !same_settings || task.placed->beats != beats) {
        Placed placed;
        placed.id = task.placed ? task.placed->id : "";
        placed.made_for = task.item;
        placed.wav = task.wav;
        placed.key = task.key;
        placed.settings = task.settings;
        placed.beats = beats;
        placed.timeline_start = task.item.timeline_start;
        placed.duration = task.item.duration();
        timeline_.place(placed);
        result.what = !same_sound                   ? Result::What::made
                      : same_place && same_settings ? Result::What::marked
                                                    : Result::What::moved;
    }
    if (replace_markers(own, markers)) {
        result.what = result.what == Result::What::unchanged ? Result::What::marked : result.what;
    }
    return result;
}

/// Whether the markers of a sound are written again.
bool Reconciler::is_arranged(const Task &task) const {
    const bool same_sound = task.placed && !task.made && task.placed->wav == task.wav && task.placed->key == task.key;
    return task.arrange || !same_sound || !is_same_place(*task.placed, task.item);
}

/// Replaces markers of ours on the timeline, and returns whether there were any. Those that stay are
/// left as they are.
bool Reconciler::replace_markers(const std::vector<Marker> &before, const std::vector<Marker> &after) {
    leaving_ = without(leaving_, before);
    const std::vector<Marker> removed = without(before, after), added = without(after, before);
    if (removed.empty() && added.empty()) {
        return false;
    }
    timeline_.change_markers(removed, added);
    markers_ = without(markers_, removed);
    markers_.insert(markers_.end(), added.begin(), added.end());
    return true;
}

std::vector<Result> Reconciler::apply(const std::vector<Task> &tasks) {
    const std::vector<TimelineItem> items = timeline_.items();
    std::vector<Result> results;
    bool changed = false;
    leaving_.clear();
    for (const Task &task : tasks) {
        if (!task.failure && (task.gone || is_arranged(task))) {
            leaving_.insert(leaving_.end(), task.markers.begin(), task.markers.end());
        }
    }
    for (const Task &task : tasks) {
        results.push_back(apply_one(task, items));
        changed = changed ||
                  (results.back().what != Result::What::unchanged && results.back().what != Result::What::failed);
    }
    if (changed) {
        timeline_.save();
    }
    return results;
}

std::vector<Result> Reconciler::refresh(const Progress &progress, bool beats) {
    std::vector<Task> tasks = look();
    for (Task &task : tasks) {
        if (beats && !task.gone) {
            show_beats(task);
        }
    }
    work(tasks, progress);
    return apply(tasks);
}

Result Reconciler::add(const std::string &item_id, const Settings &settings, const Progress &progress, bool beats) {
    std::vector<Task> tasks{look_at(item_id, settings)};
    if (beats) {
        show_beats(tasks.front());
    }
    work(tasks, progress);
    return apply(tasks).front();
}

std::vector<Result> Reconciler::remove(const std::optional<std::string> &item_id) {
    std::vector<Result> results;
    for (const Task &task : look()) {
        if (item_id && (task.gone || task.item.id != *item_id)) {
            continue;
        }
        Result result;
        result.what = Result::What::removed;
        result.item = task.item;
        result.wav = task.placed->wav;
        replace_markers(task.markers, {});
        timeline_.remove(task.placed->id);
        results.push_back(result);
    }
    if (item_id && results.empty()) {
        throw Problem(Problem::Kind::usage, "there is no soundtrack under the chosen clip");
    }
    if (!results.empty()) {
        timeline_.save();
    }
    return results;
}

} // namespace kinescore::bridge

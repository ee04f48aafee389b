#include "readers.hpp"

#include "../kdenlive.hpp"
#include "../mlt.hpp"
#include "../otio.hpp"
#include "../reconciler.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace kinescore::bridge::fuzz {

namespace fs = std::filesystem;

namespace {

/// Number of clips that get sound; more take longer and test nothing new.
constexpr std::size_t most_clips = 2;

/// A folder that is removed with the process: the project, and a file that represents sound.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "kinescore-fuzz-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error(name + ": cannot be made");
        }
        path_ = name;
        std::ofstream(sound()) << "sound";
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    std::string sound() const { return (path_ / "sound.wav").string(); }

    std::string project(const std::string &bytes) const {
        const std::string path = (path_ / "project").string();
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }

private:
    fs::path path_;
};

const Folder &folder() {
    static const Folder one;
    return one;
}

/// Only for the reconciler's read-only functions.
class NoMaker : public Maker {
public:
    std::string key(const SoundOrder &) override { return "key"; }
    void make(const SoundOrder &, const std::string &, const Progress &) override {
        throw Problem(Problem::Kind::music, "no sound is made");
    }
};

std::string text_of(const MltTimeline &project) { return project.bytes(); }
std::string text_of(const OtioProject &project) { return project.text(); }

[[noreturn]] void damaged(const std::string &what) { throw std::logic_error(what); }

bool is_same(const TimelineItem &a, const TimelineItem &b) {
    // A timeline that contains itself appears as one item, whose length depends on the sounds in
    // it.
    if (!a.unfit.empty()) {
        return a.media_path == b.media_path && a.name == b.name && a.unfit == b.unfit;
    }
    return a.media_path == b.media_path && a.name == b.name && a.source_in == b.source_in &&
           a.source_out == b.source_out && a.timeline_start == b.timeline_start && a.unfit == b.unfit;
}

/// Reads the project again as it would be saved now, and compares the clips, which edits of sound
/// do not change.
template <class Project>
std::unique_ptr<Project> read_again(const Project &project, const std::vector<TimelineItem> &clips, const char *after) {
    std::unique_ptr<Project> again;
    std::vector<TimelineItem> now;
    try {
        again = Project::open(folder().project(text_of(project)));
        now = again->items();
    } catch (const Problem &problem) {
        damaged(std::string("cannot be read after ") + after + ": " + problem.what());
    }
    if (!std::equal(now.begin(), now.end(), clips.begin(), clips.end(), is_same)) {
        damaged(std::string("has other clips after ") + after);
    }
    return again;
}

Placed sound_for(const TimelineItem &clip) {
    Placed placed;
    placed.made_for = clip;
    placed.wav = folder().sound();
    placed.key = "key";
    placed.settings = {{"drums.style", "funk"}};
    placed.timeline_start = clip.timeline_start;
    placed.duration = clip.duration();
    return placed;
}

/// Whether an edit was made; a refused edit leaves the project unchanged.
template <class Project, class Edit> bool is_done(const Project &project, const Edit &edit) {
    const std::string before = text_of(project);
    try {
        edit();
        return true;
    } catch (const Problem &) {
        if (text_of(project) != before) {
            damaged("was changed by an edit that was refused");
        }
        return false;
    }
}

/// Adds markers for a clip, reads them again and removes them; others stay.
template <class Project>
void edit_markers(std::unique_ptr<Project> &project, const std::vector<TimelineItem> &clips, const TimelineItem &clip) {
    const std::size_t count = project->markers().size();
    ShownBeats beats;
    beats.are_shown = true;
    beats.beats = {{clip.source_in, 1, 1}, {clip.source_in + flicks_per_second / 2, 1, 2}};
    std::vector<Marker> own;
    const std::vector<Marker> added = arranged(beats, clip, project->markers(), own);
    if (!own.empty() || !is_done(*project, [&] { project->change_markers({}, added); })) {
        return;
    }
    project = read_again(*project, clips, "markers were added");
    if (project->markers().size() != count + added.size()) {
        damaged("has " + std::to_string(project->markers().size()) + " markers, and should have " +
                std::to_string(count + added.size()));
    }
    is_done(*project, [&] { project->change_markers(added, {}); });
    project = read_again(*project, clips, "markers were removed");
    if (project->markers().size() != count) {
        damaged("has " + std::to_string(project->markers().size()) + " markers after beats were removed, and had " +
                std::to_string(count));
    }
}

template <class Project> void edit(std::unique_ptr<Project> project, const std::vector<TimelineItem> &clips) {
    std::vector<TimelineItem> fit;
    for (const TimelineItem &clip : clips) {
        if (clip.unfit.empty() && clip.duration() > 0 && fit.size() < most_clips) {
            fit.push_back(clip);
        }
    }
    if (!fit.empty()) {
        edit_markers(project, clips, fit.front());
    }
    std::size_t count = project->ours().size();
    for (const TimelineItem &clip : fit) {
        count += is_done(*project, [&] { project->place(sound_for(clip)); }) ? 1 : 0;
    }
    project = read_again(*project, clips, "sounds were placed");
    const std::vector<Placed> sounds = project->ours();
    if (sounds.size() != count) {
        damaged("has " + std::to_string(sounds.size()) + " sounds, and should have " + std::to_string(count));
    }
    for (std::size_t index = 0; index < std::min(sounds.size(), most_clips); ++index) {
        Placed moved = sounds[index];
        moved.wav = folder().sound();
        moved.key = "another key";
        moved.timeline_start += flicks_per_second / 2;
        moved.duration += flicks_per_second / 3;
        is_done(*project, [&] { project->place(moved); });
    }
    project = read_again(*project, clips, "sounds were moved");
    if (project->ours().size() != sounds.size()) {
        damaged("has " + std::to_string(project->ours().size()) + " sounds after " + std::to_string(sounds.size()) +
                " were moved");
    }
    for (const Placed &sound : project->ours()) {
        is_done(*project, [&] { project->remove(sound.id); });
    }
    read_again(*project, clips, "sounds were removed");
}

template <class Project> void read_as(const std::string &bytes) {
    if (!Project::is(bytes)) {
        return;
    }
    std::unique_ptr<Project> project;
    std::vector<TimelineItem> clips;
    try {
        project = Project::open(folder().project(bytes));
        clips = project->items();
        NoMaker maker;
        Reconciler(*project, maker).look();
    } catch (const Problem &) {
        return;
    }
    if (text_of(*project) != bytes) {
        damaged("is not the same without any edit");
    }
    edit(std::move(project), clips);
}

} // namespace

void read_and_edit(const std::string &kind, const std::string &bytes) {
    if (kind == "mlt") {
        read_as<MltProject>(bytes);
    } else if (kind == "kdenlive") {
        read_as<KdenliveProject>(bytes);
    } else {
        read_as<OtioProject>(bytes);
    }
}

} // namespace kinescore::bridge::fuzz

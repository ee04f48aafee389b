/// Projects of OpenTimelineIO for tests.
#ifndef KINESCORE_BRIDGE_TESTS_OTIO_SUPPORT_HPP
#define KINESCORE_BRIDGE_TESTS_OTIO_SUPPORT_HPP

#include "../otio.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>
#include <vector>

namespace otio_support {

namespace fs = std::filesystem;
using namespace kinescore::bridge;
using Json = nlohmann::ordered_json;

inline std::string bytes_of(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string fixture(const std::string &name) {
    const std::string bytes = bytes_of(fs::path(__FILE__).parent_path() / "fixtures" / "otio" / name);
    REQUIRE_FALSE(bytes.empty());
    return bytes;
}

/// A project in its own folder.
class Project {
public:
    explicit Project(const std::string &bytes) {
        std::string name = (fs::temp_directory_path() / "kinescore-otio-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = fs::canonical(name);
        write(bytes);
    }
    Project(const Project &) = delete;
    Project &operator=(const Project &) = delete;
    ~Project() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    std::string path() const { return folder_ / "p.otio"; }
    std::string file(const std::string &name) const { return folder_ / name; }
    std::string bytes() const { return bytes_of(path()); }
    std::unique_ptr<OtioProject> open() const { return OtioProject::open(path()); }
    void write(const std::string &bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }

private:
    fs::path folder_;
};

/// The clips that can be given a soundtrack.
inline std::vector<TimelineItem> fit(Timeline &timeline) {
    std::vector<TimelineItem> items = timeline.items();
    items.erase(std::remove_if(items.begin(), items.end(), [](const TimelineItem &item) { return !item.unfit.empty(); }),
                items.end());
    return items;
}

inline TimelineItem item_named(OtioProject &project, const std::string &name) {
    const auto items = fit(project);
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const TimelineItem &item) { return item.name == name; });
    REQUIRE(found != items.end());
    return *found;
}

inline Placed sound_for(const TimelineItem &item, const std::string &wav) {
    Placed placed;
    placed.made_for = item;
    placed.wav = wav;
    placed.key = "key of " + item.name;
    placed.settings = {{"seed", "7"}, {"style", "rock \"hard\" \\ ü"}};
    placed.timeline_start = item.timeline_start;
    placed.duration = item.duration();
    return placed;
}

inline Placed sound_for(OtioProject &project, const Project &in, const std::string &name) {
    return sound_for(item_named(project, name), in.file(name + ".soundtrack.wav"));
}

inline void place_all(OtioProject &project, const Project &in) {
    for (const TimelineItem &item : fit(project)) {
        project.place(sound_for(item, in.file(item.name + ".soundtrack.wav")));
    }
}

} // namespace otio_support

#endif

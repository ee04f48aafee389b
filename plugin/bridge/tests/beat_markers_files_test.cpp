/// Beats as markers in project files: written, kept by programs that save the file, moved there, and
/// removed without a trace.

#include "../kdenlive.hpp"
#include "../reconciler.hpp"
#include "mlt_support.hpp"
#include "otio_support.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace kinescore::bridge;
using fakes::seconds;
using What = Result::What;

namespace {

/// A project in a file, and a maker of sound for it.
struct Desk {
    explicit Desk(std::string project) : path(std::move(project)) {}

    std::string bytes() const { return fakes::content(path); }

    /// Without looking for the media, which are not needed.
    std::unique_ptr<Timeline> open() const {
        const std::string kind = std::filesystem::path(path).extension().string();
        if (kind == ".kdenlive") {
            return KdenliveProject::open(path);
        }
        if (kind == ".mlt") {
            return MltProject::open(path);
        }
        return OtioProject::open(path);
    }

    /// The longest clip that can have a soundtrack; of equal ones, the last.
    std::string clip() const {
        TimelineItem longest;
        for (const TimelineItem &item : open()->items()) {
            longest = item.unfit.empty() && item.duration() >= longest.duration() ? item : longest;
        }
        REQUIRE_FALSE(longest.id.empty());
        return longest.id;
    }

    Result add(bool beats) {
        const auto timeline = open();
        return Reconciler(*timeline, maker).add(clip(), {}, {}, beats);
    }

    std::vector<What> refresh(bool beats = false) {
        std::vector<What> what;
        const auto timeline = open();
        for (const Result &result : Reconciler(*timeline, maker).refresh({}, beats)) {
            what.push_back(result.what);
        }
        return what;
    }

    void remove() {
        const auto timeline = open();
        Reconciler(*timeline, maker).remove();
    }

    void check_rest() {
        const std::string before = bytes();
        CHECK(refresh() == std::vector<What>{What::unchanged});
        CHECK(bytes() == before);
    }

    /// The markers of the timeline that have a name of a beat.
    std::vector<Marker> beats() const {
        std::vector<Marker> found = open()->markers();
        found.erase(std::remove_if(found.begin(), found.end(),
                                   [](const Marker &marker) {
                                       return marker.name.find_first_not_of("0123456789.") != std::string::npos;
                                   }),
                    found.end());
        std::sort(found.begin(), found.end(), [](const Marker &a, const Marker &b) { return a.time < b.time; });
        return found;
    }

    /// Moves a marker by frames, as a user does in an editor.
    void move(const std::string &name, int frames) {
        const auto timeline = open();
        const Ratio rate = timeline->items().front().rate;
        for (const Marker &marker : timeline->markers()) {
            if (marker.name == name) {
                Marker moved = marker;
                moved.time = flicks_of_frames(nearest_frame(marker.time, rate) + frames, rate);
                timeline->change_markers({marker}, {moved});
            }
        }
        timeline->save();
    }

    std::string path;
    fakes::FakeMaker maker;
};

bool is_same(const std::vector<Marker> &a, const std::vector<Marker> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Marker &one, const Marker &other) {
        return one.name == other.name && is_near(one.time, other.time);
    });
}

/// Beats are shown, and removed again; in between, `saved` has another program save the project.
void follows(Desk &desk, const std::function<void(const std::string &)> &saved = {}, bool is_restored = true) {
    const std::string before = desk.bytes();
    const std::size_t others = desk.open()->markers().size();
    const Result added = desk.add(true);
    CHECK(added.what == What::made);
    REQUIRE(added.markers >= 2);
    const std::vector<Marker> shown = desk.beats();
    CHECK(shown.size() == added.markers);
    CHECK(desk.open()->markers().size() == others + added.markers);
    desk.check_rest();
    CHECK(desk.refresh(true) == std::vector<What>{What::unchanged});
    if (saved) {
        saved(desk.path);
        CHECK(is_same(desk.beats(), shown));
        const auto what = desk.refresh();
        CHECK(desk.maker.made == 1);
        CHECK(what.size() == 1);
        CHECK(is_same(desk.beats(), shown));
        desk.check_rest();
    }
    desk.move(shown[1].name, -3);
    CHECK(desk.refresh() == std::vector<What>{What::made});
    const std::vector<Marker> moved = desk.beats();
    REQUIRE(moved.size() == shown.size());
    for (std::size_t index = 0; index < moved.size(); ++index) {
        CHECK(moved[index].name == shown[index].name);
        const bool is_there = is_near(moved[index].time, shown[index].time);
        CHECK(is_there == (index != 1));
    }
    CHECK(desk.maker.orders.back().find("\"number\"") != std::string::npos);
    desk.check_rest();
    if (saved) {
        saved(desk.path);
        desk.refresh();
        CHECK(desk.maker.made == 2);
        CHECK(is_same(desk.beats(), moved));
    }
    desk.remove();
    CHECK(desk.open()->markers().size() == others);
    if (!saved && is_restored) {
        CHECK(desk.bytes() == before);
    }
}

const std::string kdenlive_guide = R"({
        "comment": "Fritz &amp; \"Otto\" &lt;2.1&gt;",
        "pos": 65,
        "type": 4
    })";

/// A project of Kdenlive, with a guide of the user's if wanted.
std::string kdenlive(const std::string &generation, bool guide) {
    std::string bytes = mlt_support::fixture("kdenlive/" + generation + ".kdenlive");
    if (!guide) {
        return bytes;
    }
    const std::string list = "[\n    " + kdenlive_guide + "\n]\n";
    if (generation == "26.08") {
        const std::string name = "kdenlive:sequenceproperties.guides\">";
        REQUIRE(bytes.find(name + "[\n]\n") != std::string::npos);
        return mlt_support::replaced(bytes, name + "[\n]\n", name + list);
    }
    const std::string next = "<property name=\"kdenlive:docproperties.guidesCategories\">";
    REQUIRE(bytes.find(next) != std::string::npos);
    return mlt_support::replaced(bytes, next,
                                 "<property name=\"kdenlive:docproperties.guides\">" + list + "</property>\n  " + next);
}

std::string shotcut_markers(const std::string &indent) {
    return "\n" + indent + "<properties name=\"shotcut:markers\">\n" + indent + "  <properties name=\"4\">\n" + indent +
           "    <property name=\"text\">a note</property>\n" + indent +
           "    <property name=\"start\">00:00:02.600</property>\n" + indent + "  </properties>\n" + indent +
           "</properties>";
}

} // namespace

TEST_CASE("beats are guides of Kdenlive") {
    for (const std::string generation : {"22.12", "26.08"}) {
        for (const bool guide : {false, true}) {
            CAPTURE(generation);
            CAPTURE(guide);
            const fakes::Folder folder;
            Desk desk(mlt_support::project(folder, "p.kdenlive", kdenlive(generation, guide)));
            follows(desk);
        }
    }
}

TEST_CASE("guides of Kdenlive have its form, and a category of the project") {
    const fakes::Folder folder;
    std::string bytes = mlt_support::replaced(kdenlive("26.08", true), "\"index\": 0\n", "\"index\": 10\n");
    Desk desk(mlt_support::project(folder, "p.kdenlive", bytes));
    desk.add(true);
    const std::string name = desk.beats()[0].name;
    const std::string place = std::to_string(desk.beats()[0].time / mlt_support::frame);
    const std::string list = "[\n    " + kdenlive_guide + ",\n    {\n        \"comment\": \"" + name +
                             "\",\n        \"pos\": " + place + ",\n        \"type\": 10\n    }";
    CHECK(desk.bytes().find(list) != std::string::npos);
}

TEST_CASE("beats are not added to guides that cannot be read, and nothing is changed") {
    for (const std::string list : {"[{", "{}", "7", "[1,"}) {
        const fakes::Folder folder;
        const std::string name = "kdenlive:sequenceproperties.guides\">";
        const std::string bytes = mlt_support::replaced(kdenlive("26.08", false), name + "[\n]\n", name + list);
        Desk desk(mlt_support::project(folder, "p.kdenlive", bytes));
        const std::string before = desk.bytes();
        CHECK(mlt_support::problem_of([&] { desk.add(true); }).find("its guides") != std::string::npos);
        CHECK(desk.bytes() == before);
        CHECK(desk.add(false).what == What::made);
    }
}

TEST_CASE("beats are added to guides whose quotes are escaped") {
    const fakes::Folder folder;
    const std::string name = "kdenlive:sequenceproperties.guides\">";
    const std::string list = "[{&quot;comment&quot;: &quot;a &lt; b&quot;, &quot;pos&quot;: 3}]";
    Desk desk(mlt_support::project(folder, "p.kdenlive", mlt_support::replaced(kdenlive("26.08", false), name + "[\n]\n", name + list)));
    const Result result = desk.add(true);
    const auto markers = desk.open()->markers();
    CHECK(markers.size() == result.markers + 1);
    CHECK((markers[0].name == "a < b" && markers[0].time == 3 * mlt_support::frame));
}

TEST_CASE("beats are markers of Shotcut and of MLT") {
    for (const std::string name : {"shotcut.mlt", "melt.mlt", "melt-tracks.mlt", "playlist.mlt"}) {
        CAPTURE(name);
        const fakes::Folder folder;
        Desk desk(mlt_support::project(folder, "p.mlt", mlt_support::fixture("mlt/" + name)));
        follows(desk);
    }
    // With a marker of the user's.
    const fakes::Folder folder;
    const std::string main = "<property name=\"shotcut\">1</property>";
    std::string bytes = mlt_support::fixture("mlt/shotcut.mlt");
    REQUIRE(bytes.find(main) != std::string::npos);
    Desk desk(mlt_support::project(folder, "user.mlt", mlt_support::replaced(bytes, main, main + shotcut_markers("    "))));
    follows(desk);
}

TEST_CASE("markers in a timeline that gets a wrapper are still read, and beats are written beside them") {
    const fakes::Folder folder;
    std::string bytes = mlt_support::fixture("mlt/melt-tracks.mlt");
    const std::size_t tractor = bytes.rfind("<tractor");
    REQUIRE(tractor != std::string::npos);
    bytes.insert(bytes.find('>', tractor) + 1, shotcut_markers("    "));
    Desk desk(mlt_support::project(folder, "p.mlt", bytes));
    REQUIRE(desk.open()->markers().size() == 1);
    follows(desk);
}

TEST_CASE("melt reads the markers of beats, and plays the project") {
    if (!mlt_support::can_listen()) {
        MESSAGE("left out: melt or ffmpeg is missing");
        return;
    }
    for (const std::string name : {"shotcut.mlt", "melt.mlt", "melt-tracks.mlt"}) {
        CAPTURE(name);
        const fakes::Folder folder;
        REQUIRE(mlt_support::make_media(folder));
        Desk desk(mlt_support::project(folder, "p.mlt", mlt_support::fixture("mlt/" + name)));
        desk.add(true);
        // melt saves a project that it has read as a reference to it, with the properties of its timeline.
        const std::string saved = folder.path() + "/saved.mlt";
        REQUIRE(mlt_support::runs_melt("QT_QPA_PLATFORM=offscreen melt '" + desk.path + "' -consumer xml:'" + saved + "'"));
        const std::string bytes = fakes::content(saved);
        CHECK(bytes.find("p.mlt</property>") != std::string::npos);
        for (const Marker &marker : desk.beats()) {
            const std::string text = "<property name=\"text\">" + marker.name + "</property>";
            const bool is_inner = name == "melt-tracks.mlt";
            CHECK((is_inner || bytes.find(text) != std::string::npos));
        }
    }
}

TEST_CASE("projects that Kdenlive and Shotcut have saved have their markers of beats, and the record of them") {
    for (const std::string name : {"kdenlive/22.12-beats.kdenlive", "mlt/shotcut-beats.mlt"}) {
        CAPTURE(name);
        const fakes::Folder folder;
        Desk desk(mlt_support::project(folder, "p" + std::filesystem::path(name).extension().string(), mlt_support::fixture(name)));
        const auto looked = [&] {
            const auto timeline = desk.open();
            const std::vector<Task> tasks = Reconciler(*timeline, desk.maker).look();
            REQUIRE(tasks.size() == 1);
            CHECK(tasks[0].markers.size() == 3);
            CHECK_FALSE(tasks[0].gone);
            return tasks[0];
        };
        Task task = looked();
        CHECK_FALSE(task.arrange);
        CHECK(task.beats == task.placed->beats);
        CHECK(spelled_beats(task.beats) == "25/1 282240000=1.1 635040000=1.2 988000000~1.3 1340000000!2.1");
        CHECK(spelled_fixed(task.beats) == "282240000 635040000:2");
        // The user moves one, and then one to the end of the clip, to which editors snap.
        desk.move("1.2", -3);
        task = looked();
        CHECK(task.arrange);
        CHECK(spelled_fixed(task.beats) == "282240000 564480000:2 988000000 1340000000");
        desk.move("1.2", 40);
        task = looked();
        CHECK(spelled_fixed(task.beats) == "282240000 1340000000 1665216000:2");
        desk.remove();
        CHECK(desk.open()->markers().empty());
    }
}

TEST_CASE("beats are markers of the stack of OpenTimelineIO") {
    for (const std::string name : {"cut.otio", "ntsc.otio"}) {
        CAPTURE(name);
        const otio_support::Project in(otio_support::fixture(name));
        Desk desk(in.path());
        // The other one has no list of markers, and keeps an empty one.
        follows(desk, {}, name == "cut.otio");
    }
}

TEST_CASE("beats are added to a stack with markers, and to one without a list of them") {
    const auto media = R"({"OTIO_SCHEMA": "ExternalReference.1", "target_url": "dance.mp4", "available_range": null})";
    const auto range = [](int start, int length) {
        const auto time = [](int value) {
            return "{\"OTIO_SCHEMA\": \"RationalTime.1\", \"rate\": 25.0, \"value\": " + std::to_string(value) + ".0}";
        };
        return "{\"OTIO_SCHEMA\": \"TimeRange.1\", \"start_time\": " + time(start) + ", \"duration\": " + time(length) + "}";
    };
    const std::string tracks = std::string("\"children\": [{\"OTIO_SCHEMA\": \"Track.1\", \"kind\": \"Video\", \"children\": [") +
                               "{\"OTIO_SCHEMA\": \"Clip.1\", \"name\": \"dance\", \"source_range\": " + range(25, 100) +
                               ", \"media_reference\": " + media + "}]}]";
    const std::string marker =
        "{\"OTIO_SCHEMA\": \"Marker.2\", \"name\": \"a note\", \"marked_range\": " + range(33, 0) + "}";
    const auto file = [&](const std::string &before, const std::string &after) {
        return "{\"OTIO_SCHEMA\": \"Timeline.1\", \"name\": \"t\", \"tracks\": {\"OTIO_SCHEMA\": \"Stack.1\", " + before +
               tracks + after + "}}";
    };
    // The markers of a stack are in its own time, which begins at frame 20 here.
    const std::string trimmed = "\"source_range\": " + range(20, 80) + ", ";
    for (const auto &[before, after] : std::vector<std::pair<std::string, std::string>>{
             {"\"markers\": [], ", ""}, {"", ", \"markers\": []"}, {"\"markers\": [" + marker + ", 7 ], ", ""},
             {"", ", \"markers\": [ " + marker + "]"}}) {
        CAPTURE(before + after);
        const otio_support::Project in(file(before, after));
        Desk desk(in.path());
        follows(desk);
    }
    for (const auto &[before, after] :
         std::vector<std::pair<std::string, std::string>>{{"", ""}, {"\"markers\": null, ", ""}}) {
        const otio_support::Project in(file(before, after));
        Desk desk(in.path());
        const Result added = desk.add(true);
        CHECK(desk.beats().size() == added.markers);
        desk.check_rest();
        desk.remove();
        CHECK(desk.open()->markers().empty());
    }
    const otio_support::Project wrong(file("\"markers\": {}, ", ""));
    Desk refused(wrong.path());
    CHECK(mlt_support::problem_of([&] { refused.add(true); }).find("\"markers\" of the stack") != std::string::npos);
    CHECK(wrong.bytes() == file("\"markers\": {}, ", ""));
    const otio_support::Project in(file(trimmed, ""));
    Desk desk(in.path());
    desk.add(true);
    const auto item = desk.open()->items().front();
    for (const Marker &one : desk.beats()) {
        CHECK((one.time >= item.timeline_start && one.time < item.timeline_start + item.duration()));
    }
    // The clip is seen from 1.8 s of its media on, where there is a beat every half second.
    CHECK(desk.beats()[0].time == 5 * mlt_support::frame);
}

TEST_CASE("beats survive OpenTimelineIO itself, which reads the file and writes it") {
    const char *python = std::getenv("KINESCORE_OTIO_PYTHON");
    if (python == nullptr) {
        MESSAGE("left out: KINESCORE_OTIO_PYTHON does not name a Python with OpenTimelineIO");
        return;
    }
    const auto saved = [&](const std::string &path) {
        const std::string program = "import sys, opentimelineio as otio; path = sys.argv[1]; "
                                    "timeline = otio.adapters.read_from_file(path); "
                                    "assert any(\"kinescore\" in marker.metadata for marker in timeline.tracks.markers); "
                                    "otio.adapters.write_to_file(timeline, path)";
        REQUIRE(outside::runs_shown(std::string("'") + python + "' -c '" + program + "' '" + path + "'"));
    };
    for (const std::string name : {"cut.otio", "ntsc.otio"}) {
        CAPTURE(name);
        const otio_support::Project in(otio_support::fixture(name));
        Desk desk(in.path());
        follows(desk, saved);
    }
}

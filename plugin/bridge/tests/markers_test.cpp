#include "../kdenlive.hpp"
#include "../markers.hpp"
#include "../open.hpp"
#include "../reconciler.hpp"
#include "mlt_support.hpp"
#include "otio_support.hpp"

#include <doctest/doctest.h>

using namespace kinescore::bridge;
using fakes::clip;
using fakes::seconds;
using otio_support::Json;

namespace {

/// What markers with these names set for a clip that plays its media from 10 s on, at double speed,
/// from 4 s to 8 s of the timeline.
Json marks(const std::vector<Marker> &markers) {
    TimelineItem item = clip("v0/1", "/m/dance.mp4", 10, 18, 4);
    item.speed = {2, 1};
    const std::string text = marks_of(item, markers);
    return text.empty() ? Json() : Json::parse(text);
}

/// Names with times in frames of the markers of a project with 25 frames a second.
std::vector<std::pair<std::string, Flicks>> listed(Timeline &timeline) {
    std::vector<std::pair<std::string, Flicks>> found;
    for (const Marker &marker : timeline.markers()) {
        found.emplace_back(marker.name, marker.time / mlt_support::frame);
    }
    return found;
}

using Listed = std::vector<std::pair<std::string, Flicks>>;

} // namespace

TEST_CASE("markers over a clip are marks in the time of its media") {
    CHECK(marks({}).is_null());
    CHECK(marks({{seconds(5), "a note"}, {seconds(5), "hitchcock"}, {seconds(5), "beats"}}).is_null());
    CHECK(marks({{seconds(3.9), "hit"}, {seconds(8), "hit"}}).is_null());
    const Json found = marks({{seconds(6), "Downbeat"},
                              {seconds(4), "hit"},
                              {seconds(7.5), "HIT (chord, stop): Jump, high"},
                              {seconds(5), "beat 3"},
                              {seconds(7), "beat 12"}});
    CHECK(found == Json::parse(R"({"format": "kinescore-marks", "version": 1,
        "beats": [{"time": 12.0, "number": 3}, {"time": 14.0, "number": 1}, {"time": 16.0}],
        "hits": [{"time": 10.0}, {"time": 17.0, "label": "Jump, high", "answer": ["chord", "stop"]}]})"));
}

TEST_CASE("markers that the library would refuse are left out") {
    // 20 ms of the timeline are 40 ms of the media.
    CHECK(marks({{seconds(5), "hit one"}, {seconds(5.02), "hit two"}, {seconds(5.03), "hit three"}})["hits"].size() == 2);
    CHECK(marks({{seconds(5), "beat"}, {seconds(5.04), "beat"}})["beats"].size() == 1);
    std::string label = marks({{seconds(5), "hit " + std::string(200, 'x') + "\n"}})["hits"][0]["label"];
    CHECK(label == std::string(80, 'x'));
    std::string wide;
    for (int count = 0; count < 100; ++count) {
        wide += "ü";
    }
    label = marks({{seconds(5), "hit " + wide}})["hits"][0]["label"];
    CHECK(label == wide.substr(0, 160));
    CHECK_FALSE(marks({{seconds(5), "hit \xFF"}})["hits"][0].contains("label"));
    CHECK(marks({{seconds(5), "hit drums drums a\tb"}})["hits"][0] ==
          Json::parse(R"({"time": 12.0, "label": "a b", "answer": ["drums"]})"));
}

TEST_CASE("a marker of a clip or a track is for that clip and for the clips of that track") {
    const auto is_set = [](const std::string &scope) { return !marks({{seconds(5), "hit", scope}}).is_null(); };
    CHECK((is_set("") && is_set("v0") && is_set("v0/1")));
    CHECK_FALSE((is_set("v1") || is_set("v0/2") || is_set("v0/1/0") || is_set("v0/")));
}

TEST_CASE("guides of Kdenlive are read from a sequence, and from a project that is one timeline") {
    const MltClock clock(Ratio{25, 1});
    const std::string guides = R"([{"comment": "hit: jump", "pos": 50, "type": 0}, {"comment": "x", "pos": -3},
        {"comment": 5, "pos": 3}, {"pos": 3}, 7, {"comment": "beat", "pos": 60}])";
    const auto found = guides_of_kdenlive(guides, clock);
    REQUIRE(found.size() == 2);
    CHECK((found[0].time == seconds(2) && found[0].name == "hit: jump" && found[1].time == seconds(2.4)));
    CHECK(guides_of_kdenlive("", clock).empty());
    CHECK(guides_of_kdenlive("[{", clock).empty());
    CHECK(guides_of_kdenlive("{}", clock).empty());
    const fakes::Folder folder;
    const std::string one = R"([{"comment": "downbeat", "pos": 25, "type": 0}])";
    std::string bytes = mlt_support::fixture("kdenlive/26.08.kdenlive");
    const std::string empty = "<property name=\"kdenlive:sequenceproperties.guides\">[\n]\n</property>";
    REQUIRE(bytes.find(empty) != std::string::npos);
    bytes = mlt_support::replaced(bytes, empty, "<property name=\"kdenlive:sequenceproperties.guides\">" + one + "</property>");
    CHECK(listed(*KdenliveProject::open(mlt_support::project(folder, "new.kdenlive", bytes))) == Listed{{"downbeat", 25}});
    bytes = mlt_support::fixture("kdenlive/22.12.kdenlive");
    const std::string bin = "<property name=\"kdenlive:docproperties.guidesCategories\">";
    REQUIRE(bytes.find(bin) != std::string::npos);
    bytes = mlt_support::replaced(bytes, bin, "<property name=\"kdenlive:docproperties.guides\">" + one + "</property>\n" + bin);
    CHECK(listed(*KdenliveProject::open(mlt_support::project(folder, "old.kdenlive", bytes))) == Listed{{"downbeat", 25}});
}

TEST_CASE("markers of Shotcut are read") {
    const fakes::Folder folder;
    std::string bytes = mlt_support::fixture("mlt/shotcut.mlt");
    CHECK(listed(*MltProject::open(mlt_support::project(folder, "none.mlt", bytes))).empty());
    const std::string main = "<property name=\"shotcut\">1</property>";
    REQUIRE(bytes.find(main) != std::string::npos);
    bytes = mlt_support::replaced(bytes, main, main + R"(
    <properties name="shotcut:markers">
      <properties name="0">
        <property name="text">hit</property>
        <property name="start">00:00:02.000</property>
        <property name="end">00:00:02.000</property>
        <property name="color">#008000</property>
      </properties>
      <properties name="1">
        <property name="text">no time</property>
        <property name="start">soon</property>
      </properties>
      <properties name="2">
        <property name="text">beat 2</property>
        <property name="start">75</property>
      </properties>
    </properties>)");
    const auto project = MltProject::open(mlt_support::project(folder, "markers.mlt", bytes));
    const std::vector<Marker> found = project->markers();
    REQUIRE(found.size() == 2);
    CHECK((found[0].name == "hit" && found[0].time == seconds(2)));
    CHECK(found[1].name == "beat 2");
    // As programs open projects, which may search for media.
    CHECK(open_project(folder.path() + "/markers.mlt")->markers().size() == 2);
}

TEST_CASE("markers of OpenTimelineIO are in the time of what they are on") {
    const auto time = [](double value) {
        return Json{{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25.0}, {"value", value}};
    };
    const auto range = [&](double start, double duration) {
        return Json{{"OTIO_SCHEMA", "TimeRange.1"}, {"start_time", time(start)}, {"duration", time(duration)}};
    };
    const auto marker = [&](const std::string &name, double frame) {
        return Json{{"OTIO_SCHEMA", "Marker.2"}, {"name", name}, {"marked_range", range(frame, 0)}};
    };
    const auto list = [](std::vector<Json> values) {
        Json found = Json::array();
        for (const Json &value : values) {
            found.push_back(value);
        }
        return found;
    };
    const Json media{{"OTIO_SCHEMA", "ExternalReference.1"}, {"target_url", "dance.mp4"}, {"available_range", nullptr}};
    const Json clip_json{{"OTIO_SCHEMA", "Clip.2"},
                         {"name", "dance"},
                         {"source_range", range(100, 50)},
                         {"media_references", Json{{"DEFAULT_MEDIA", media}}},
                         {"active_media_reference_key", "DEFAULT_MEDIA"},
                         {"markers", list({marker("hit", 110), Json{{"OTIO_SCHEMA", "Marker.2"}, {"name", "hit lost"}}})}};
    const Json gap{{"OTIO_SCHEMA", "Gap.1"}, {"source_range", range(0, 25)}};
    const Json track{{"OTIO_SCHEMA", "Track.1"},
                     {"kind", "Video"},
                     {"children", list({gap, clip_json})},
                     {"markers", list({marker("beat", 30)})}};
    const Json file{{"OTIO_SCHEMA", "Timeline.1"},
                    {"name", "t"},
                    {"tracks", Json{{"OTIO_SCHEMA", "Stack.1"},
                                    {"children", list({track})},
                                    {"markers", list({marker("downbeat", 40)})}}}};
    const otio_support::Project in(file.dump());
    const auto project = in.open();
    CHECK(listed(*project) == Listed{{"downbeat", 40}, {"beat", 30}, {"hit", 35}});
    const auto items = project->items();
    REQUIRE(items.size() == 1);
    CHECK(Json::parse(marks_of(items[0], project->markers())) ==
          Json::parse(R"({"format": "kinescore-marks", "version": 1, "beats": [{"time": 4.2}, {"time": 4.6, "number": 1}],
              "hits": [{"time": 4.4}]})"));
}

TEST_CASE("a sound is made again when the markers over its clip change, and only then") {
    const fakes::Folder folder;
    fakes::FakeTimeline timeline{folder.path()};
    fakes::FakeMaker maker;
    Reconciler reconciler{timeline, maker};
    timeline.clips = {clip("a", "/m/dance.mp4", 0, 5, 0), clip("b", "/m/walk.mp4", 1, 4, 5)};
    reconciler.add("a", {});
    reconciler.add("b", {});
    REQUIRE(maker.made == 2);
    timeline.marks = {{seconds(2), "hit"}, {seconds(6), "a note"}};
    reconciler.refresh();
    CHECK(maker.made == 3);
    reconciler.refresh();
    CHECK(maker.made == 3);
    timeline.marks = {{seconds(2.04), "hit"}};
    reconciler.refresh();
    CHECK(maker.made == 4);
    timeline.marks.clear();
    reconciler.refresh();
    CHECK(maker.made == 5);
}

// Clips in OpenTimelineIO that cannot be given a soundtrack, numbers that are none, and nesting without end.

#include "otio_support.hpp"

#include <doctest/doctest.h>

using namespace otio_support;

namespace {

/// The only clip of a timeline, the reference and range of which are given.
TimelineItem only_clip(const Json &reference, const Json &more = Json::object(), const Json &track_more = Json::object()) {
    const auto time = [](double value) {
        return Json{{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25}, {"value", value}};
    };
    Json clip{{"OTIO_SCHEMA", "Clip.1"},
              {"name", "one"},
              {"media_reference", reference},
              {"source_range",
               {{"OTIO_SCHEMA", "TimeRange.1"}, {"start_time", time(10)}, {"duration", time(50)}}}};
    clip.update(more);
    Json track{{"OTIO_SCHEMA", "Track.1"}, {"name", "V1"}, {"kind", "Video"}, {"children", Json::array({clip})}};
    track.update(track_more);
    const Json timeline{{"OTIO_SCHEMA", "Timeline.1"},
                        {"tracks", {{"OTIO_SCHEMA", "Stack.1"}, {"children", Json::array({track})}}}};
    const Project in(timeline.dump());
    const auto items = in.open()->items();
    return items.size() == 1 ? items[0] : TimelineItem();
}

Json external(const std::string &url) {
    return {{"OTIO_SCHEMA", "ExternalReference.1"}, {"target_url", url}};
}

} // namespace

TEST_CASE("otio: a clip that cannot be given a soundtrack says why, and keeps its place") {
    const auto starts = [](const TimelineItem &item, const std::string &reason) {
        CAPTURE(item.unfit);
        CHECK(!item.id.empty());
        CHECK(item.unfit.compare(0, reason.size(), reason) == 0);
        CHECK(item.timeline_start == 0);
    };
    const Json video = external("a.mp4");
    CHECK(only_clip(video).unfit.empty());
    CHECK(!only_clip(video).id.empty());
    const auto effect = [](const char *schema, double scalar) {
        return Json{{"effects", Json::array({{{"OTIO_SCHEMA", schema}, {"time_scalar", scalar}}})}};
    };
    starts(only_clip(video, effect("LinearTimeWarp.1", -1)), "it is played backwards");
    starts(only_clip(video, effect("FreezeFrame.1", 0)), "it stands still");
    starts(only_clip(video, effect("LinearTimeWarp.1", 5000)), "it is played at 5000.0 of its speed");
    starts(only_clip(video, {{"enabled", false}}), "it is switched off");
    starts(only_clip(video, Json::object(), {{"enabled", false}}), "it is switched off");
    starts(only_clip(video, Json::object(), effect("LinearTimeWarp.1", 2)), "the track around it");
    starts(only_clip({{"OTIO_SCHEMA", "MissingReference.1"}}), "the project does not say where its media is");
    starts(only_clip({{"OTIO_SCHEMA", "ImageSequenceReference.1"}, {"target_url_base", "shots"}}),
           "it is a sequence of stills");
    starts(only_clip(external("http://127.0.0.1:9/a.mp4")), "its media is not a file on this computer: http:");
    for (const char *name : {"C:\\Users\\a.mp4", "C:/Users/a.mp4", "file:///C:/Users/a.mp4", "\\\\server\\a.mp4",
                             "file:///c%3A/Users/a.mp4"}) {
        CAPTURE(name);
        starts(only_clip(external(name)), "its media is named by a path of Windows");
        CHECK(only_clip(external(name)).media_path == name);
    }
    starts(only_clip(external("other.kdenlive")), "it is a project of its own");
    Json behind = video;
    behind["available_range"] = {
        {"OTIO_SCHEMA", "TimeRange.1"},
        {"start_time", {{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25}, {"value", 0}}},
        {"duration", {{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25}, {"value", 10}}}};
    starts(only_clip(behind), "it lies outside of its media");
    // What has no moving picture is no clip.
    CHECK(only_clip(external("a.wav")).id.empty());
    CHECK(only_clip(external("a.png")).id.empty());
    CHECK(only_clip({{"OTIO_SCHEMA", "GeneratorReference.1"}}).id.empty());
}

TEST_CASE("otio: numbers as OpenTimelineIO writes them are read, and stay as they are") {
    const std::string text = R"({"OTIO_SCHEMA": "Timeline.1", "metadata": {"a": NaN, "b": [Infinity, -Infinity], "c": "NaN, Infinity"},
  "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [
    {"OTIO_SCHEMA": "Clip.1", "name": "one", "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "a.mp4"},
     "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
                      "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 50}}}]}]}})";
    const Project in(text);
    const auto project = in.open();
    REQUIRE(project->items().size() == 1);
    CHECK(project->text() == text);
    place_all(*project, in);
    CHECK(project->text().find(R"({"a": NaN, "b": [Infinity, -Infinity], "c": "NaN, Infinity"})") != std::string::npos);
    // Where a number is needed, it has to be one.
    std::string wrong = text;
    wrong.replace(wrong.find("\"value\": 50"), 11, "\"value\": NaN");
    in.write(wrong);
    CHECK_THROWS_WITH_AS(in.open(), doctest::Contains("\"value\" in \"source_range\" of clip 'one' is missing or not a number"),
                         Problem);
}

TEST_CASE("otio: nesting without end is refused, in metadata and in our own settings too") {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    const auto with = [&](const std::string &metadata) {
        return R"({"OTIO_SCHEMA": "Timeline.1", "metadata": {"x": )" + metadata +
               R"(}, "tracks": {"OTIO_SCHEMA": "Stack.1", "children": []}})";
    };
    Project(with(nested(900))).open();
    for (const std::size_t levels : {std::size_t(1'001), std::size_t(200'000)}) {
        const Project in(with(nested(levels)));
        CHECK_THROWS_WITH_AS(in.open(), doctest::Contains("nested more than 1000 deep"), Problem);
    }
    CHECK_THROWS_AS(Project(with(std::string(200'000, '['))).open(), Problem);
    CHECK_THROWS_AS(Project(with("\"" + std::string(200'000, '['))).open(), Problem);
    // Brackets in texts are none.
    Project(with("\"" + std::string(200'000, '[') + "\\\"[\"")).open();
}

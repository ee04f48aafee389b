// Clips in OpenTimelineIO that cannot be given a soundtrack, invalid numbers, and nesting without
// end.

#include "../url.hpp"
#include "otio_support.hpp"

#include <doctest/doctest.h>

using namespace otio_support;

namespace {

/// The only clip of a timeline, with the given reference and range.
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
    starts(only_clip(video, effect("LinearTimeWarp.1", 5000)), "it is played at a speed of 5000; expected 0.25 to 4");
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
        starts(only_clip(external(name)), "its media has a Windows path");
        CHECK(only_clip(external(name)).media_path == name);
    }
    starts(only_clip(external("other.kdenlive")), "it is a nested project");
    Json behind = video;
    behind["available_range"] = {
        {"OTIO_SCHEMA", "TimeRange.1"},
        {"start_time", {{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25}, {"value", 0}}},
        {"duration", {{"OTIO_SCHEMA", "RationalTime.1"}, {"rate", 25}, {"value", 10}}}};
    starts(only_clip(behind), "it lies outside of its media");
    // A clip without a moving picture is not listed.
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
    // A clip with unknown times is listed with that reason.
    for (const std::string number : {"NaN", "Infinity", "-Infinity"}) {
        for (const std::string field : {"\"value\": 50", "\"value\": 0", "\"rate\": 25, \"value\": 50"}) {
            CAPTURE(field);
            std::string wrong = text;
            wrong.replace(wrong.find(field), field.size(),
                          field.substr(0, field.find(' ')) + " " + number +
                              (field.find(',') == std::string::npos ? "" : ", \"value\": 50"));
            in.write(wrong);
            const auto items = in.open()->items();
            REQUIRE(items.size() == 1);
            CHECK(items[0].unfit == "its times are infinite, or not numbers");
        }
    }
    // A value that is not a number at all is refused.
    std::string wrong = text;
    wrong.replace(wrong.find("\"value\": 50"), 11, "\"value\": \"x\"");
    in.write(wrong);
    CHECK_THROWS_AS(in.open(), Problem);
}

TEST_CASE("otio: one timeline of a collection is chosen, and sound goes into that one") {
    const auto timeline = [](const std::string &name, const std::string &media) {
        return R"({"OTIO_SCHEMA": "Timeline.1", "name": ")" + name +
               R"(", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [
    {"OTIO_SCHEMA": "Clip.1", "name": ")" +
               media + R"(", "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": ")" + media +
               R"("}, "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
                      "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 50}}}]}]}})";
    };
    const auto collection = [](const std::string &children) {
        return R"({"OTIO_SCHEMA": "SerializableCollection.1", "name": "all", "children": [)" + children + "]}";
    };
    const Project in(collection(timeline("one", "a.mp4") + ", " + collection(timeline("two", "b.mp4")) + ", " +
                                timeline("two", "c.mp4")));
    const auto media = [&](const std::string &wanted) {
        const auto items = OtioProject::open(in.path(), wanted)->items();
        REQUIRE(items.size() == 1);
        return fs::path(items[0].media_path).filename().string();
    };
    CHECK(media("one") == "a.mp4");
    CHECK(media("2") == "b.mp4");
    CHECK(media("3") == "c.mp4");
    const auto refused = [&](const std::string &wanted, const char *sentence) {
        CHECK_THROWS_WITH_AS(OtioProject::open(in.path(), wanted), doctest::Contains(sentence), Problem);
    };
    refused("", "has 3 timelines (1 'one', 2 'two', 3 'two'), and one has to be chosen");
    refused("two", "2 are named \"two\": choose one by its number");
    refused("4", "no timeline is named or numbered \"4\"");
    refused("0", "no timeline is named or numbered \"0\"");
    const std::string before = in.bytes();
    for (const std::string wanted : {"1", "2", "3"}) {
        CAPTURE(wanted);
        const auto project = OtioProject::open(in.path(), wanted);
        place_all(*project, in);
        const Json whole = Json::parse(project->text());
        const Json &all = whole["children"];
        const Json &two = all[1]["children"][0];
        const std::vector<std::size_t> tracks{all[0]["tracks"]["children"].size(), two["tracks"]["children"].size(),
                                              all[2]["tracks"]["children"].size()};
        CHECK(tracks == std::vector<std::size_t>{wanted == "1" ? 2u : 1u, wanted == "2" ? 2u : 1u,
                                                 wanted == "3" ? 2u : 1u});
        in.write(project->text());
        const auto again = OtioProject::open(in.path(), wanted);
        REQUIRE(again->ours().size() == 1);
        again->remove(again->ours()[0].id);
        CHECK(again->text() == before);
        in.write(before);
    }
    // If there is only one, there is nothing to choose.
    in.write(collection(timeline("one", "a.mp4")));
    CHECK(media("") == "a.mp4");
}

TEST_CASE("otio: a bundle that is one file is listed and never written") {
    const Project in("PK");
    const std::string content = R"({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [
        {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{"OTIO_SCHEMA": "Clip.1", "name": "one",
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "media/a.mp4"},
        "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 50}}}]}]}})";
    const auto project = OtioProject::of_bundle(in.path(), content);
    const auto items = project->items();
    REQUIRE(items.size() == 1);
    CHECK(items[0].media_path == in.path() + "/media/a.mp4");
    CHECK(items[0].duration() == 2 * flicks_per_second);
    CHECK(items[0].unfit == "it is in a bundle (.otioz), which has to be unpacked first");
    CHECK_THROWS_WITH_AS(project->check_writable(), doctest::Contains("is only read: unpack it"), Problem);
    project->place(sound_for(items[0], in.file("a.wav")));
    CHECK_THROWS_AS(project->save(), Problem);
    CHECK(in.bytes() == "PK");
}

TEST_CASE("otio: media of Windows keep the project's names") {
    const std::string text = R"({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [
        {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{"OTIO_SCHEMA": "Clip.1", "name": "one",
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "file:///C:/films/a.mp4"},
        "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 50}}}]}]}})";
    const Project in(text);
    const auto project = in.open();
    const TimelineItem item = project->items().at(0);
    CHECK(item.is_elsewhere);
    project->place(sound_for(item, in.file("a.wav")));
    in.write(project->text());
    CHECK(in.open()->ours().at(0).made_for.media_path == item.media_path);
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
    // Brackets within strings do not count.
    Project(with("\"" + std::string(200'000, '[') + "\\\"[\"")).open();
}

TEST_CASE("otio: a file URL of another computer is not a file of this one") {
    const Project in("{}");
    std::ofstream(in.file("a.mp4")) << "a video";
    const std::string here = in.file("a.mp4");
    for (const std::string start : {"", "file:", "file://", "file://localhost", "file://LocalHost"}) {
        CAPTURE(start);
        CHECK(only_clip(external(start + here)).media_path == here);
        CHECK(only_clip(external(start + here)).unfit.empty());
    }
    for (const std::string &url :
         std::vector<std::string>{"file://nas" + here, "file://192.168.0.7" + here, "file://nas.example" + here,
                                  "file://nas", "file://localhost", "file:////nas/films/a.mp4"}) {
        CAPTURE(url);
        const TimelineItem item = only_clip(external(url));
        CHECK(item.unfit == "its media is not a file on this computer: " + url);
        CHECK(item.media_path == url);
        CHECK(item.is_elsewhere);
    }
    CHECK(only_clip(external("file://C:/films/a.mp4")).unfit == "its media has a Windows path: file://C:/films/a.mp4");
}

namespace {

/// A timeline in which one clip of two seconds is named by a URL.
std::string timeline_of(const std::string &url) {
    return R"({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [
        {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{"OTIO_SCHEMA": "Clip.1", "name": "one",
        "media_reference": {"OTIO_SCHEMA": "ExternalReference.1", "target_url": ")" +
           url + R"("},
        "source_range": {"OTIO_SCHEMA": "TimeRange.1", "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 50}}}]}]}})";
}

/// Our sound in the text of a project.
Json &our_clip(Json &json) { return json["tracks"]["children"].back()["children"][0]; }

} // namespace

TEST_CASE("otio: the name of our sound is a valid URL, and leads back to its file") {
    for (const std::string name :
         {"a b", "a#b", "100%", "a%20b", "a?b", "a:b", "\xC3\xBC\xE6\x97\xA5", "a+b&c", "it's [1]"}) {
        for (const bool is_absolute : {false, true}) {
            CAPTURE(name);
            const Project in("{}");
            in.write(timeline_of(is_absolute ? in.file("m.mp4") : "m.mp4"));
            const std::string wav = in.file(name + "/s.wav");
            fs::create_directories(in.file(name));
            fs::create_directories(in.file("a b"));
            std::ofstream(in.file("a b/s.wav")) << "another sound"; // which a%20b must not be taken for
            std::ofstream(wav) << "a sound";
            const auto project = in.open();
            project->place(sound_for(project->items().at(0), wav));
            Json json = Json::parse(project->text());
            const std::string url = our_clip(json)["media_reference"]["target_url"];
            CAPTURE(url);
            CHECK(url.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%:") ==
                  std::string::npos);
            CHECK(percent_decoded(is_absolute ? url.substr(7) : url) == (is_absolute ? wav : name + "/s.wav"));
            in.write(project->text());
            CHECK(in.open()->ours().at(0).wav == wav);
        }
    }
}

TEST_CASE("otio: the plain name that earlier versions gave our sound still leads to its file") {
    for (const std::string name : {"a b", "a#b", "100%", "a%20b", "\xC3\xBC"}) {
        CAPTURE(name);
        const Project in(timeline_of("m.mp4"));
        fs::create_directories(in.file("a b"));
        fs::create_directories(in.file(name));
        std::ofstream(in.file("a b/s.wav")) << "another sound";
        std::ofstream(in.file(name + "/s.wav")) << "a sound";
        const auto project = in.open();
        const Placed placed = sound_for(project->items().at(0), in.file(name + "/s.wav"));
        project->place(placed);
        Json json = Json::parse(project->text());
        our_clip(json)["media_reference"]["target_url"] = name + "/s.wav";
        our_clip(json)["metadata"]["kinescore"].erase("encoded");
        in.write(json.dump());
        const auto again = in.open();
        REQUIRE(again->ours().size() == 1);
        CHECK(again->ours()[0].wav == placed.wav);
        // Nothing has changed, so nothing is written.
        again->place(placed);
        CHECK(again->text() == json.dump());
    }
}

TEST_CASE("otio: a sound whose beginning was cut off is placed again once") {
    const Project in(timeline_of("m.mp4"));
    const auto project = in.open();
    Placed placed = sound_for(project->items().at(0), in.file("s.wav"));
    project->place(placed);
    Json json = Json::parse(project->text());
    our_clip(json)["source_range"]["start_time"]["value"] = 5;
    in.write(json.dump());
    const auto edited = in.open();
    CHECK(edited->ours().at(0).is_cut);
    placed.id = edited->ours()[0].id;
    edited->place(placed);
    json = Json::parse(edited->text());
    CHECK(our_clip(json)["source_range"]["start_time"]["value"] == 0);
    in.write(edited->text());
    CHECK_FALSE(in.open()->ours().at(0).is_cut);
    // A sound that is counted from a timecode is whole.
    our_clip(json)["source_range"]["start_time"]["value"] = 90'000;
    our_clip(json)["media_reference"]["available_range"]["start_time"]["value"] = 90'000;
    in.write(json.dump());
    CHECK_FALSE(in.open()->ours().at(0).is_cut);
}

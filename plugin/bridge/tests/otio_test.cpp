#include <doctest/doctest.h>

#include "../otio.hpp"
#include "fakes.hpp"
#include "otio_support.hpp"
#include "outside.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

using namespace otio_support;

namespace {

constexpr Flicks pal_frame = flicks_per_second / 25;
constexpr Flicks ntsc_frame = flicks_per_second / 30'000 * 1001;

/// Our tracks in a text.
std::vector<Json> soundtracks(const std::string &text) {
    std::vector<Json> found;
    const Json json = Json::parse(text);
    for (const Json &track : json["tracks"]["children"]) {
        if (track["name"].is_string() && track["name"].get<std::string>().rfind("Soundtrack", 0) == 0) {
            found.push_back(track);
        }
    }
    return found;
}

double frames(const Json &range) { return range["duration"]["value"].get<double>(); }

bool same_place(const Placed &a, const Placed &b) {
    return a.timeline_start == b.timeline_start && a.duration == b.duration;
}

} // namespace

TEST_CASE("otio: clips are listed with their place on the timeline and on the media") {
    const Project in(fixture("cut.otio"));
    const auto project = in.open();
    const auto items = fit(*project);
    REQUIRE(items.size() == 6); // except those frozen, backwards, still, missing or switched off

    const TimelineItem &one = items[0];
    CHECK(one.name == "one");
    CHECK(one.media_path == in.file("media/a walk.mp4"));
    CHECK(one.timeline_start == 50 * pal_frame);
    CHECK(one.source_in == 20 * pal_frame); // the media's own time begins at one hour
    CHECK(one.source_out == 70 * pal_frame);
    CHECK(one.rate.numerator == 25);
    CHECK(one.rate.denominator == 1);

    const TimelineItem &two = items[1];
    CHECK(two.timeline_start == 100 * pal_frame); // the transition takes no time
    CHECK(two.speed.numerator == 2);
    CHECK(two.speed.denominator == 1);
    CHECK(two.source_in == 20 * pal_frame);
    CHECK(two.source_out == 120 * pal_frame);
    CHECK(two.duration() == 50 * pal_frame);

    CHECK(items[2].name == "inner"); // the nested stack shows 60 frames from its tenth on
    CHECK(items[2].timeline_start == 150 * pal_frame);
    CHECK(items[2].source_in == 110 * pal_frame);
    CHECK(items[2].source_out == 140 * pal_frame);
    CHECK(items[3].name == "inner 2");
    CHECK(items[3].timeline_start == 180 * pal_frame);
    CHECK(items[3].source_out == 330 * pal_frame);

    CHECK(items[4].name == "whole"); // no range: all of its media
    CHECK(items[4].timeline_start == 260 * pal_frame);
    CHECK(items[4].source_in == 0);
    CHECK(items[4].source_out == 2 * flicks_per_second);

    CHECK(items[5].name == "over");
    CHECK(items[5].track == 1);
    CHECK(items[5].media_path == "/shots/über all.mov");
    CHECK(items[5].source_in == flicks_per_second / 2);
    CHECK(project->ours().empty());
    CHECK(project->sound_folder() == in.file("p.soundtracks"));
}

TEST_CASE("otio: television rates are exact, however they are spelled") {
    const Project in(fixture("ntsc.otio"));
    const auto project = in.open();
    REQUIRE(fit(*project).size() == 1);
    const TimelineItem item = fit(*project)[0];
    constexpr Flicks film_frame = flicks_per_second / 24'000 * 1001;
    CHECK(item.rate.numerator == 30'000);
    CHECK(item.rate.denominator == 1001);
    CHECK(item.timeline_start == 7 * ntsc_frame);
    CHECK(item.source_in == 24 * film_frame);
    CHECK(item.source_out == 24 * film_frame + 31 * ntsc_frame);
    CHECK(item.media_path == "/shots/run 100%.mp4");

    const std::vector<std::pair<const char *, Flicks>> spellings = {
        {"23.976", flicks_per_second / 24'000 * 1001},
        {"23.976023976023978", flicks_per_second / 24'000 * 1001},
        {"59.94", flicks_per_second / 60'000 * 1001},
        {"59.94005994005994", flicks_per_second / 60'000 * 1001},
        {"29.97002997002997", ntsc_frame},
        {"12.5", flicks_per_second / 25 * 2},
        {"24", flicks_per_second / 24},
        {"120.0", flicks_per_second / 120}};
    for (const auto &[spelling, frame] : spellings) {
        CAPTURE(spelling);
        std::string text = fixture("ntsc.otio");
        for (std::size_t at = text.find(": 29.97,"); at != std::string::npos; at = text.find(": 29.97,", at)) {
            text.replace(at, 7, std::string(": ") + spelling);
        }
        in.write(text);
        const auto other = in.open();
        REQUIRE(fit(*other).size() == 1);
        CHECK(fit(*other)[0].timeline_start == 7 * frame);
        other->place(sound_for(fit(*other)[0], in.file("run.wav")));
        const Json clip = soundtracks(other->text()).at(0)["children"][1];
        CHECK(clip["source_range"]["duration"]["rate"].get<double>() ==
              Json::parse(std::string(spelling)).get<double>());
        CHECK(frames(clip["source_range"]) == 31.0);
    }
}

TEST_CASE("otio: sound lies where its clip begins, with the record of what it was made for") {
    const Project in(fixture("cut.otio"));
    const auto project = in.open();
    const Placed wanted = sound_for(*project, in, "two");
    project->place(wanted);
    project->save();

    const auto tracks = soundtracks(in.bytes());
    REQUIRE(tracks.size() == 1);
    CHECK(tracks[0]["kind"] == "Audio");
    CHECK(tracks[0]["OTIO_SCHEMA"] == "Track.1");
    REQUIRE(tracks[0]["children"].size() == 2);
    const Json &gap = tracks[0]["children"][0];
    const Json &clip = tracks[0]["children"][1];
    CHECK(frames(gap["source_range"]) == 100.0);
    CHECK(frames(clip["source_range"]) == 50.0);
    const Json &reference = clip["media_references"]["DEFAULT_MEDIA"];
    CHECK(reference["target_url"] == "two.soundtrack.wav"); // as the other media are named
    CHECK(reference["available_range"]["duration"]["rate"] == 25.0);
    CHECK(clip["metadata"]["kinescore"]["key"] == wanted.key);

    const auto again = in.open();
    CHECK(fit(*again).size() == 6);
    REQUIRE(again->ours().size() == 1);
    const Placed found = again->ours()[0];
    CHECK(found.wav == wanted.wav);
    CHECK(found.key == wanted.key);
    CHECK(found.settings == wanted.settings);
    CHECK(same_place(found, wanted));
    CHECK(found.made_for.media_path == wanted.made_for.media_path);
    CHECK(found.made_for.source_in == wanted.made_for.source_in);
    CHECK(found.made_for.source_out == wanted.made_for.source_out);
    CHECK(found.made_for.timeline_start == wanted.made_for.timeline_start);
    CHECK(found.made_for.speed.numerator == 2);
    CHECK(found.made_for.name == "two");
    CHECK(found.made_for.duration() == wanted.made_for.duration());
}

TEST_CASE("otio: everything else stays byte for byte, in every layout") {
    const Json cut = Json::parse(fixture("cut.otio"));
    std::string crlf;
    for (const char c : fixture("cut.otio")) {
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    }
    const std::vector<std::string> layouts = {
        fixture("cut.otio"),         fixture("ntsc.otio"), cut.dump(), cut.dump(2), cut.dump(1, '\t') + "\n", crlf,
        "\xEF\xBB\xBF" + cut.dump(4)};
    for (const std::string &before : layouts) {
        CAPTURE(before.substr(0, 60));
        const Project in(before);
        auto project = in.open();
        const std::size_t count = fit(*project).size();
        place_all(*project, in);
        project->save();
        const std::string after = in.bytes();
        CHECK(after.size() > before.size());
        // All additions are one contiguous part of the text.
        const auto same =
            static_cast<std::size_t>(std::mismatch(before.begin(), before.end(), after.begin()).first - before.begin());
        CHECK(after.compare(after.size() - (before.size() - same), std::string::npos, before, same) == 0);
        CHECK((after.find('\n') != std::string::npos) == (before.find('\n') != std::string::npos));
        CHECK(std::count(after.begin(), after.end(), '\r') ==
              (before == crlf ? std::count(after.begin(), after.end(), '\n') : 0));

        project = in.open();
        place_all(*project, in);
        for (const Placed &placed : project->ours()) {
            project->place(placed);
        }
        project->save();
        CHECK(in.bytes() == after);
        CHECK(project->ours().size() == count);

        for (const Placed &placed : project->ours()) {
            project->remove(placed.id);
        }
        CHECK(project->ours().empty());
        project->save();
        CHECK(in.bytes() == before);
    }
}

TEST_CASE("otio: sounds of clips that overlap lie on two tracks") {
    const Project in(fixture("cut.otio"));
    const auto project = in.open();
    place_all(*project, in);
    const auto tracks = soundtracks(project->text());
    REQUIRE(tracks.size() == 2);
    CHECK(tracks[0]["name"] == "Soundtrack");
    CHECK(tracks[1]["name"] == "Soundtrack 2");
    REQUIRE(tracks[1]["children"].size() == 2);
    CHECK(frames(tracks[1]["children"][0]["source_range"]) == 75.0);
    project->save();
    // The lower track is removed, and the upper one stays unchanged.
    for (const Placed &placed : project->ours()) {
        if (placed.made_for.name != "over") {
            project->remove(placed.id);
        }
    }
    project->save();
    const auto left = soundtracks(in.bytes());
    REQUIRE(left.size() == 1);
    CHECK(left[0] == tracks[1]);
    CHECK(project->ours().size() == 1);
}

TEST_CASE("otio: a sound replaces another, and keeps the changes made in an editor") {
    const Project in(fixture("cut.otio"));
    auto project = in.open();
    place_all(*project, in);
    project->save();
    Json edited = Json::parse(in.bytes());
    Json &track = edited["tracks"]["children"][3];
    track["children"][1]["effects"].push_back(
        {{"OTIO_SCHEMA", "Effect.1"}, {"effect_name", "Volume"}, {"name", "-3 dB"}});
    // Another program may drop unknown metadata of tracks.
    track["metadata"] = Json::object();
    in.write(edited.dump(4));

    project = in.open();
    Placed first = project->ours().at(0);
    const Placed second = project->ours().at(1);
    CHECK(first.made_for.name == "one");
    first.key = "another";
    first.timeline_start += 5 * pal_frame;
    first.duration -= 10 * pal_frame;
    project->place(first);
    CHECK(same_place(project->ours().at(0), first));
    CHECK(project->ours().at(0).key == "another");
    CHECK(project->ours().at(0).id == first.id);
    CHECK(same_place(project->ours().at(1), second));
    const auto tracks = soundtracks(project->text());
    REQUIRE(tracks.size() == 2);
    CHECK(tracks[0]["children"][1]["effects"][0]["name"] == "-3 dB");
    CHECK(tracks[0]["children"].size() == 8); // gap, one, gap, two, two inner ones, gap, whole
    project->save();
    CHECK(same_place(project->ours().at(0), first));
    for (const Placed &placed : project->ours()) {
        project->remove(placed.id);
    }
    CHECK(soundtracks(project->text()).empty());
}

TEST_CASE("otio: a sound that the user put into another track leaves that track unchanged") {
    const Project in(fixture("cut.otio"));
    auto project = in.open();
    project->place(sound_for(*project, in, "whole"));
    Json edited = Json::parse(project->text());
    const Json clip = edited["tracks"]["children"][3]["children"][1];
    edited["tracks"]["children"].erase(3);
    const Json speech = edited["tracks"]["children"][2]["children"][0];
    edited["tracks"]["children"][2]["children"].push_back(clip);
    in.write(edited.dump(4));
    project = in.open();
    REQUIRE(project->ours().size() == 1);
    Placed placed = project->ours()[0];
    CHECK(placed.timeline_start == 50 * pal_frame); // it is after the speech now
    placed.timeline_start = placed.made_for.timeline_start;
    project->place(placed);
    CHECK(same_place(project->ours().at(0), placed));
    project->remove(placed.id);
    const Json after = Json::parse(project->text());
    REQUIRE(after["tracks"]["children"].size() == 3);
    CHECK(after["tracks"]["children"][2]["children"] == Json::array({speech}));
}

TEST_CASE("otio: lengths that are not whole frames, and starts between frames, come back exactly") {
    const Project in(fixture("cut.otio"));
    const auto project = in.open();
    Placed placed = sound_for(*project, in, "one");
    placed.timeline_start += 12'345'678;
    placed.duration = 12'345 * (flicks_per_second / 48'000);
    placed.made_for.timeline_start = placed.timeline_start;
    project->place(placed);
    project->save();
    const auto again = in.open();
    CHECK(same_place(again->ours().at(0), placed));
    const double length = frames(soundtracks(in.bytes()).at(0)["children"][1]["source_range"]);
    CHECK(length == doctest::Approx(12'345.0 / 48'000.0 * 25.0));
    // A length one sample less than the clip's is treated as the clip's.
    Placed rounded = sound_for(*again, in, "two");
    rounded.duration -= flicks_per_second / 48'000;
    again->place(rounded);
    CHECK(again->ours().at(1).duration == rounded.made_for.duration());
    CHECK(soundtracks(again->text()).at(0)["children"][3]["source_range"]["duration"]["value"] == 50.0);
}

TEST_CASE("otio: media are named as the project names the others") {
    Json json = Json::parse(fixture("cut.otio"));
    Json &track = json["tracks"]["children"][0];
    json["tracks"]["children"] = Json::array({track});
    Json &clip = json["tracks"]["children"][0]["children"][1];
    json["tracks"]["children"][0]["children"] = Json::array({clip});
    Json &url = json["tracks"]["children"][0]["children"][0]["media_references"]["DEFAULT_MEDIA"]["target_url"];
    const Project in("{}");
    const auto named = [&](const std::string &media, const std::string &wav) {
        url = media;
        in.write(json.dump());
        const auto project = in.open();
        project->place(sound_for(fit(*project).at(0), wav));
        CHECK(project->ours().at(0).wav == wav);
        CHECK(project->ours().at(0).made_for.media_path == fit(*project).at(0).media_path);
        return soundtracks(project->text())
            .at(0)["children"][0]["media_references"]["DEFAULT_MEDIA"]["target_url"]
            .get<std::string>();
    };
    CHECK(named("file:///m/a.mp4", "/s/ü #1.wav") == "file:///s/%C3%BC%20%231.wav");
    CHECK(named("file://localhost/m/a%2Fb%ZZ.mp4", "/s/a.wav") == "file:///s/a.wav");
    CHECK(named("/m/a.mp4", "/s/ü #1.wav") == "file:///s/%C3%BC%20%231.wav"); // plain, it is not a URL
    CHECK(named("/m/a.mp4", "/s/a.wav") == "/s/a.wav");
    CHECK(named("m/a.mp4", in.file("s/a.wav")) == "s/a.wav");
    CHECK(named("m/a.mp4", "/s/a.wav") == "file:///s/a.wav");
    CHECK(named("/m/a.mp4", "/s/\xFF.wav") == "file:///s/%FF.wav");
    std::ofstream(in.file("50%25.mp4")) << "x";
    url = "50%25.mp4";
    in.write(json.dump());
    CHECK(fit(*in.open()).at(0).media_path == in.file("50%25.mp4"));
    url = "http://example.com/a.mp4";
    in.write(json.dump());
    CHECK(fit(*in.open()).empty());
}

TEST_CASE("otio: a file that is not a timeline is reported in a sentence") {
    CHECK(OtioProject::is(fixture("cut.otio")));
    CHECK(OtioProject::is("\xEF\xBB\xBF {\"OTIO_SCHEMA\": \"Clip.2\"}"));
    CHECK_FALSE(OtioProject::is("<mlt/>"));
    CHECK_FALSE(OtioProject::is("{\"a\": 1}"));
    CHECK_FALSE(OtioProject::is(""));
    const Project in("");
    const auto problem = [&](const std::string &text) -> std::string {
        in.write(text);
        try {
            in.open();
        } catch (const Problem &found) {
            CHECK(found.kind() == Problem::Kind::input);
            CHECK(in.bytes() == text);
            return found.what();
        }
        return "";
    };
    const auto with = [&](const std::string &pointer, const Json &value) {
        Json json = Json::parse(fixture("cut.otio"));
        json[Json::json_pointer(pointer)] = value;
        return problem(json.dump());
    };
    const auto says = [](const std::string &sentence, const std::string &part) {
        CAPTURE(sentence);
        CHECK(sentence.find(part) != std::string::npos);
    };
    says(problem(""), "is not JSON");
    says(problem(fixture("cut.otio").substr(0, 5'000)), "is not JSON");
    says(problem("[1]"), "it must be a \"Timeline.1\"");
    says(problem(std::string(100'000, '[')), "is not JSON");
    says(problem(std::string(100'000, '[') + std::string(100'000, ']')), "nested more than 1000 deep");
    says(problem("{\"OTIO_SCHEMA\": \"Clip.2\"}"), "holds \"Clip.2\"");
    says(with("/tracks", 5), "\"tracks\" is 5; it must be a \"Stack.1\"");
    says(with("/tracks/children", nullptr), "it must have a list of tracks");
    says(with("/tracks/children/0/kind", 7), "\"kind\" of track 'V1' is 7");
    const std::string clip = "/tracks/children/0/children/1";
    says(with(clip + "/source_range", "x"), "\"source_range\" of clip 'one' is \"x\"");
    says(with(clip + "/source_range/duration/rate", -3), "\"rate\" in \"source_range\" of clip 'one' is -3");
    says(with(clip + "/source_range/duration/value", 1e300), "it must be within 100000000 s");
    says(with(clip + "/source_range/duration/value", -1), "is below 0");
    says(with(clip + "/source_range/start_time", Json::array()), "is a list; it must be a \"RationalTime.1\"");
    says(with("/tracks/children/0/children/5/source_range", nullptr), "clip 'lost' has neither");
    says(with("/tracks/children/0/children/3/effects/0/time_scalar", "2"), "it must be a number");
    std::string nested = "{\"OTIO_SCHEMA\": \"Gap.1\"}";
    for (int depth = 0; depth < 400; ++depth) {
        nested = "{\"OTIO_SCHEMA\": \"Stack.1\", \"children\": [" + nested + "]}";
    }
    says(problem("{\"OTIO_SCHEMA\": \"Timeline.1\", \"tracks\": " + nested + "}"), "nested 65 deep");
    const std::string twice = R"("children": [], "children": [{"OTIO_SCHEMA": "Track.1"}])";
    const std::string sentence =
        problem(R"({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", )" + twice + "}}");
    CHECK((sentence.empty() || sentence.find("twice") != std::string::npos));
}

TEST_CASE("otio: a sound that cannot be placed changes nothing") {
    const Project in(fixture("cut.otio"));
    const auto project = in.open();
    const Placed good = sound_for(*project, in, "one");
    const auto refused = [&](const auto &change) {
        Placed placed = good;
        change(placed);
        CHECK_THROWS_AS(project->place(placed), Problem);
        CHECK(project->text() == fixture("cut.otio"));
    };
    refused([](Placed &placed) { placed.id = "none"; });
    refused([](Placed &placed) { placed.key.clear(); });
    refused([](Placed &placed) { placed.wav = "relative.wav"; });
    refused([](Placed &placed) { placed.duration = 0; });
    refused([](Placed &placed) { placed.timeline_start = -1; });
    CHECK_THROWS_AS(project->remove("none"), Problem);
    in.write(fixture("ntsc.otio")); // by another program
    project->place(good);
    CHECK_THROWS_AS(project->save(), Problem);
    CHECK(in.bytes() == fixture("ntsc.otio"));
}

namespace {

/// Pointers to all values of a JSON.
void pointers(const Json &value, const Json::json_pointer &at, std::vector<Json::json_pointer> &found) {
    found.push_back(at);
    if (value.is_object()) {
        for (const auto &[key, member] : value.items()) {
            pointers(member, at / key, found);
        }
    } else if (value.is_array()) {
        for (std::size_t index = 0; index < value.size(); ++index) {
            pointers(value[index], at / index, found);
        }
    }
}

} // namespace

TEST_CASE("otio: no wrong value crashes, and every readable file can be edited and restored") {
    const Project in(fixture("cut.otio"));
    {
        const auto project = in.open();
        place_all(*project, in);
        project->save();
    }
    const Json whole = Json::parse(in.bytes());
    std::vector<Json::json_pointer> places;
    pointers(whole, Json::json_pointer(), places);
    const std::vector<Json> values = {nullptr,
                                      true,
                                      -1,
                                      0,
                                      1e18,
                                      -1e300,
                                      0.1,
                                      "",
                                      "x",
                                      "Clip.1",
                                      "Track.1",
                                      "Stack.1",
                                      "Video",
                                      "Audio",
                                      "%00",
                                      "file://",
                                      Json::array(),
                                      Json::object(),
                                      Json::array({1, nullptr}),
                                      9'223'372'036'854'775'807LL};
    std::mt19937 random(1);
    const auto pick = [&](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    int opened = 0, refused = 0;
    for (int round = 0; round < 2'000; ++round) {
        Json json = whole;
        for (std::size_t change = pick(3) + 1; change > 0; --change) {
            const auto &place = places[pick(places.size())];
            try {
                if (!place.empty() && pick(3) == 0) {
                    Json &parent = json.at(place.parent_pointer());
                    if (parent.is_object()) {
                        parent.erase(place.back());
                    }
                } else {
                    json.at(place) = values[pick(values.size())];
                }
            } catch (const Json::exception &) {
                continue; // an earlier change removed the place
            }
        }
        in.write(json.dump(4));
        try {
            const auto project = in.open();
            for (const Placed &placed : project->ours()) {
                project->remove(placed.id);
            }
            const std::string bare = project->text();
            CHECK(project->ours().empty());
            place_all(*project, in);
            CHECK(project->ours().size() == fit(*project).size());
            Project(project->text()).open();
            for (const Placed &placed : project->ours()) {
                project->remove(placed.id);
            }
            CHECK(project->text() == bare);
            ++opened;
        } catch (const Problem &problem) {
            CHECK(std::string(problem.what()).size() > 20);
            ++refused;
        }
    }
    MESSAGE(opened << " changed files could be read, " << refused << " were refused");
    CHECK(opened > 500);
    CHECK(refused > 100);
}

TEST_CASE("otio: no cut of the text crashes") {
    const std::string text = fixture("ntsc.otio");
    const Project in(text);
    for (std::size_t length = 0; length < text.size(); length += 7) {
        in.write(text.substr(0, length));
        CHECK_THROWS_AS(in.open(), Problem);
    }
}

/// A timeline of so many clips of 50 frames.
static std::string many_clips(int count) {
    Json json = Json::parse(fixture("cut.otio"));
    const Json clip = json["tracks"]["children"][0]["children"][1];
    json["tracks"]["children"].erase(1);
    Json &children = json["tracks"]["children"][0]["children"];
    children = Json::array();
    for (int index = 0; index < count; ++index) {
        children.push_back(clip);
        children.back()["name"] = "clip " + std::to_string(index);
    }
    return json.dump(4);
}

TEST_CASE("otio: the time to list clips grows with their number") {
    const Project few(many_clips(1'000)), many(many_clips(10'000));
    const double time_of_few = fakes::processor_time([&] { CHECK(fit(*few.open()).size() == 1'000); });
    const double time_of_many = fakes::processor_time([&] { CHECK(fit(*many.open()).size() == 10'000); });
    MESSAGE("1,000 clips listed in " << time_of_few << " s, 10,000 in " << time_of_many << " s");
    CHECK(time_of_many < 30 * time_of_few);

    const auto project = many.open();
    const auto items = fit(*project);
    CHECK(items.back().timeline_start == 9'999 * 50 * pal_frame);
    for (std::size_t index = 0; index < 500; ++index) {
        project->place(sound_for(items[index * 20], many.file(std::to_string(index) + ".wav")));
    }
    project->save();
    CHECK(many.open()->ours().size() == 500);
}

TEST_CASE("otio: OpenTimelineIO itself reads the result") {
    const char *python = std::getenv("KINESCORE_OTIO_PYTHON");
    if (python == nullptr) {
        MESSAGE("left out: KINESCORE_OTIO_PYTHON does not name a Python with OpenTimelineIO and otio-fcp-adapter");
        return;
    }
    const fs::path check = fs::path(__FILE__).parent_path() / "otio_check.py";
    for (const char *name : {"cut.otio", "ntsc.otio"}) {
        const Project in(fixture(name));
        const auto project = in.open();
        place_all(*project, in);
        project->save();
        std::ofstream(in.file("before.otio")) << fixture(name);
        const std::string command =
            std::string(python) + " '" + check.string() + "' '" + in.path() + "' '" + in.file("before.otio") + "'";
        INFO(command);
        CHECK(outside::runs_shown(command));
    }
}

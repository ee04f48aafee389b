#include "../memory.hpp"
#include "../ratio.hpp"
#include "../url.hpp"

#include <doctest/doctest.h>
#include <map>

using namespace kinescore::bridge;

namespace {

Placed example() {
    Placed placed;
    placed.key = "0123abcd";
    placed.settings = {{"drums.style", "jazz"}, {"music.chords", "C|Am;F=G % \n\"ü\""}, {"", ""}};
    placed.made_for.media_path = "/films/a walk; 50%.mp4";
    placed.made_for.name = "a walk";
    placed.made_for.source_in = 23'543'520;
    placed.made_for.source_out = 2 * flicks_per_second;
    placed.made_for.timeline_start = 7;
    placed.made_for.speed = {9'876'543'211, 1'000'000'000};
    placed.made_for.track = 3;
    return placed;
}

Placed from(std::map<std::string, std::string> fields) {
    return recalled([&](const char *name) { return fields[name]; });
}

} // namespace

TEST_CASE("the record of a sound is read back") {
    const Placed placed = example();
    std::map<std::string, std::string> fields;
    for (const auto &[name, value] : remembered(placed)) {
        fields[name] = value;
    }
    const Placed again = from(fields);
    CHECK(again.key == placed.key);
    CHECK(again.settings == placed.settings);
    CHECK(again.made_for.media_path == placed.made_for.media_path);
    CHECK(again.made_for.name == placed.made_for.name);
    CHECK(again.made_for.source_in == placed.made_for.source_in);
    CHECK(again.made_for.source_out == placed.made_for.source_out);
    CHECK(again.made_for.timeline_start == placed.made_for.timeline_start);
    CHECK(spelled(again.made_for.speed) == spelled(placed.made_for.speed));
    CHECK(again.made_for.track == placed.made_for.track);
}

TEST_CASE("a damaged record has default values") {
    const Placed nothing = from({});
    CHECK(nothing.settings.empty());
    CHECK(spelled(nothing.made_for.speed) == "1/1");
    const Placed wrong = from({{"in", "99999999999999999999"}, {"out", "-9223372036854775808"}, {"start", "1e9"},
                               {"speed", "1/0"}, {"track", "-5"}, {"settings", "a=1;b;=;c=2=3;d=%4"}});
    CHECK(wrong.made_for.source_in == 0);
    CHECK(wrong.made_for.source_out == 0);
    CHECK(wrong.made_for.timeline_start == 0);
    CHECK(wrong.made_for.track == 0);
    CHECK(wrong.settings == Settings{{"a", "1"}, {"", ""}, {"c", "2=3"}, {"d", "%4"}});
}

TEST_CASE("settings in the form of older projects are read") {
    CHECK(settings_from(R"({"seed":"3","drums.style":"jazz","n":4})") ==
          Settings{{"seed", "3"}, {"drums.style", "jazz"}, {"n", "4"}});
    CHECK(settings_from("seed=3;music.chords=C%3BF%3d") == Settings{{"seed", "3"}, {"music.chords", "C;F="}});
    CHECK(settings_from("{damaged").empty());
    CHECK(settings_from("{\"a\":" + std::string(200'000, '[')).empty());
}

TEST_CASE("kinds of files are recognised by one list, and names encoded by one rule") {
    for (const char *video : {"a.mp4", "a.MOV", "a.gif", "a", "a.unknown", "wav"}) {
        CAPTURE(video);
        CHECK(looks_of(video) == Looks::like_video);
    }
    CHECK(looks_of("a.WAV") == Looks::like_sound);
    CHECK(looks_of("a.mka") == Looks::like_sound);
    CHECK(looks_of("a.exr") == Looks::like_still);
    CHECK(looks_of("a.kdenlive") == Looks::like_project);
    CHECK(percent_encoded("a b/ü%", "/-._~") == "a%20b/%C3%BC%25");
    CHECK(percent_encoded("a b/ü%") == "a%20b%2F%C3%BC%25");
    CHECK(percent_decoded("a%20b%2f%C3%BC%25%") == "a b/ü%%");
    CHECK(percent_decoded("%4") == "%4");
    CHECK(is_path_of_windows("/C:/a.mp4"));
    CHECK(is_path_of_windows("\\\\server\\a.mp4"));
    CHECK(!is_path_of_windows("/c/a.mp4"));
    CHECK(!is_path_of_windows("c:a.mp4"));
    CHECK(!is_path_of_windows("//server/a.mp4"));
}

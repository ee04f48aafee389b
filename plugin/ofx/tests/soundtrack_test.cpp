// Records of soundtracks on disk, without a host.
#include "../soundtrack.hpp"

#include "bundle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

using namespace kinescore::ofx;
using kinescore::bridge::Problem;
using kinescore::ofx_test::Bundle;

namespace {

Source clip_of(const std::string &media, kinescore::bridge::Flicks in = 0) {
    Source source;
    source.media = media;
    source.in = in;
    return source;
}

std::string chosen(const Bundle &bundle, const Source &source, const std::string &before = "",
                   const std::vector<std::string> &taken = {}) {
    const std::string path = choose_wav(bundle.work(), "dance", source, before, [&](const std::string &wav) {
        return std::find(taken.begin(), taken.end(), wav) != taken.end();
    });
    return path.substr(bundle.work().size() + 1);
}

} // namespace

TEST_CASE("frame rates are those meant by editors") {
    const auto is = [](double rate, std::int64_t numerator, std::int64_t denominator) {
        const kinescore::bridge::Ratio found = frame_rate(rate);
        CHECK_MESSAGE(found.numerator * denominator == numerator * found.denominator, rate);
    };
    is(25.0, 25, 1);
    is(24.0, 24, 1);
    is(23.976, 24000, 1001);
    is(23.976023976, 24000, 1001);
    is(29.97, 30000, 1001);
    is(29.97002997, 30000, 1001);
    is(59.94, 60000, 1001);
    is(119.88, 120000, 1001);
    is(12.5, 25, 2);
    is(15.015, 15015, 1000);
    for (const double wrong : {0.0, -25.0, 1e6, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(frame_rate(wrong), Problem);
    }
    // 300 frames of 29.97 are 10.01 s.
    CHECK(FrameRange{1.0, 300.0, {30000, 1001}}.duration() == 10'010 * (kinescore::bridge::flicks_per_second / 1000));
}

TEST_CASE("sources are equal if the sound is") {
    Source one = clip_of("/m/dance.mp4");
    Source other = one;
    CHECK(one.text() == other.text());
    other.in = 1;
    CHECK(one.text() != other.text());
    other = one;
    other.settings["drums.style"] = "funk";
    CHECK(one.text() != other.text());
    other = one;
    other.modified = 7;
    CHECK(one.text() != other.text());
    one.media.clear();
    other = one;
    other.frames.last = 9;
    CHECK(one.text() != other.text());
    // Not UTF-8, which is possible in file names.
    CHECK(clip_of("/m/\xff.mp4").text() != "");
}

TEST_CASE("a parameter's record is read back, and other texts are not") {
    const Soundtrack made{"/m/dance.soundtrack.wav", "1234", clip_of("/m/dance.mp4").text()};
    const std::optional<Soundtrack> found = Soundtrack::read(made.text());
    REQUIRE(found);
    CHECK(found->wav == made.wav);
    CHECK(found->key == made.key);
    CHECK(found->source == made.source);
    for (const char *wrong : {"", "{", "[]", "null", "{}", R"({"wav": 3, "key": "", "source": {}})"}) {
        CHECK_MESSAGE(!Soundtrack::read(wrong), wrong);
    }
}

TEST_CASE("names are numbered if files belong to something else") {
    const Bundle bundle;
    const Source source = clip_of("/m/dance.mp4", 100);
    CHECK(chosen(bundle, source) == "dance.soundtrack.wav");
    bundle.file("dance.soundtrack.wav", "a song");
    CHECK(chosen(bundle, source) == "dance-2.soundtrack.wav");
    bundle.file("dance-2.soundtrack.mid", "notes");
    CHECK(chosen(bundle, source) == "dance-3.soundtrack.wav");
    // Ours, of the same clip: used again; of another part of the media: not.
    bundle.file("dance-3.soundtrack.json", R"({"soundtrack": {"wav": "", "key": "k", "source": {"media": "/m/dance.mp4", "in": 100, "out": 9}}})");
    CHECK(chosen(bundle, source) == "dance-3.soundtrack.wav");
    CHECK(chosen(bundle, clip_of("/m/dance.mp4", 200)) == "dance-4.soundtrack.wav");
    CHECK(chosen(bundle, clip_of("/m/other.mp4", 100)) == "dance-4.soundtrack.wav");
    // A file that another instance uses is left alone, whatever it is.
    CHECK(chosen(bundle, source, "", {bundle.work() + "/dance-3.soundtrack.wav"}) == "dance-4.soundtrack.wav");
}

TEST_CASE("a soundtrack keeps its name, unless folder or name were changed") {
    const Bundle bundle;
    const Source source = clip_of("/m/dance.mp4");
    const std::string before = bundle.file("dance-7.soundtrack.wav", "sound");
    CHECK(chosen(bundle, source, before) == "dance-7.soundtrack.wav");
    CHECK(chosen(bundle, source, before, {before}) == "dance.soundtrack.wav");
    for (const char *other : {"dancer.soundtrack.wav", "dance-x.soundtrack.wav", "dance-.soundtrack.wav", "sub/dance.soundtrack.wav", "dance.wav"}) {
        CHECK_MESSAGE(chosen(bundle, source, bundle.work() + "/" + other) == "dance.soundtrack.wav", other);
    }
}

TEST_CASE("an analysis that a killed host has left unfinished is removed after an hour") {
    namespace fs = std::filesystem;
    const Bundle bundle;
    const fs::path folder = bundle.work();
    const auto with_age = [&](const std::string &name, int minutes) {
        std::ofstream(folder / name) << "{";
        fs::last_write_time(folder / name, fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
        return name;
    };
    const std::string old = with_age("jump.soundtrack.json.unfinished", 61);
    const std::string numbered = with_age("jump-2.soundtrack.json.unfinished", 600);
    const std::string young = with_age("walk.soundtrack.json.unfinished", 30);
    const std::string notes = with_age("notes.json.unfinished", 600);
    const std::string other = with_age("jump.soundtrack.json", 600);
    std::ofstream(folder / "dance.soundtrack.json") << "{}";
    const Soundtrack made{(folder / "dance.soundtrack.wav").string(), "1234", clip_of("/m/dance.mp4").text()};
    made.note();
    CHECK(!fs::exists(folder / old));
    CHECK(!fs::exists(folder / numbered));
    for (const std::string &kept : {young, notes, other, std::string("dance.soundtrack.json")}) {
        CHECK_MESSAGE(fs::exists(folder / kept), kept);
    }
    CHECK(!fs::exists(folder / "dance.soundtrack.json.unfinished"));
    const std::optional<Soundtrack> found = Soundtrack::beside(made.wav);
    REQUIRE(found);
    CHECK(found->key == "1234");
}

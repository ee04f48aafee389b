// Which clips can have a soundtrack, by their length, their speed and their media; and the same
// reason from a list and from adding.

#include "../fitness.hpp"
#include "../media_finder.hpp"
#include "../reconciler.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>

using namespace kinescore::bridge;
using fakes::seconds;

namespace {

/// A timeline of one clip whose media exists, and a video that is so long.
class Desk {
public:
    explicit Desk(double media_seconds) : Desk([=](const std::string &) { return MediaFacts{seconds(media_seconds), 0, {0}}; }) {}

    explicit Desk(MediaOpener open_media) : media(folder.path() + "/walk.mp4") {
        std::ofstream(media) << "a video";
        auto owned = std::make_unique<fakes::FakeTimeline>(folder.path() + "/s");
        fake = owned.get();
        timeline = with_media(std::move(owned), {}, [=](const std::string &path) {
            ++opened;
            return open_media(path);
        });
    }

    TimelineItem listed(double in, double out, Ratio speed = {}) {
        fake->clips = {fakes::clip("walk", media, in, out, 10)};
        fake->clips[0].speed = speed;
        TimelineItem item = timeline->items().at(0);
        timeline->examine(item);
        return item;
    }

    Result added() {
        fakes::FakeMaker maker;
        return Reconciler(*timeline, maker).add("walk", {});
    }

    fakes::Folder folder;
    std::string media;
    fakes::FakeTimeline *fake = nullptr;
    std::unique_ptr<Timeline> timeline;
    int opened = 0;
};

} // namespace

TEST_CASE("a clip that no soundtrack can be made for is listed with the reason, and adding gives the same") {
    Desk desk(6.0);
    const auto reason = [&](double in, double out, Ratio speed = {}) {
        const TimelineItem item = desk.listed(in, out, speed);
        const Result result = desk.added();
        CHECK((result.what == Result::What::failed) == !item.unfit.empty());
        if (!item.unfit.empty()) {
            CHECK(result.sentence == "walk: cannot be given a soundtrack: " + item.unfit);
            CHECK(result.kind == Problem::Kind::music);
        }
        return item.unfit;
    };
    CHECK(reason(0, 6).empty());
    CHECK(reason(1, 3).empty());
    CHECK(reason(1, 2.96) == "it is 1.960 s long, and a soundtrack needs 2 s");
    CHECK(reason(0, 4, {9, 4}) == "it is 1.778 s long, and a soundtrack needs 2 s");
    CHECK(reason(0, 0.6, {1, 4}).empty());
    CHECK(reason(0, 6, {5, 1}) == "it is played at a speed of 5; expected 0.25 to 4");
    CHECK(reason(0, 6, {1, 5}) == "it is played at a speed of 0.2; expected 0.25 to 4");
    CHECK(reason(0, 6, {4'000'001, 1'000'000}) == "it is played at a speed of 4.000001; expected 0.25 to 4");
    CHECK(reason(6, 9) == "it lies after the end of its media, which is 6.000 s long");
    CHECK(reason(3600, 3603) == "it lies after the end of its media, which is 6.000 s long");
    CHECK(reason(4.5, 9) == "its media ends at 6.000 s, so only 1.480 s of it exist; a soundtrack needs 2 s");
    // A reason that the project shows does not need the media.
    desk.opened = 0;
    CHECK_FALSE(reason(1, 2).empty());
    CHECK(desk.opened == 0);
}

TEST_CASE("a clip that goes on after its media is cut to the part that exists") {
    Desk desk(6.0);
    // Editors round: a frame is not worth a note.
    TimelineItem item = desk.listed(1, 6.04);
    CHECK(item.source_out == seconds(6.04));
    CHECK(item.note.empty());
    item = desk.listed(1, 16);
    CHECK(item.unfit.empty());
    CHECK(item.source_out == seconds(6));
    CHECK(item.note == "its media ends at 6.000 s, so only the first 5.000 s of it have a soundtrack");
    REQUIRE(desk.added().what == Result::What::made);
    REQUIRE(desk.fake->sounds.size() == 1);
    CHECK(desk.fake->sounds[0].duration == seconds(5));
    // Nothing more to do.
    fakes::FakeMaker maker;
    const auto results = Reconciler(*desk.timeline, maker).refresh();
    REQUIRE(results.size() == 1);
    CHECK(results[0].what == Result::What::unchanged);
    // At double speed, in whole frames of the timeline: 2.62 s are 65 frames.
    item = desk.listed(0.76, 9, {2, 1});
    CHECK(item.duration() == seconds(2.6));
}

TEST_CASE("each media is opened once, and only for clips that are asked about") {
    Desk desk(6.0);
    desk.listed(1, 4);
    desk.listed(2, 5);
    CHECK(desk.opened == 1);
    Desk other(6.0);
    other.fake->clips = {fakes::clip("walk", other.media, 1, 4, 10)};
    fakes::FakeMaker maker;
    CHECK(Reconciler(*other.timeline, maker).refresh().empty());
    CHECK(other.opened == 0);
}

TEST_CASE("media that cannot be opened, or whose length is unknown") {
    Desk broken(MediaOpener([](const std::string &path) -> MediaFacts {
        throw Problem(Problem::Kind::input, path + ": is not a video", 3);
    }));
    CHECK(broken.listed(0, 3).unfit == "its media cannot be used: is not a video");
    const Result result = broken.added();
    CHECK(result.sentence == "walk: cannot be given a soundtrack: its media cannot be used: is not a video");
    CHECK(result.kind == Problem::Kind::input);
    CHECK(result.code == 3);
    Desk endless(MediaOpener([](const std::string &) { return MediaFacts{}; }));
    CHECK(endless.listed(0, 3000).unfit.empty());
    Desk stopped(MediaOpener([](const std::string &) -> MediaFacts {
        throw Problem(Problem::Kind::cancelled, "cancelled");
    }));
    CHECK_THROWS_AS(stopped.listed(0, 3), Problem);
}

TEST_CASE("a clip that shows another stream of its media than a soundtrack follows cannot have one") {
    // A sound, two videos, a text, a third video.
    Desk desk(MediaOpener([](const std::string &) { return MediaFacts{seconds(6.0), 2, {1, 2, 4}}; }));
    desk.fake->clips = {fakes::clip("walk", desk.media, 0, 3, 10)};
    const auto reason = [&](StreamChoice stream) {
        desk.fake->clips[0].stream = stream;
        TimelineItem item = desk.timeline->items().at(0);
        desk.timeline->examine(item);
        const Result result = desk.added();
        CHECK((result.what == Result::What::failed) == !item.unfit.empty());
        return item.unfit;
    };
    const std::string first = "it shows stream 1 of its media, and a soundtrack can only follow stream 2";
    const std::string third = "it shows stream 4 of its media, and a soundtrack can only follow stream 2";
    CHECK(reason({}).empty());
    CHECK(reason({1, false}) == first);
    CHECK(reason({2, false}).empty());
    CHECK(reason({4, false}) == third);
    CHECK(reason({0, true}) == first);
    CHECK(reason({1, true}).empty());
    CHECK(reason({2, true}) == third);
    // There is no such video stream, so that editors show another one.
    CHECK(reason({0, false}).empty());
    CHECK(reason({3, false}).empty());
    CHECK(reason({9, false}).empty());
    CHECK(reason({3, true}).empty());
}

TEST_CASE("something that is there and is not a file is not called missing, and is never opened") {
    Desk desk(6.0);
    const auto reason = [&](const std::string &path) {
        desk.media = path;
        return desk.listed(0, 3).unfit;
    };
    CHECK(reason(desk.folder.path()) == "its media is a folder");
    CHECK(reason("/dev/zero") == "its media is a device; copy its content to a regular file first");
    const std::string pipe = desk.folder.path() + "/pipe.mp4";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(reason(pipe) == "its media is a pipe; copy its content to a regular file first");
    CHECK(reason(desk.folder.path() + "/none.mp4") == "its media is missing");
    CHECK(desk.opened == 0);
}

#include "../follower.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <deque>

using namespace fakes;
using namespace std::chrono_literals;

namespace {

/// An editor's thread: functions are called when the test requests it.
struct Editor {
    std::mutex mutex;
    std::deque<std::function<void()>> posted;

    void post(std::function<void()> function) {
        const std::lock_guard<std::mutex> lock(mutex);
        posted.push_back(std::move(function));
    }

    /// Processes posted functions until `done`, or for so long.
    template <typename Done> bool work_until(Done done, std::chrono::milliseconds most = 5'000ms) {
        const auto end = std::chrono::steady_clock::now() + most;
        while (!done()) {
            std::function<void()> next;
            {
                const std::lock_guard<std::mutex> lock(mutex);
                if (!posted.empty()) {
                    next = std::move(posted.front());
                    posted.pop_front();
                }
            }
            if (next) {
                next();
            } else if (std::chrono::steady_clock::now() > end) {
                return false;
            } else {
                std::this_thread::sleep_for(1ms);
            }
        }
        return true;
    }
};

struct Desk {
    Folder folder;
    FakeTimeline timeline{folder.path()};
    FakeMaker maker;
    Editor editor;
    int notified = 0;
    std::vector<Result> results;

    Desk() {
        timeline.clips = {clip("a", "/m/dance.mp4", 0, 8, 0)};
        Reconciler(timeline, maker).add("a", {});
    }

    std::unique_ptr<Follower> follow(std::chrono::milliseconds rest = 40ms) {
        return std::make_unique<Follower>(
            timeline, maker, [this](std::function<void()> function) { editor.post(std::move(function)); },
            [this](const std::vector<Result> &done) {
                ++notified;
                results = done;
            },
            rest);
    }
};

} // namespace

TEST_CASE("a drag is followed when the mouse rests, once") {
    Desk desk;
    const auto follower = desk.follow(60ms);
    for (int step = 0; step < 20; ++step) {
        desk.timeline.clips[0].source_out -= seconds(0.1);
        desk.timeline.notified();
        desk.editor.work_until([] { return false; }, 5ms);
    }
    CHECK(desk.notified == 0);
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 1; }));
    CHECK(desk.maker.made == 2);
    CHECK(desk.timeline.sounds[0].duration == seconds(6));
    CHECK(!desk.editor.work_until([&] { return desk.notified > 1; }, 200ms));
}

TEST_CASE("an edit while sound is made cancels that and begins again") {
    Desk desk;
    desk.maker.steps = 60;
    const auto follower = desk.follow(10ms);
    desk.timeline.clips[0].source_out = seconds(7);
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.maker.begun == 2; }));
    desk.timeline.clips[0].source_out = seconds(6);
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 1; }));
    CHECK(desk.maker.begun == 3);
    CHECK(desk.maker.made == 2);
    CHECK(desk.timeline.sounds[0].duration == seconds(6));
}

TEST_CASE("it ends at once while sound is made, and while the editor does not respond") {
    Desk desk;
    desk.maker.steps = 10'000;
    auto follower = desk.follow(1ms);
    desk.timeline.clips[0].source_out = seconds(7);
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.maker.begun == 2; }));
    follower.reset();
    CHECK(desk.maker.made == 1);
    CHECK(desk.folder.files().size() == 1);

    follower = desk.follow(1ms);
    desk.timeline.notified();
    std::this_thread::sleep_for(30ms); // posted, and not called
    follower.reset();
    desk.editor.work_until([] { return false; }, 20ms);
    CHECK(desk.notified == 0);
    CHECK(!desk.timeline.notified);
}

TEST_CASE("failures are reported, and following continues") {
    Desk desk;
    const auto follower = desk.follow(1ms);
    desk.timeline.clips[0].media_path = desk.timeline.sounds[0].made_for.media_path = "/m/nobody.mp4";
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 1; }));
    CHECK(desk.results.at(0).what == Result::What::failed);
    desk.timeline.clips[0].media_path = desk.timeline.sounds[0].made_for.media_path = "/m/dance.mp4";
    desk.timeline.clips[0].source_in = seconds(1);
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 2; }));
    CHECK(desk.results.at(0).what == Result::What::made);
}

TEST_CASE("an exception that is not a Problem does not end the editor, and following continues") {
    Desk desk;
    const auto follower = desk.follow(1ms);
    SUBCASE("thrown by the maker") {
        desk.timeline.clips[0].media_path = desk.timeline.sounds[0].made_for.media_path = "/m/fault.mp4";
    }
    SUBCASE("thrown by the timeline") { desk.timeline.fault = true; }
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 1; }));
    REQUIRE(desk.results.size() == 1);
    CHECK(desk.results[0].what == Result::What::failed);
    CHECK(desk.results[0].kind == Problem::Kind::core);
    CHECK(desk.results[0].sentence.find("something that is not a Problem") != std::string::npos);
    desk.timeline.fault = false;
    desk.timeline.clips[0].media_path = desk.timeline.sounds[0].made_for.media_path = "/m/dance.mp4";
    desk.timeline.clips[0].source_in = seconds(1);
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 2; }));
    CHECK(desk.results.at(0).what == Result::What::made);
}

TEST_CASE("a path that the system refuses does not end the editor, and the clip gets its sound elsewhere") {
    Desk desk;
    const auto follower = desk.follow(1ms);
    // Too long for any file system: every access fails with an error.
    desk.timeline.sounds[0].wav = "/" + std::string(5'000, 'x') + ".wav";
    desk.timeline.notified();
    REQUIRE(desk.editor.work_until([&] { return desk.notified == 1; }));
    REQUIRE(desk.results.size() == 1);
    CHECK(desk.results[0].what == Result::What::made);
    CHECK(desk.results[0].wav.find(desk.folder.path()) == 0);
}

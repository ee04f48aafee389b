// kinescore-ges, with clicks instead of soundtracks.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "../../bridge/tests/ges_support.hpp"
#include "../program.hpp"
#include "ges.hpp"

#include <atomic>
#include <chrono>
#include <sstream>
#include <thread>

using namespace ges_support;
namespace ges = kinescore::ges;

namespace {

/// Makes clicks as long as requested.
class ClickMaker : public Maker {
public:
    explicit ClickMaker(std::atomic<int> &made) : made_(made) {}

    std::string key(const SoundOrder &order) override {
        const auto style = order.settings.find("drums.style");
        return order.media + "@" + std::to_string(order.source_in) + "-" + std::to_string(order.source_out) +
               (style == order.settings.end() ? "" : style->second);
    }
    void make(const SoundOrder &order, const std::string &wav, const Progress &progress) override {
        if (!progress(0.5)) {
            throw Problem(Problem::Kind::cancelled, "cancelled");
        }
        make_click(wav, seconds(order.duration()));
        ++made_;
    }

private:
    std::atomic<int> &made_;
};

/// The program, run like a user does.
struct Program {
    std::atomic<int> made{0};
    std::atomic<bool> stopped{false};
    std::ostringstream out;
    std::ostringstream err;

    int operator()(const std::vector<std::string> &arguments) {
        out.str("");
        err.str("");
        return ges::run(arguments, {[this](const std::string &) { return std::make_unique<ClickMaker>(made); },
                                    [this] { return stopped.load(); }, out, err, false, 100});
    }
};

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

/// Moves the second clip, like an editor that saves the project.
void move_second(const std::string &path, double to) {
    const auto timeline = GesTimeline::open(path);
    const std::string id = timeline->items().at(1).id;
    GESTimelineElement *clip = ges_timeline_get_element(timeline->timeline(), id.c_str());
    REQUIRE(clip != nullptr);
    REQUIRE(ges_timeline_element_set_start(clip, static_cast<GstClockTime>(to * 1e9)));
    g_object_unref(clip);
    timeline->save();
}

std::vector<Placed> sounds_of(const std::string &path) { return GesTimeline::open(path)->ours(); }

} // namespace

TEST_CASE("soundtracks are added, kept and removed in a project") {
    Project project;
    Program program;
    const std::string before = bytes_of(project.path);
    CHECK(program({"list", project.path}) == 0);
    CHECK(has(program.out.str(), "2  " + (project.folder / "two.mkv") + "  at 2.400 s, 2.000 s long\n"));
    CHECK(bytes_of(project.path) == before);

    CHECK(program({"add", project.path, "--clip", "2", "--set", "drums.style=funk", "--set", "pose.person=all"}) == 0);
    CHECK_MESSAGE(has(program.out.str(), "made: "), program.err.str());
    std::vector<Placed> sounds = sounds_of(project.path);
    REQUIRE(sounds.size() == 1);
    CHECK(seconds(sounds[0].timeline_start) == doctest::Approx(2.4));
    // The program has no list of settings and words: the core's is the only one.
    CHECK(sounds[0].settings == Settings{{"drums.style", "funk"}, {"pose.person", "all"}});
    CHECK(fs::exists(sounds[0].wav));
    CHECK(program({"list", project.path}) == 0);
    CHECK(has(program.out.str(), "long: " + sounds[0].wav));

    const std::string added = bytes_of(project.path);
    CHECK(program({"refresh", project.path}) == 0);
    CHECK(has(program.out.str(), "unchanged: "));
    CHECK(bytes_of(project.path) == added);
    CHECK(program.made == 1);

    move_second(project.path, 4.0);
    CHECK(program({"refresh", project.path}) == 0);
    CHECK(has(program.out.str(), "moved: "));
    CHECK(seconds(sounds_of(project.path).at(0).timeline_start) == doctest::Approx(4.0));
    CHECK(program.made == 1);

    CHECK(program({"remove", project.path, "--clip", "2"}) == 0);
    CHECK(sounds_of(project.path).empty());
}

TEST_CASE("a watched project is followed after each save, until the user stops") {
    Project project;
    Program program;
    REQUIRE(program({"add", project.path, "--clip", "2"}) == 0);
    std::atomic<int> code{-1};
    // GES requires its objects on the thread that started it, so the editor is another program.
    const std::string moved = project.folder / "moved.xges";
    fs::copy_file(project.path, moved);
    move_second(moved, 4.0);
    const auto start_of = [&] {
        const std::string text = bytes_of(project.path);
        return has(text, "start='4000000000'") ? 2 * (has(text.substr(text.find("start='4000000000'") + 1),
                                                          "start='4000000000'")
                                                          ? 1
                                                          : 0)
                                               : 0;
    };
    std::thread editor([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(700));
        fs::copy_file(moved, project.folder / "saved");
        fs::rename(project.folder / "saved", project.path);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (start_of() != 2 && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        program.stopped = true;
    });
    code = program({"watch", project.path});
    editor.join();
    CHECK(code == 0);
    CHECK(has(program.out.str(), "moved: "));
    program.stopped = false;
    const std::vector<Placed> sounds = sounds_of(project.path);
    REQUIRE(sounds.size() == 1);
    CHECK(seconds(sounds[0].timeline_start) == doctest::Approx(4.0));
}

TEST_CASE("a failure is a sentence and an exit code") {
    Project project;
    Program program;
    const std::string before = bytes_of(project.path);
    const auto ends = [&](const std::vector<std::string> &arguments, int code, const std::string &sentence) {
        CHECK(program(arguments) == code);
        CHECK_MESSAGE(has(program.err.str(), sentence), program.err.str());
        CHECK(program.out.str().empty());
    };
    ends({}, 2, "'' is not a command; expected list, add, refresh, remove or watch");
    ends({"list"}, 2, "'list' needs a project");
    ends({"list", "a", "b"}, 2, "'b' is one argument too many");
    ends({"list", project.path, "--clip", "1"}, 2, "'--clip' cannot be given to 'list'");
    ends({"add", project.path}, 2, "'add' needs --clip");
    ends({"add", project.path, "--clip"}, 2, "'--clip' needs a value");
    ends({"add", project.path, "--clip", "0"}, 2, "--clip is '0'; expected a whole number from 1");
    ends({"add", project.path, "--clip", "1", "--set", "funk"}, 2, "--set is 'funk'; expected KEY=VALUE");
    ends({"add", project.path, "--clip", "3"}, 2, "there is no clip 3; it has 2");
    ends({"add", project.path, "--speed", "1"}, 2, "'--speed' is not an option");
    ends({"remove", project.path, "--clip", "1"}, 2, "there is no soundtrack under the chosen clip");
    ends({"list", project.folder / "none.xges"}, 3, "none.xges: cannot be read");
    ends({"list", project.folder / "click.wav"}, 3, "click.wav: cannot be");
    program.stopped = true;
    ends({"add", project.path, "--clip", "1"}, 130, "cancelled");
    CHECK(bytes_of(project.path) == before);
    CHECK(program({"--help"}) == 0);
    CHECK(has(program.out.str(), "Usage: kinescore-ges list"));
}

TEST_CASE("the program itself opens libkinescore") {
    Project project;
    const std::string output = project.folder / "output";
    const std::string command = std::string(KINESCORE_GES_PROGRAM) + " ";
    CHECK(outside::status(command + "list '" + project.path + "'", "25", ">'" + output + "' 2>&1") == 0);
    CHECK(has(bytes_of(output), "two.mkv"));
    CHECK(outside::status(command + "add '" + project.path + "' --clip 1 --library /nowhere/libkinescore.so", "25",
                          ">'" + output + "' 2>&1") == 6);
    CHECK(has(bytes_of(output), "Kinescore's library cannot be opened"));
}

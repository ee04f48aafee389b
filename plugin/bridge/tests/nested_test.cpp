// Timelines and projects that are clips of others, and media that are not where a project says.

#include "../kdenlive.hpp"
#include "../media_finder.hpp"
#include "../mlt.hpp"
#include "../open.hpp"
#include "../reconciler.hpp"
#include "../timeline.hpp"
#include "mlt_support.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

using namespace kinescore::bridge;
using namespace mlt_support;
namespace fs = std::filesystem;

namespace {

/// A project of MLT of these lines, at 25 frames a second.
std::string mlt(const std::string &lines, int rate = 25) {
    return "<mlt><profile frame_rate_num=\"" + std::to_string(rate) + "\" frame_rate_den=\"1\"/>\n" + lines + "</mlt>\n";
}

std::string producer(const std::string &id, const std::string &resource, const std::string &service = "avformat") {
    return "<producer id=\"" + id + "\"><property name=\"length\">1000</property><property name=\"resource\">" +
           resource + "</property><property name=\"mlt_service\">" + service + "</property></producer>\n";
}

std::string entry(const std::string &id, int in, int out) {
    return "<entry producer=\"" + id + "\" in=\"" + std::to_string(in) + "\" out=\"" + std::to_string(out) + "\"/>\n";
}

std::string playlist(const std::string &id, const std::string &entries) {
    return "<playlist id=\"" + id + "\">\n" + entries + "</playlist>\n";
}

std::string tractor(const std::string &id, const std::vector<std::string> &tracks) {
    std::string lines = "<tractor id=\"" + id + "\">\n";
    for (const std::string &track : tracks) {
        lines += "<track producer=\"" + track + "\"/>\n";
    }
    return lines + "</tractor>\n";
}

void is_clip(const TimelineItem &item, Flicks start, Flicks in, Flicks out) {
    CAPTURE(item.name);
    CHECK(item.unfit == "");
    CHECK(item.timeline_start == start * frame);
    CHECK(item.source_in == in * frame);
    CHECK(item.source_out == out * frame);
}

} // namespace

TEST_CASE("the clips of a nested timeline are listed for the part and place in which they are seen") {
    const fakes::Folder folder;
    // Two clips of 50 frames in the inner timeline, of which frames 20 to 79 are seen from frame 30
    // on.
    const std::string inner = producer("a", "a.mp4") + producer("b", "b.mp4") +
                              playlist("inner", entry("a", 0, 49) + entry("b", 10, 59));
    const std::string outer =
        playlist("v1", "<blank length=\"30\"/>" + entry("nest", 20, 79) + entry("a", 5, 9)) + tractor("t", {"v1"});
    for (const std::string &nest : {tractor("nest", {"inner"}), playlist("nest", entry("inner", 0, 99)),
                                    tractor("deeper", {"inner"}) + tractor("nest", {"deeper"})}) {
        CAPTURE(nest);
        const std::string path = project(folder, "p.mlt", mlt(inner + nest + outer));
        const auto items = open_project(path)->items();
        REQUIRE(items.size() == 3);
        for (const TimelineItem &item : items) {
            CHECK(item.unfit.find("a soundtrack needs 2 s") != std::string::npos); // of what is seen
            CHECK(item.track == 0);
        }
        const auto raw = MltProject::open(path)->items();
        is_clip(raw.at(0), 30, 20, 50);
        is_clip(raw.at(1), 60, 10, 40);
        is_clip(raw.at(2), 90, 5, 10);
        CHECK(raw[0].id == "1.1");
        CHECK(raw[1].id == "1.2");
        CHECK(raw[2].id == "1.3");
    }
}

TEST_CASE("sound under a clip of a nested timeline lies on the outermost one") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "a.wav", two_seconds);
    const std::string path =
        project(folder, "p.mlt",
                mlt(producer("a", "a.mp4") + playlist("inner", entry("a", 0, 99)) + tractor("nest", {"inner"}) +
                    playlist("v1", "<blank length=\"30\"/>" + entry("nest", 25, 74)) + tractor("t", {"v1"})));
    const std::string before = fakes::content(path);
    const auto timeline = MltProject::open(path);
    timeline->place(sound_for(timeline->items().at(0), wav, "key-1"));
    timeline->save();
    const auto again = MltProject::open(path);
    REQUIRE(again->ours().size() == 1);
    CHECK(again->ours()[0].timeline_start == 30 * frame);
    CHECK(again->ours()[0].duration == 50 * frame);
    REQUIRE(again->items().size() == 1);
    const auto pairs = matches(again->ours(), again->items());
    CHECK(pairs.size() == 1);
    again->remove(again->ours()[0].id);
    CHECK(again->bytes() == before);
}

TEST_CASE("a producer that a track plays without a playlist is a clip") {
    const fakes::Folder folder;
    const auto items = MltProject::open(project(folder, "p.mlt", mlt("<producer id=\"a\" out=\"74\"><property "
                                                                     "name=\"resource\">a.mp4</property></producer>" +
                                                                     tractor("t", {"a"}))))
                           ->items();
    REQUIRE(items.size() == 1);
    is_clip(items[0], 0, 0, 75);
}

TEST_CASE("a clip of unknown length is listed as such") {
    const auto items = listed("<producer id=\"x\"><property name=\"resource\">x.mp4</property></producer>"
                              "<playlist id=\"p\"><entry producer=\"x\"/></playlist>");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit == "the project does not say how long it is");
}

TEST_CASE("timelines that contain themselves, or nest billions, are listed with the reason") {
    auto items = listed("<playlist id=\"v1\"><entry producer=\"v1\" in=\"0\" out=\"89\"/></playlist>"
                        "<tractor id=\"t0\"><track producer=\"t0\"/></tractor>");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit == "it is a timeline that contains itself");
    items = listed("<playlist id=\"v1\">" + entry("a", 0, 9) + entry("v1", 0, 89) + "</playlist>");
    REQUIRE(items.size() == 2);
    CHECK(items[0].unfit.empty());
    CHECK(items[1].unfit == "it is a timeline that contains itself");
    CHECK(items[1].timeline_start == 10 * frame);
    // Each contains the previous one twice.
    for (const bool has_clips : {true, false}) {
        std::string lines = playlist("n0", has_clips ? entry("a", 0, 0) : "<blank length=\"1\"/>");
        for (int level = 1; level < 30; ++level) {
            const std::string before = "n" + std::to_string(level - 1);
            const int last = (1 << (level - 1)) - 1;
            lines += playlist("n" + std::to_string(level), entry(before, 0, last) + entry(before, 0, last));
        }
        items = listed(lines);
        CHECK(items.size() < 500'000);
        CHECK(std::any_of(items.begin(), items.end(), [](const TimelineItem &item) {
            return item.unfit.find("too many of these to read") != std::string::npos;
        }));
    }
    // Nested deeper than anybody nests.
    std::string lines = playlist("n0", entry("a", 0, 9));
    for (int level = 1; level < 100; ++level) {
        lines += playlist("n" + std::to_string(level), entry("n" + std::to_string(level - 1), 0, 9));
    }
    items = listed(lines);
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit.find("in more than 64 others") != std::string::npos);
}

TEST_CASE("sequences of Kdenlive that are clips of another are read") {
    const fakes::Folder folder;
    const std::string uuid = "{00000000-0000-4000-8000-000000000001}";
    std::string bytes = fixture("kdenlive/26.08.kdenlive");
    // A second sequence of one clip, nested in Kdenlive's way: by its id, on the upper track.
    bytes = replaced(bytes, "<playlist id=\"playlist6\"/>",
                     playlist("inner", "<blank length=\"5\"/>" + entry("producer4", 30, 59)) +
                         "<tractor id=\"track\"><track hide=\"audio\" producer=\"inner\"/></tractor>\n<tractor id=\"" + uuid +
                         "\" in=\"0\" out=\"34\"><property name=\"kdenlive:uuid\">" + uuid +
                         "</property><track producer=\"producer2\"/><track producer=\"track\"/></tractor>\n" +
                         playlist("playlist6", "<blank length=\"100\"/>" + entry(uuid, 10, 34)));
    const auto items = KdenliveProject::open(project(folder, "p.kdenlive", bytes))->items();
    REQUIRE(items.size() == 3);
    CHECK(items[2].track == 1);
    is_clip(items[2], 100, 35, 60);
}

TEST_CASE("the clips of projects that are clips are listed, with media beside them") {
    const fakes::Folder folder;
    fs::create_directory(folder.path() + "/inner");
    const std::string inner = mlt(producer("a", "a.mp4") + playlist("v", "<blank length=\"10\"/>" + entry("a", 0, 149)));
    project(folder, "inner/inner.mlt", inner);
    write(folder.path() + "/inner/a.mp4", "a video");
    const auto outer = [&](const std::string &resource, const std::string &service, int rate = 25) {
        const std::string path =
            project(folder, "p.mlt",
                    mlt(producer("x", resource, service) + playlist("v", "<blank length=\"100\"/>" + entry("x", 20, 89)),
                        rate));
        return open_project(path)->items();
    };
    for (const std::string service : {"xml", "xml-nogl", "consumer"}) {
        CAPTURE(service);
        const auto items = outer("inner/inner.mlt", service);
        REQUIRE(items.size() == 1);
        is_clip(items[0], 100, 10, 80);
        CHECK(items[0].media_path == fs::canonical(folder.path()).string() + "/inner/a.mp4");
    }
    // A project in another frame rate, or played at another speed, cannot be placed.
    auto items = outer("inner/inner.mlt", "xml", 50);
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit == "it is a nested project with another frame rate");
    items = outer("2:inner/inner.mlt", "timewarp");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit == "it is a nested project that is not played at its own speed");
    items = outer("inner/none.mlt", "xml");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit == "it is a nested project, which is missing");
    items = outer("p.mlt", "xml");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit.find("is a project that contains itself") != std::string::npos);
    write(folder.path() + "/inner/inner.mlt", "<mlt><playlist>");
    items = outer("inner/inner.mlt", "xml");
    REQUIRE(items.size() == 1);
    CHECK(items[0].unfit.find("which cannot be read: ") != std::string::npos);
}

TEST_CASE("media that are not where a project says are found by their names, where that is certain") {
    const fakes::Folder folder;
    fs::create_directories(folder.path() + "/media/deep");
    fs::create_directories(folder.path() + "/media/other");
    const std::string film = fs::canonical(folder.path()).string() + "/media/deep/Film.MP4";
    write(film, "a video");
    const auto item_of = [&](const std::string &resource, const std::vector<std::string> &folders) {
        const std::string path =
            project(folder, "p.mlt", mlt(producer("x", resource) + playlist("v", entry("x", 0, 49))));
        const auto items = open_project(path, {folders, ""})->items();
        REQUIRE(items.size() == 1);
        return items[0];
    };
    const std::vector<std::string> media{folder.path() + "/media"};
    for (const std::string name : {"C:\\Users\\me\\Film.MP4", "C:/Users/me/film.mp4", "\\\\server\\share\\Film.MP4",
                                   "/moved/away/Film.MP4", "gone/film.mp4", "http://127.0.0.1:9/Film.MP4?x=1"}) {
        CAPTURE(name);
        const TimelineItem without = item_of(name, {});
        CHECK(!without.unfit.empty());
        CHECK(without.is_elsewhere);
        const TimelineItem found = item_of(name, media);
        CHECK(found.unfit == "");
        CHECK(found.file() == film);
        CHECK(found.media_path == without.media_path); // as the project names it
        // Folders within each other contain a file twice, but it is one file.
        CHECK(item_of(name, {media[0], media[0] + "/deep"}).file() == film);
    }
    CHECK(item_of("gone/other.mp4", media).unfit ==
          "its media is missing; no file of its name is in the folders for media");
    write(folder.path() + "/media/other/Film.MP4", "another one");
    const TimelineItem ambiguous = item_of("C:\\Film.MP4", media);
    CHECK(ambiguous.unfit.find("2 files in the folders for media have its name") != std::string::npos);
    CHECK(ambiguous.found_at.empty());
    // An existing file is not searched for.
    write(folder.path() + "/Film.MP4", "the right one");
    CHECK(item_of("Film.MP4", media).file() == fs::canonical(folder.path()).string() + "/Film.MP4");
    CHECK(problem_of([&] { item_of("a.mp4", {folder.path() + "/none"}); }, Problem::Kind::usage).find("is not a folder") !=
          std::string::npos);
}

TEST_CASE("sound of media that were found elsewhere stays with its clip, whether or not they are found again") {
    for (const std::string name : {"C:\\films\\film.mp4", "gone/film.mp4"}) {
        CAPTURE(name);
        const fakes::Folder folder;
        fs::create_directory(folder.path() + "/media");
        write(folder.path() + "/media/film.mp4", "a video");
        const std::string path =
            project(folder, "p.mlt",
                    mlt(producer("x", name) + playlist("v", entry("x", 0, 49)) + tractor("t", {"v"})));
        const OpenOptions options{{folder.path() + "/media"}, ""};
        fakes::FakeMaker maker;
        {
            const auto timeline = open_project(path, options);
            const auto result = Reconciler(*timeline, maker).add("1.1", {});
            CHECK(result.what == Result::What::made);
            CHECK(fs::path(result.wav).filename() == "film.soundtrack.wav");
        }
        CHECK(fakes::content(path).find(">" + name + "<") != std::string::npos);
        const std::string saved = fakes::content(path);
        auto results = Reconciler(*open_project(path, options), maker).refresh();
        REQUIRE(results.size() == 1);
        CHECK(results[0].what == Result::What::unchanged);
        results = Reconciler(*open_project(path), maker).refresh();
        REQUIRE(results.size() == 1);
        CHECK(results[0].what == Result::What::failed);
        CHECK(results[0].kind == Problem::Kind::input);
        CHECK(fakes::content(path) == saved);
    }
}

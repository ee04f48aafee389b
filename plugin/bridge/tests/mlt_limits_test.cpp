// Projects of MLT with clips that cannot be given a soundtrack, and with impossible times.

#include "../mlt.hpp"
#include "../timeline.hpp"
#include "mlt_support.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <string>

using namespace kinescore::bridge;
using namespace mlt_support;
namespace fs = std::filesystem;

TEST_CASE("a clip that cannot be given a soundtrack says why, and keeps its place") {
    const auto reason = [](const std::string &producer, const std::string &frames = "in=\"0\" out=\"9\"") {
        const auto items = listed(producer + "<playlist id=\"p\"><blank length=\"5\"/><entry producer=\"x\" " + frames +
                                  "/></playlist>");
        REQUIRE(items.size() == 1);
        CHECK(items[0].timeline_start == 5 * frame);
        CHECK(items[0].duration() == 10 * frame);
        return items[0].unfit;
    };
    const auto producer = [](const std::string &resource, const std::string &service, const std::string &more = "") {
        return "<chain id=\"x\"><property name=\"resource\">" + resource + "</property><property name=\"mlt_service\">" +
               service + "</property>" + more + "</chain>";
    };
    CHECK(reason(producer("x.mp4", "avformat")).empty());
    CHECK(reason(producer("-1:x.mp4", "timewarp")) == "it is played backwards");
    CHECK(reason(producer("soon:x.mp4", "timewarp")) ==
          "it is played at a speed of \"soon\", which is not a number above 0");
    const std::string remapped = "its speed changes on the way (time remapping)";
    CHECK(reason(producer("x.mp4", "avformat", "<link mlt_service=\"timeremap\"/>")) == remapped);
    CHECK(reason(producer("x.mp4", "avformat", "<link><property name=\"mlt_service\">timeremap</property></link>")) ==
          remapped);
    CHECK(reason(producer("shot_%04d.jpg?begin=997", "qimage")) == "it is a sequence of stills, not a video");
    CHECK(reason(producer("shots/.all.jpg", "pixbuf")) == "it is a sequence of stills, not a video");
    CHECK(reason(producer("other.mlt", "xml")) == "it is a nested project, which is missing");
    CHECK(reason(producer("http://127.0.0.1:9/a.mp4", "avformat")) ==
          "its media is not a file on this computer: http://127.0.0.1:9/a.mp4");
    for (const std::string path : {"C:\\films\\a.mp4", "C:/films/a.mp4", "\\\\server\\a.mp4"}) {
        CHECK(reason(producer(path, "avformat")) == "its media has a Windows path: " + path);
    }
    CHECK(reason("") == "it plays \"x\", which is not in the project");
}

TEST_CASE("no more is listed than the media has, as MLT plays it") {
    const auto one = [](const std::string &frames) {
        return listed("<producer id=\"x\"><property name=\"resource\">x.mp4</property><property "
                      "name=\"length\">100</property></producer><playlist id=\"p\"><entry producer=\"x\" " +
                      frames + "/><entry producer=\"a\" in=\"0\" out=\"9\"/></playlist>");
    };
    auto items = one("in=\"20\" out=\"100000\"");
    REQUIRE(items.size() == 2);
    CHECK(items[0].unfit.empty());
    CHECK(items[0].source_out == 100 * frame);
    CHECK(items[1].timeline_start == 80 * frame);
    items = one("in=\"70\" out=\"20\"");
    CHECK(items[0].source_in == 20 * frame);
    CHECK(items[0].source_out == 71 * frame);
    items = one("in=\"200\" out=\"300\"");
    CHECK(items[0].unfit == "it lies after the end of its media");
    CHECK(items[1].timeline_start == 1 * frame);
    // At half the speed there are twice as many frames, whatever the length is.
    items = listed("<producer id=\"x\"><property name=\"resource\">0.5:x.mp4</property><property "
                   "name=\"mlt_service\">timewarp</property><property name=\"length\">100</property></producer>"
                   "<playlist id=\"p\"><entry producer=\"x\" in=\"20\" out=\"179\"/></playlist>");
    CHECK(items.at(0).source_out == 90 * frame);
}

TEST_CASE("the original is listed, not Shotcut's proxy") {
    for (const char *name : {"shotcut:originalResource", "shotcut:resource"}) {
        const auto items = listed("<producer id=\"x\"><property name=\"resource\">proxy.mp4</property><property "
                                  "name=\"shotcut:proxy\">1</property><property name=\"" +
                                  std::string(name) +
                                  "\">whole.mp4</property></producer><playlist id=\"p\"><entry producer=\"x\" "
                                  "in=\"0\" out=\"9\"/></playlist>");
        REQUIRE(items.size() == 1);
        CHECK(fs::path(items[0].media_path).filename() == "whole.mp4");
    }
}

TEST_CASE("an impossibly long timeline is refused, and none begins below 0") {
    std::string playlist = "<playlist id=\"p\">";
    for (int blank = 0; blank < 100'000; ++blank) {
        playlist += "<blank length=\"999999999\"/>";
    }
    playlist += "<entry producer=\"a\" in=\"0\" out=\"9\"/></playlist>";
    const std::string sentence = problem_of([&] { listed(playlist); });
    CHECK(sentence.find("the playlist \"p\" is more than 100000000 s long") != std::string::npos);
}

TEST_CASE("our sound never takes a name that an entry of the project uses, even if it does not exist") {
    for (const std::string element : {"producer", "chain"}) {
        const fakes::Folder folder;
        const std::string wav = click(folder, "a.wav", two_seconds);
        const std::string path = project(
            folder, "p.mlt",
            "<mlt><" + element + " id=\"a\"><property name=\"resource\">a.mp4</property></" + element +
                "><playlist id=\"v\"><entry producer=\"" + element + "0\" in=\"0\" out=\"49\"/>"
                "<entry producer=\"a\" in=\"0\" out=\"49\"/></playlist><tractor id=\"t\"><track producer=\"v\"/>"
                "<track producer=\"playlist0\"/></tractor></mlt>");
        const auto timeline = MltProject::open(path);
        const auto items = timeline->items();
        REQUIRE(items.size() == 2);
        timeline->place(sound_for(items[1], wav, "key-1"));
        timeline->save();
        const auto again = MltProject::open(path);
        // One place only, and the entry that plays nothing still plays nothing.
        REQUIRE(again->ours().size() == 1);
        CHECK(again->ours()[0].timeline_start == items[1].timeline_start);
        REQUIRE(again->items().size() == 2);
        CHECK(again->items()[0].unfit == "it plays \"" + element + "0\", which is not in the project");
    }
}

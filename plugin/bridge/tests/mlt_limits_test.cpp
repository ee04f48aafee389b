// Projects of MLT with clips that cannot be given a soundtrack, and with impossible times.

#include "../mlt.hpp"
#include "../reconciler.hpp"
#include "../timeline.hpp"
#include "../url.hpp"
#include "mlt_support.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

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

TEST_CASE("of two elements with one id an entry plays the one before it, and what could reach the other is refused") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "a.wav", two_seconds);
    const auto producer = [](const std::string &file, const std::string &more = "") {
        return "<producer id=\"a\"><property name=\"resource\">" + file + "</property><property name=\"length\">50"
               "</property>" + more + "</producer>";
    };
    const auto playlist = [](const std::string &id) {
        return "<playlist id=\"" + id + "\"><entry producer=\"a\" in=\"0\" out=\"49\"/></playlist>";
    };
    const std::string tracks = "<tractor id=\"t\"><track producer=\"v\"/><track producer=\"w\"/></tractor></mlt>";
    const std::string path = project(folder, "p.mlt", "<mlt>" + producer("one.mp4") + playlist("v") + producer("two.mp4") +
                                                          playlist("w") + tracks);
    const auto timeline = MltProject::open(path);
    const auto items = timeline->items();
    REQUIRE(items.size() == 2);
    CHECK(items[0].name == "one.mp4");
    CHECK(items[1].name == "two.mp4");
    // A sound has an id of its own, so the clips stay what they are.
    timeline->place(sound_for(items[0], wav, "key-1"));
    timeline->save();
    const auto again = MltProject::open(path);
    REQUIRE(again->items().size() == 2);
    CHECK(again->items()[0].name == "one.mp4");
    CHECK(again->items()[1].name == "two.mp4");
    again->remove(again->ours().at(0).id);

    // One of our sounds has the id of a clip.
    const std::string mark = "<property name=\"kinescore:key\">k</property>";
    const std::string shared = project(folder, "q.mlt", "<mlt>" + producer("one.mp4") + playlist("v") +
                                                            producer("a.wav", mark) + playlist("w") + tracks);
    const auto odd = MltProject::open(shared);
    REQUIRE(odd->ours().size() == 1);
    const std::string before = odd->bytes();
    CHECK_THROWS_WITH(odd->remove(odd->ours()[0].id), doctest::Contains("2 elements have the id \"a\"; expected one"));
    CHECK_THROWS_AS(odd->place(odd->ours()[0]), Problem);
    CHECK(odd->bytes() == before);
}

namespace {

/// A project with one playlist, in which the producer "a" has 1000 frames.
std::string melt_project(const std::string &playlist) {
    return "<mlt><profile frame_rate_num=\"25\" frame_rate_den=\"1\" width=\"32\" height=\"18\"/>"
           "<producer id=\"a\"><property name=\"resource\">red</property><property name=\"mlt_service\">color"
           "</property><property name=\"length\">1000</property></producer>" +
           playlist + "<tractor id=\"t\"><track producer=\"p\"/></tractor></mlt>";
}

/// How many frames melt counts in such a project.
Frames played_by_melt(const std::string &bytes) {
    const fakes::Folder folder;
    const std::string path = project(folder, "p.mlt", bytes);
    const std::string saved = folder.path() + "/saved.mlt";
    REQUIRE(runs_melt("QT_QPA_PLATFORM=offscreen melt " + path + " -consumer xml:" + saved));
    const std::string written = fakes::content(saved);
    const std::size_t out = written.find(" out=\"", written.find("<entry"));
    return std::stoll(written.substr(out + 6)) + 1;
}

} // namespace

TEST_CASE("an entry that is repeated is listed each time, and what follows is where melt plays it") {
    const std::string last = "<entry producer=\"a\" in=\"100\" out=\"109\"/></playlist>";
    struct Case {
        const char *repeat;
        std::size_t times;
    };
    for (const Case &one : {Case{"3", 3}, Case{"1", 1}, Case{"0", 1}, Case{"-2", 1}, Case{"many", 1}, Case{"2.7", 2}}) {
        CAPTURE(one.repeat);
        const std::string playlist = "<playlist id=\"p\"><entry producer=\"a\" in=\"10\" out=\"59\" repeat=\"" +
                                     std::string(one.repeat) + "\"/><blank length=\"5\"/>" + last;
        const auto items = listed(playlist);
        REQUIRE(items.size() == one.times + 1);
        for (std::size_t time = 0; time < one.times; ++time) {
            CHECK(items[time].timeline_start == static_cast<Flicks>(time) * 50 * frame);
            CHECK(items[time].source_in == 10 * frame);
            CHECK(items[time].source_out == 60 * frame);
            CHECK(items[time].id == "1." + std::to_string(time + 1));
        }
        CHECK(items.back().timeline_start == static_cast<Flicks>(one.times * 50 + 5) * frame);
    }
    // In a nested timeline, of which a part is seen.
    const auto items = listed("<playlist id=\"q\"><entry producer=\"a\" in=\"0\" out=\"9\" repeat=\"4\"/></playlist>"
                              "<tractor id=\"n\"><track producer=\"q\"/></tractor>"
                              "<playlist id=\"p\"><entry producer=\"n\" in=\"15\" out=\"34\" repeat=\"2\"/>" + last);
    REQUIRE(items.size() == 7);
    CHECK(items[0].source_in == 5 * frame);
    CHECK(items[0].source_out == 10 * frame);
    CHECK(items[1].timeline_start == 5 * frame);
    CHECK(items[2].source_out == 5 * frame);
    CHECK(items[3].timeline_start == 20 * frame);
    CHECK(items[3].source_in == 5 * frame);
    CHECK(items[6].timeline_start == 40 * frame);
}

TEST_CASE("repeated entries and blanks without a length are as long as melt plays them") {
    std::string playlist = "<playlist id=\"p\">";
    for (const std::string more : {"", "repeat=\"3\"", "repeat=\"1\"", "repeat=\"0\"", "repeat=\"-2\"",
                                   "repeat=\"many\"", "repeat=\"2.7\"", "out=\"-5\" repeat=\"2\""}) {
        const std::string out = more.find("out=") == std::string::npos ? " out=\"59\" " : " ";
        playlist += "<entry producer=\"a\" in=\"10\"" + out + more + "/>";
    }
    for (const std::string length : {"length=\"-10\"", "length=\"0\"", "length=\"25\"", ""}) {
        playlist += "<blank " + length + "/>";
    }
    playlist += "<entry producer=\"a\" in=\"-5\" out=\"9\"/></playlist>";
    // For melt it is a colour, which needs no file; in the list it is a video.
    const fakes::Folder folder;
    const std::string media = melt_project(playlist);
    const std::string path = project(folder, "p.mlt", replaced(media, ">color<", ">avformat<"));
    const auto items = MltProject::open(path)->items();
    REQUIRE(items.size() == 13);
    if (can_listen()) {
        CHECK(items.back().timeline_start + items.back().duration() == played_by_melt(media) * frame);
    }
}

TEST_CASE("repetitions without end are one row with the reason") {
    auto items = listed("<playlist id=\"p\"><entry producer=\"a\" in=\"0\" out=\"0\" repeat=\"9999999\"/>"
                        "<entry producer=\"a\" in=\"0\" out=\"9\"/></playlist>");
    REQUIRE(items.size() == 200'002);
    CHECK(items[200'000].unfit == "it is repeated 9999999 times, and so many are not read");
    CHECK(items[200'001].timeline_start == 9'999'999 * frame);
    for (const std::string repeat : {"999999999", "99999999999999999999999"}) {
        const std::string sentence = problem_of([&] {
            listed("<playlist id=\"p\"><entry producer=\"a\" in=\"0\" out=\"9\" repeat=\"" + repeat + "\"/></playlist>");
        });
        CHECK(sentence.find("the playlist \"p\" is more than 100000000 s long") != std::string::npos);
    }
}

TEST_CASE("a blank below 0 has no length, as for melt, and an unreadable one does not swallow what follows") {
    const auto with = [](const std::string &attribute) {
        return "<playlist id=\"p\"><entry producer=\"a\" in=\"0\" out=\"49\"/><blank " + attribute +
               "/><entry producer=\"a\" in=\"0\" out=\"49\"/></playlist>";
    };
    for (const std::string attribute : {"length=\"-10\"", "length=\"0\"", "length=\"\"", ""}) {
        CAPTURE(attribute);
        const auto items = listed(with(attribute));
        REQUIRE(items.size() == 2);
        CHECK(items[1].unfit.empty());
        CHECK(items[1].timeline_start == 50 * frame);
    }
    for (const std::string text : {"99999999999", "2000000000", "soon", "1e2"}) {
        const auto items = listed(with("length=\"" + text + "\""));
        REQUIRE(items.size() == 2);
        CHECK(items[0].unfit.empty());
        CHECK(items[1].unfit == "it comes after a blank of length \"" + text +
                                    "\"; expected 0 to 999999999 frames, or hours, minutes and seconds");
    }
}

TEST_CASE("clips with times that are not times, and all clips after them, are listed with the reason") {
    const auto with = [](const std::string &frames) {
        return listed("<playlist id=\"p\"><entry producer=\"a\" " + frames +
                      "/><entry producer=\"a\" in=\"0\" out=\"49\"/><blank length=\"9\"/>"
                      "<entry producer=\"a\" in=\"0\" out=\"49\"/></playlist>");
    };
    const std::string allowed = "; expected 0 to 999999999 frames, or hours, minutes and seconds";
    const std::string after = "it comes after a clip whose times cannot be read, so its position is unknown";
    for (const auto &[frames, reason] : std::vector<std::pair<std::string, std::string>>{
             {"in=\"soon\" out=\"49\"", "its in-point is \"soon\"" + allowed},
             {"in=\"0\" out=\"99999999999\"", "its out-point is \"99999999999\"" + allowed}}) {
        const auto items = with(frames);
        REQUIRE(items.size() == 3);
        CHECK(items[0].unfit == reason);
        CHECK(items[1].unfit == after);
        CHECK(items[2].unfit == after);
    }
    // Below 0 is a missing one, as for melt.
    auto items = with("in=\"-5\" out=\"49\"");
    CHECK(items.at(1).timeline_start == 50 * frame);
    // A clip of unknown length.
    items = listed("<producer id=\"x\"><property name=\"resource\">x.mp4</property></producer><playlist id=\"p\">"
                   "<entry producer=\"x\"/><entry producer=\"a\" in=\"0\" out=\"49\"/></playlist>");
    REQUIRE(items.size() == 2);
    CHECK(items[0].unfit == "the project does not say how long it is");
    CHECK(items[1].unfit == "it comes after a clip whose length is not in the project, so its position is unknown");
}

TEST_CASE("a sound that was cut at its beginning or repeated is placed again once") {
    struct Case {
        const char *before, *after;
    };
    for (const Case &one : {Case{"<producer id=\"producer0\" in=\"0\" out", "<producer id=\"producer0\" in=\"5\" out"},
                            Case{"<entry producer=\"producer0\" in=\"0\"", "<entry producer=\"producer0\" in=\"5\""},
                            Case{"<entry producer=\"producer0\" in=\"0\"", "<entry repeat=\"2\" producer=\"producer0\" in=\"0\""},
                            Case{">p.soundtracks/a.soundtrack.wav</property>\n  <property name=\"mlt_service\">avformat<",
                                 ">2:p.soundtracks/a.soundtrack.wav</property>\n  <property name=\"warp_speed\">2"
                                 "</property><property name=\"mlt_service\">timewarp<"},
                            Case{"<entry producer=\"producer0\" in=\"0\" out=\"99\"",
                                 "<entry repeat=\"2\" producer=\"producer0\" in=\"0\" out=\"49\""}}) {
        CAPTURE(one.after);
        const fakes::Folder folder;
        const std::string path = project(
            folder, "p.mlt",
            "<mlt><profile frame_rate_num=\"25\" frame_rate_den=\"1\"/><producer id=\"a\"><property "
            "name=\"resource\">a.mp4</property></producer><playlist id=\"v\"><entry producer=\"a\" in=\"10\" "
            "out=\"109\"/></playlist><tractor id=\"t\"><track producer=\"v\"/></tractor></mlt>");
        fakes::FakeMaker maker;
        const auto refreshed = [&] {
            const auto timeline = MltProject::open(path);
            const auto results = Reconciler(*timeline, maker).refresh();
            REQUIRE(results.size() == 1);
            return results[0].what;
        };
        {
            const auto timeline = MltProject::open(path);
            REQUIRE(Reconciler(*timeline, maker).add(timeline->items().at(0).id, {}).what == Result::What::made);
        }
        const std::string placed = fakes::content(path);
        const std::string edited = replaced(placed, one.before, one.after);
        REQUIRE(edited != placed);
        write(path, edited);
        CHECK(refreshed() == Result::What::moved);
        CHECK(refreshed() == Result::What::unchanged);
        const auto ours = MltProject::open(path)->ours();
        REQUIRE(ours.size() == 1);
        CHECK_FALSE(ours[0].is_cut);
        CHECK(ours[0].duration == 100 * frame);
        CHECK(ours[0].wav == folder.path() + "/p.soundtracks/a.soundtrack.wav");
        CHECK(fakes::content(path).find("warp") == std::string::npos);
        CHECK(maker.made == 1);
        // If it cannot be known where it is, it is not counted as missing.
        write(path, replaced(placed, "<entry producer=\"producer0\"",
                             "<blank length=\"soon\"/><entry producer=\"producer0\""));
        CHECK(problem_of([&] { refreshed(); }).find("a soundtrack on the playlist \"playlist0\" cannot be followed: it "
                                                    "comes after a blank of length \"soon\"") != std::string::npos);
    }
}

TEST_CASE("a file URL of another computer is not a file of this one") {
    const fakes::Folder folder;
    write(folder.path() + "/a b.mp4", "a video");
    const auto item = [&](const std::string &resource) {
        const std::string path = project(
            folder, "p.mlt",
            "<mlt><producer id=\"x\"><property name=\"resource\">" + resource + "</property></producer><playlist "
            "id=\"p\"><entry producer=\"x\" in=\"0\" out=\"99\"/></playlist></mlt>");
        return MltProject::open(path)->items().at(0);
    };
    const std::string here = folder.path() + "/a b.mp4";
    for (const std::string start : {"file://", "file://localhost", "file://LOCALHOST", "file:", "avformat:file://"}) {
        CAPTURE(start);
        for (const std::string name : {"/a b.mp4", "/a%20b.mp4"}) {
            CHECK(item(start + folder.path() + name).media_path == here);
            CHECK(item(start + folder.path() + name).unfit.empty());
        }
    }
    for (const std::string &url : std::vector<std::string>{"file://nas" + here, "file://192.168.0.7" + here,
                                                             "file:////nas/films/a.mp4"}) {
        CHECK(item(url).unfit == "its media is not a file on this computer: " + shown(url));
        CHECK(item(url).is_elsewhere);
    }
    CHECK(item("file:///C:/films/a.mp4").unfit == "its media has a Windows path: file:///C:/films/a.mp4");
}

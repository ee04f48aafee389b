#include "../mlt.hpp"
#include "../kdenlive.hpp"
#include "../timeline.hpp"
#include "mlt_support.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

using namespace kinescore::bridge;
using namespace mlt_support;
namespace fs = std::filesystem;

namespace {

constexpr Flicks ntsc_frame = flicks_per_second * 1001 / 30000;

const std::vector<std::string> fixtures{"mlt/melt.mlt",    "mlt/melt-tracks.mlt",      "mlt/playlist.mlt",
                                        "mlt/shotcut.mlt", "mlt/shotcut-dissolve.mlt", "mlt/shotcut-soundtrack.mlt"};

std::string with_times(const std::string &in, const std::string &out) {
    return "<playlist id=\"p\"><entry producer=\"a\" in=\"" + in + "\" out=\"" + out + "\"/></playlist>";
}

} // namespace

TEST_CASE("melt's own project is listed with exact times") {
    const fakes::Folder folder;
    const auto timeline = MltProject::open(project(folder, "p.mlt", fixture("mlt/melt.mlt")));
    const auto items = timeline->items();
    REQUIRE(items.size() == 2);
    // The entries of a producer that is itself cut are counted from the cut.
    CHECK(items[0].media_path == folder.path() + "/one.mp4");
    CHECK(items[0].source_in == 20 * frame);
    CHECK(items[0].source_out == 70 * frame);
    CHECK(items[0].timeline_start == 0);
    CHECK(items[0].duration() == 50 * frame);
    CHECK(items[0].rate.numerator == 25);
    CHECK(items[0].track == 0);
    CHECK(items[1].id == "1.2");
    CHECK(items[1].name == "two.mp4");
    CHECK(items[1].source_in == 10 * frame);
    CHECK(items[1].source_out == 60 * frame);
    CHECK(items[1].timeline_start == 50 * frame);
    CHECK(timeline->ours().empty());
    CHECK(timeline->sound_folder() == folder.path() + "/p.soundtracks");
}

TEST_CASE("tracks, blanks and clock times are understood") {
    const fakes::Folder folder;
    const auto items = MltProject::open(project(folder, "p.mlt", fixture("mlt/melt-tracks.mlt")))->items();
    REQUIRE(items.size() == 2);
    CHECK(items[0].source_in == 20 * frame);
    CHECK(items[1].track == 1);
    CHECK(items[1].id == "2.1");
    CHECK(items[1].timeline_start == 11 * frame);
    CHECK(items[1].source_in == 10 * frame);
}

TEST_CASE("a single playlist is a timeline") {
    const fakes::Folder folder;
    const auto items = MltProject::open(project(folder, "p.mlt", fixture("mlt/playlist.mlt")))->items();
    REQUIRE(items.size() == 2);
    CHECK(items[1].timeline_start == 60 * frame);
    CHECK(items[1].source_out == 60 * frame);
    CHECK(items[1].media_path == folder.path() + "/two.mp4");
}

TEST_CASE("Shotcut's speed, dissolves and colours are understood, at a rate that is not a whole number") {
    const fakes::Folder folder;
    const auto items = MltProject::open(project(folder, "p.mlt", fixture("mlt/shotcut-dissolve.mlt")))->items();
    REQUIRE(items.size() == 3);
    CHECK(items[0].name == "The first");
    CHECK(items[0].source_out == 60 * ntsc_frame);
    CHECK(items[0].rate.numerator == 30000);
    CHECK(items[0].rate.denominator == 1001);
    // After the dissolve of 30 frames, at half the speed.
    CHECK(items[1].timeline_start == 90 * ntsc_frame);
    CHECK(items[1].speed.numerator == 1);
    CHECK(items[1].speed.denominator == 2);
    CHECK(items[1].media_path == folder.path() + "/two.mp4");
    CHECK(items[1].source_in == 15 * ntsc_frame);
    CHECK(items[1].source_out == 75 * ntsc_frame);
    CHECK(items[1].duration() == 120 * ntsc_frame);
    CHECK(items[2].track == 1);
    CHECK(items[2].timeline_start == 75 * ntsc_frame);
}

TEST_CASE("times are read as melt reads them") {
    const auto in = [](const std::string &text) { return listed(with_times(text, "900")).at(0).source_in / frame; };
    CHECK(in("50") == 50);
    CHECK(in("00:00:02.000") == 50);
    CHECK(in("00:00:02,040") == 51);
    CHECK(in("00:00:02:01") == 51);
    CHECK(in("00:00:02;01") == 51);
    CHECK(in(":05.5") == 138); // halves go to the even side: 137.5
    CHECK(in("1:30") == 55);
    // At 29.97, hours and minutes are rounded down separately.
    const auto ntsc = [](const std::string &text) {
        return listed(with_times(text, "900"), "30000\" frame_rate_den=\"1001").at(0).source_in / ntsc_frame;
    };
    CHECK(ntsc("00:00:01.001") == 30);
    CHECK(ntsc("00:00:10:00") == 300);
    CHECK(listed(with_times("00:00:01.000", "00:01:00.000"), "30000\" frame_rate_den=\"1001").at(0).source_out ==
          1799 * ntsc_frame);
    for (const char *nonsense : {"", "soon", "1:2:3:4:5.0", "-5", "99999999999999999999", "00:x:02.000", "::"}) {
        CAPTURE(nonsense);
        CHECK(listed(with_times(nonsense, "900")).size() <= 1);
    }
}

TEST_CASE("the same clock as melt's own") {
    // What melt 7.12 writes for these frames at 30000/1001.
    MltClock clock(Ratio{30000, 1001});
    clock.write_like("00:00:00.000");
    for (const Frames frames : {0, 1, 29, 30, 1797, 1798, 1799, 17981, 17982, 107891, 107892, 107893, 999999}) {
        CAPTURE(frames);
        CHECK(clock.read(clock.write(frames)) == frames);
        CHECK(clock.nearest(clock.flicks(frames)) == frames);
    }
    CHECK(clock.write(1798) == "00:01:00.000");
    CHECK(clock.write(30) == "00:00:01.001");
    clock.write_like("250");
    CHECK(clock.write(1798) == "1798");
    clock.write_like("00:00:00,000");
    CHECK(clock.write(30) == "00:00:01,001");
}

TEST_CASE("an entry without a video, or with an unknown one, is not a clip") {
    const std::string entry = "<playlist id=\"p\"><entry producer=\"x\" in=\"0\" out=\"9\"/><entry producer=\"a\" "
                              "in=\"0\" out=\"9\"/></playlist>";
    const auto count = [&](const std::string &properties) {
        const auto items = listed("<producer id=\"x\">" + properties + "</producer>" + entry);
        REQUIRE_FALSE(items.empty());
        CHECK(items.back().timeline_start == 10 * frame); // a skipped entry still takes its time
        return std::count_if(items.begin(), items.end(),
                             [](const TimelineItem &item) { return item.unfit.empty(); }) -
               1;
    };
    const auto property = [](const std::string &name, const std::string &value) {
        return "<property name=\"" + name + "\">" + value + "</property>";
    };
    const std::string video = property("resource", "x.mp4");
    CHECK(count(video) == 1);
    CHECK(count(video + property("mlt_service", "avformat-novalidate")) == 1);
    CHECK(count(video + property("meta.media.0.stream.type", "video")) == 1);
    CHECK(count(video + property("meta.media.0.stream.type", "audio")) == 0);
    CHECK(count(video + property("video_index", "-1")) == 0);
    CHECK(count(video + property("vstream", "-1")) == 0);
    CHECK(count(video + property("set.test_image", "1")) == 0);
    CHECK(count(property("resource", "x.WAV")) == 0);
    CHECK(count(property("resource", "x.png")) == 0);
    CHECK(count(property("resource", "#ff0000") + property("mlt_service", "color")) == 0);
    CHECK(count(property("resource", "hello") + property("mlt_service", "pango")) == 0);
    CHECK(count(property("resource", "-1:x.mp4") + property("mlt_service", "timewarp")) == 0);
    CHECK(count(property("resource", "0:x.mp4") + property("mlt_service", "timewarp")) == 0);
    CHECK(count(property("resource", "x.mp4") + property("mlt_service", "timewarp")) == 0);
    CHECK(count(property("resource", "1.25:x.mp4") + property("mlt_service", "timewarp")) == 1);
    CHECK(count("") == 0);
}

TEST_CASE("the video stream that a clip shows is read") {
    const auto stream = [&](const std::string &properties) {
        const auto items = listed("<producer id=\"x\"><property name=\"resource\">x.mkv</property>" + properties +
                                  "</producer><playlist id=\"p\"><entry producer=\"x\" in=\"0\" out=\"99\"/></playlist>");
        REQUIRE(items.size() == 1);
        return items[0].stream;
    };
    const auto property = [](const std::string &name, const std::string &value) {
        return "<property name=\"" + name + "\">" + value + "</property>";
    };
    CHECK(stream("").number == -1);
    CHECK(stream(property("video_index", "2")).number == 2);
    CHECK_FALSE(stream(property("video_index", "2")).of_video);
    CHECK(stream(property("vstream", "1")).number == 1);
    CHECK(stream(property("vstream", "1")).of_video);
    CHECK(stream(property("vstream", "1") + property("video_index", "2")).of_video);
    CHECK(stream(property("video_index", "all")).number == -1);
    CHECK(stream(property("video_index", "99999999999")).number == -1);
    // The numbers are those of the proxy.
    CHECK(stream(property("video_index", "1") + property("shotcut:proxy", "1") +
                 property("shotcut:originalResource", "y.mkv"))
              .number == -1);
}

TEST_CASE("speeds are exact ratios") {
    const auto items = listed("<producer id=\"x\"><property name=\"resource\">1.05:C:/x.mp4</property><property "
                              "name=\"mlt_service\">timewarp</property><property name=\"warp_speed\">1.05</property>"
                              "<property name=\"warp_resource\">/films/x.mp4</property></producer><playlist id=\"p\">"
                              "<entry producer=\"x\" in=\"20\" out=\"119\"/></playlist>");
    REQUIRE(items.size() == 1);
    CHECK(items[0].speed.numerator == 21);
    CHECK(items[0].speed.denominator == 20);
    CHECK(items[0].source_in == 21 * frame);
    CHECK(items[0].source_out == 126 * frame);
    CHECK(items[0].duration() == 100 * frame);
    CHECK(items[0].media_path == "/films/x.mp4");
}

TEST_CASE("hidden tracks and tracks of sound have no clips") {
    const auto listed_with = [](const std::string &hide) {
        return listed(
            "<playlist id=\"p\"><entry producer=\"a\" in=\"0\" out=\"9\"/></playlist><playlist id=\"q\"><entry "
            "producer=\"a\" in=\"0\" out=\"9\"/></playlist><tractor id=\"t\"><multitrack><track producer=\"p\" " +
            hide + "/><track producer=\"q\"/></multitrack></tractor>");
    };
    CHECK(listed_with("").size() == 2);
    CHECK(listed_with("hide=\"audio\"").size() == 2);
    REQUIRE(listed_with("hide=\"video\"").size() == 1);
    CHECK(listed_with("hide=\"video\"")[0].track == 0);
    REQUIRE(listed_with("hide=\"both\"").size() == 1);
    CHECK(listed_with("hide=\"both\"")[0].track == 1);
}

TEST_CASE("a project that is opened and saved stays as it is, byte for byte") {
    for (const std::string &name : fixtures) {
        CAPTURE(name);
        const fakes::Folder folder;
        const std::string path = project(folder, "p.mlt", fixture(name));
        const std::string before = fakes::content(path);
        REQUIRE_FALSE(before.empty());
        const auto timeline = MltProject::open(path);
        timeline->items();
        timeline->save();
        CHECK((fakes::content(path) == before));
        CHECK(folder.files() == std::vector<std::string>{"p.mlt"});
    }
}

TEST_CASE("a placed sound is found again, and removing it restores the bytes") {
    for (const std::string &name : fixtures) {
        for (const std::string line_end : {"\n", "\r\n", ""}) {
            CAPTURE(name);
            CAPTURE(line_end);
            const fakes::Folder folder;
            const std::string wav = click(folder, "a & \"b\".wav", two_seconds);
            const std::string path = project(folder, "p.mlt", replaced(fixture(name), "\n", line_end));
            const auto timeline = MltProject::open(path);
            const auto items = timeline->items();
            REQUIRE(items.size() >= 2);
            const std::size_t others = timeline->ours().size();
            const std::string before = timeline->bytes();
            const Placed wanted = sound_for(items[0], wav, "key-1");
            timeline->place(wanted);
            CHECK(timeline->bytes() != before);
            const auto check = [&](Timeline &now) {
                const auto ours = now.ours();
                REQUIRE(ours.size() == others + 1);
                const Placed &found = ours[ours[0].key == "key-1" ? 0 : 1];
                CHECK(found.key == "key-1");
                CHECK(found.wav == wav);
                CHECK(found.settings == wanted.settings);
                CHECK(found.timeline_start == items[0].timeline_start);
                CHECK(found.duration == items[0].duration());
                CHECK(found.made_for.media_path == items[0].media_path);
                CHECK(found.made_for.source_in == items[0].source_in);
                CHECK(found.made_for.source_out == items[0].source_out);
                CHECK(found.made_for.timeline_start == items[0].timeline_start);
                CHECK(found.made_for.speed.numerator == items[0].speed.numerator);
                CHECK(found.made_for.track == items[0].track);
                CHECK(now.items().size() == items.size());
                return found.id;
            };
            const std::string id = check(*timeline);
            const std::string placed = timeline->bytes();
            timeline->place(sound_for(items[0], wav, "key-1", id));
            CHECK((timeline->bytes() == placed));
            write(path, placed);
            const auto again = MltProject::open(path);
            CHECK(check(*again) == id);
            again->remove(id);
            CHECK((again->bytes() == before));
        }
    }
}

TEST_CASE("sounds are on one track if possible, and on a second if they overlap") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", two_seconds);
    const auto timeline = MltProject::open(project(folder, "p.mlt", fixture("mlt/shotcut-dissolve.mlt")));
    const auto items = timeline->items();
    const std::string before = timeline->bytes();
    std::vector<std::string> stages{before};
    for (const TimelineItem &item : items) {
        timeline->place(sound_for(item, wav, "key"));
        stages.push_back(timeline->bytes());
    }
    const auto count = [](const std::string &text, const std::string &what) {
        std::size_t found = 0;
        for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
            ++found;
        }
        return found;
    };
    // The first two follow each other; the third lies over both.
    CHECK(count(stages[2], ">Soundtrack<") == 1);
    CHECK(count(stages[2], ">Soundtrack 2<") == 0);
    CHECK(count(stages[3], ">Soundtrack 2<") == 1);
    auto ours = timeline->ours();
    REQUIRE(ours.size() == 3);
    for (std::size_t sound = 0; sound < 3; ++sound) {
        CHECK(ours[sound].timeline_start == items[sound].timeline_start);
        CHECK(ours[sound].duration == items[sound].duration());
    }
    SUBCASE("removed in the order of a stack") {
        for (std::size_t sound = 3; sound-- > 0;) {
            timeline->remove(ours[sound].id);
            CHECK((timeline->bytes() == stages[sound]));
        }
    }
    SUBCASE("removed in the order in which they were added") {
        for (const Placed &placed : ours) {
            timeline->remove(placed.id);
        }
        CHECK((timeline->bytes() == before));
    }
    SUBCASE("a clip that is moved and trimmed takes its sound with it, and nothing else") {
        TimelineItem item = items[1];
        item.timeline_start += 10 * ntsc_frame;
        item.source_out -= 10 * ntsc_frame;
        timeline->place(sound_for(item, wav, "key-2", ours[1].id));
        const auto moved = timeline->ours();
        REQUIRE(moved.size() == 3);
        CHECK(moved[1].timeline_start == item.timeline_start);
        CHECK(moved[1].duration == 100 * ntsc_frame);
        CHECK(moved[1].key == "key-2");
        CHECK(moved[0].timeline_start == ours[0].timeline_start);
        CHECK(moved[2].timeline_start == ours[2].timeline_start);
        timeline->place(sound_for(items[1], wav, "key", moved[1].id));
        CHECK((timeline->bytes() == stages[3]));
    }
    SUBCASE("a sound that now overlaps another goes to the other track") {
        TimelineItem item = items[1];
        item.timeline_start = items[0].timeline_start + ntsc_frame;
        timeline->place(sound_for(item, wav, "key", ours[1].id));
        const auto moved = timeline->ours();
        REQUIRE(moved.size() == 3);
        CHECK(count(timeline->bytes(), ">Soundtrack 3<") == 1); // it overlaps both others
        for (const Placed &placed : moved) {
            timeline->remove(placed.id);
        }
        CHECK((timeline->bytes() == before));
    }
}

TEST_CASE("a timeline shorter than a sound grows, and shrinks again") {
    for (const std::string name : {"mlt/shotcut.mlt", "mlt/melt.mlt"}) {
        CAPTURE(name);
        const fakes::Folder folder;
        const std::string wav = click(folder, "click.wav", two_seconds);
        const auto timeline = MltProject::open(project(folder, "p.mlt", fixture(name)));
        TimelineItem item = timeline->items()[1];
        const std::string before = timeline->bytes();
        item.timeline_start += 25 * frame;
        timeline->place(sound_for(item, wav, "key"));
        const bool is_clock = name == "mlt/shotcut.mlt";
        const std::string grown = timeline->bytes();
        CHECK(grown.find(is_clock ? " out=\"00:00:04.960\">\n    <property name=\"shotcut\">1"
                                  : " out=\"124\">\n    <track") != std::string::npos);
        CHECK((grown.find("<entry producer=\"black\" in=\"00:00:00.000\" out=\"00:00:04.960\"/>") !=
               std::string::npos) == is_clock);
        timeline->remove(timeline->ours().at(0).id);
        CHECK((timeline->bytes() == before));
    }
}

TEST_CASE("sound saved by Shotcut is recognised, can be made again, and removed without a trace") {
    const fakes::Folder folder;
    const auto timeline = MltProject::open(project(folder, "p.mlt", fixture("mlt/shotcut-soundtrack.mlt")));
    const auto items = timeline->items();
    const auto ours = timeline->ours();
    REQUIRE(items.size() == 2);
    REQUIRE(ours.size() == 1);
    CHECK(ours[0].made_for.media_path == items[1].media_path); // which Shotcut made relative
    CHECK(ours[0].made_for.source_in == items[1].source_in);
    CHECK(ours[0].timeline_start == items[1].timeline_start);
    CHECK(ours[0].duration == items[1].duration());
    const std::string before = timeline->bytes();
    Placed same = ours[0];
    click(folder, "tick.wav", two_seconds);
    timeline->place(same);
    CHECK((timeline->bytes() == before));
    same.key = "another";
    timeline->place(same);
    CHECK(timeline->ours().at(0).key == "another");
    CHECK(timeline->bytes().find("579de5f29e83e783a784aabcec2968ab") == std::string::npos); // the hash of the old sound
    timeline->remove(ours[0].id);
    CHECK(timeline->ours().empty());
    CHECK(timeline->bytes().find("kinescore:") == std::string::npos);
    CHECK(timeline->bytes().find("Soundtrack") == std::string::npos);
    CHECK(timeline->bytes().find("tick.wav") == std::string::npos);
    CHECK(timeline->items().size() == 2);
}

TEST_CASE("a sound that was cut in two by the user is two sounds") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", two_seconds);
    const std::string path = project(folder, "p.mlt", fixture("mlt/shotcut.mlt"));
    {
        const auto timeline = MltProject::open(path);
        timeline->place(sound_for(timeline->items()[1], wav, "key"));
        const std::string entry = "<entry producer=\"chain2\" in=\"00:00:00.000\" out=\"00:00:01.960\"/>";
        REQUIRE(timeline->bytes().find(entry) != std::string::npos);
        write(path, replaced(timeline->bytes(), entry,
                             "<entry producer=\"chain2\" in=\"00:00:00.000\" out=\"00:00:00.960\"/>\n    <entry "
                             "producer=\"chain2\" in=\"00:00:01.000\" out=\"00:00:01.960\"/>"));
    }
    const auto timeline = MltProject::open(path);
    const auto ours = timeline->ours();
    REQUIRE(ours.size() == 2);
    CHECK(ours[0].id != ours[1].id);
    timeline->place(sound_for(timeline->items()[0], wav, "other", ours[1].id));
    const auto now = timeline->ours();
    REQUIRE(now.size() == 2);
    CHECK(now[0].key == "other");
    CHECK(now[1].key == "key");
    timeline->remove(ours[0].id);
    REQUIRE(timeline->ours().size() == 1);
    CHECK(timeline->ours()[0].key == "other");
}

TEST_CASE("the user's changes to a sound on the timeline move with it") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", two_seconds);
    const std::string path = project(folder, "p.mlt", fixture("mlt/shotcut.mlt"));
    const auto first = MltProject::open(path);
    first->place(sound_for(first->items()[1], wav, "key"));
    write(path,
          replaced(first->bytes(), "<entry producer=\"chain2\" in=\"00:00:00.000\" out=\"00:00:01.960\"/>",
                   "<entry producer=\"chain2\" in=\"00:00:00.000\" out=\"00:00:01.960\">\n      <filter "
                   "id=\"filter0\">\n        <property name=\"level\">-6</property>\n      </filter>\n    </entry>"));
    const auto timeline = MltProject::open(path);
    TimelineItem item = timeline->items()[1];
    item.timeline_start -= 5 * frame;
    timeline->place(sound_for(item, wav, "key", timeline->ours().at(0).id));
    CHECK(timeline->bytes().find("out=\"00:00:01.960\">\n      <filter id=\"filter0\">\n        <property "
                                 "name=\"level\">-6</property>\n      </filter>\n    </entry>") != std::string::npos);
    CHECK(timeline->ours().at(0).timeline_start == item.timeline_start);
}

TEST_CASE("a file that is not a project, or a broken one, is reported clearly") {
    const fakes::Folder folder;
    const auto sentence = [&](const std::string &bytes) {
        const std::string path = project(folder, "p.mlt", bytes);
        const std::string text = problem_of([&] { MltProject::open(path); });
        CHECK(text.find(path) == 0);
        CHECK((fakes::content(path) == replaced(bytes, "@FOLDER@", folder.path())));
        return text;
    };
    CHECK(sentence("<mlt><profile").find("line 1") != std::string::npos);
    CHECK(sentence("<mlt>\n<playlist>\n</mlt>").find("line 3") != std::string::npos);
    CHECK(sentence("").find("not well-formed XML") != std::string::npos);
    CHECK(sentence("<svg/>").find("<svg>") != std::string::npos);
    CHECK(sentence("<mlt><profile frame_rate_num=\"0\"/></mlt>").find("0/1") != std::string::npos);
    CHECK(sentence("<?xml version=\"1.0\" encoding=\"latin1\"?><mlt/>").find("latin1") != std::string::npos);
    CHECK(problem_of([&] { MltProject::open(folder.path() + "/none.mlt"); }).find("none.mlt") != std::string::npos);
    CHECK_FALSE(MltProject::is("<svg/>"));
    CHECK_FALSE(MltProject::is(fixture("kdenlive/22.12.kdenlive")));
    for (const std::string &name : fixtures) {
        CHECK(MltProject::is(fixture(name)));
    }
}

TEST_CASE("a call that fails changes nothing") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", two_seconds);
    const auto timeline = MltProject::open(project(folder, "p.mlt", fixture("mlt/shotcut.mlt")));
    const std::string before = timeline->bytes();
    const TimelineItem item = timeline->items()[0];
    CHECK(problem_of([&] { timeline->place(sound_for(item, folder.path() + "/none.wav", "key")); }).find("none.wav") !=
          std::string::npos);
    problem_of([&] { timeline->place(sound_for(item, wav, "key", "nobody")); }, Problem::Kind::usage);
    problem_of([&] { timeline->remove("nobody"); }, Problem::Kind::usage);
    problem_of([&] { timeline->place(sound_for(item, wav, std::string("bad \x01 key"))); });
    problem_of([&] { timeline->place(sound_for(item, wav, "bad \xFF key")); });
    CHECK((timeline->bytes() == before));
    CHECK(timeline->ours().empty());
    const auto empty = MltProject::open(project(folder, "e.mlt", "<mlt><producer id=\"a\"/></mlt>"));
    CHECK(empty->items().empty());
    CHECK(problem_of([&] { empty->place(sound_for(item, wav, "key")); }).find("no timeline") != std::string::npos);
}

TEST_CASE("randomly damaged files give problems and nothing worse") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", 4800);
    unsigned state = 4711;
    const auto random = [&](std::size_t below) {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % below;
    };
    std::size_t opened = 0;
    for (int round = 0; round < 600; ++round) {
        std::string bytes = fixture(fixtures[random(fixtures.size())]);
        for (std::size_t damage = 1 + random(3); damage > 0; --damage) {
            const std::size_t at = random(bytes.size());
            switch (random(3)) {
            case 0:
                bytes[at] = static_cast<char>("<>\"'&/0:;= \x80"[random(12)]);
                break;
            case 1:
                bytes.erase(at, 1 + random(40));
                break;
            default:
                bytes.insert(at, bytes.substr(random(bytes.size()), random(60)));
            }
        }
        opened += edited<MltProject>(project(folder, "p.mlt", bytes), wav) ? 1 : 0;
    }
    CHECK(opened > 50); // otherwise only the parser was tested
}

/// A project of so many clips of 25 frames, each followed by a gap of 5 frames.
static std::string many_clips(int count) {
    std::string text = "<mlt LC_NUMERIC=\"C\">\n <profile frame_rate_num=\"25\" frame_rate_den=\"1\"/>\n";
    std::string playlist = " <playlist id=\"playlist0\">\n";
    for (int clip = 0; clip < count; ++clip) {
        const std::string id = std::to_string(clip);
        text += " <producer id=\"producer" + id +
                "\" in=\"0\" out=\"249\">\n  <property name=\"length\">250</property>\n  "
                "<property name=\"resource\">clip" +
                id +
                ".mp4</property>\n  <property "
                "name=\"mlt_service\">avformat</property>\n </producer>\n";
        playlist += "  <entry producer=\"producer" + id + "\" in=\"25\" out=\"49\"/>\n  <blank length=\"5\"/>\n";
    }
    return text + playlist + " </playlist>\n <tractor id=\"tractor0\" in=\"0\" out=\"" + std::to_string(count * 30 - 1) +
           "\">\n  <track producer=\"playlist0\"/>\n </tractor>\n</mlt>\n";
}

TEST_CASE("the time to list clips grows with their number") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", 48'000);
    const std::string text = many_clips(10'000);
    const std::string few = project(folder, "few.mlt", many_clips(1'000)), many = project(folder, "many.mlt", text);
    const double time_of_few = fakes::processor_time([&] { CHECK(MltProject::open(few)->items().size() == 1'000); });
    const double time_of_many = fakes::processor_time([&] { CHECK(MltProject::open(many)->items().size() == 10'000); });
    MESSAGE("1,000 clips listed in " << time_of_few << " s, 10,000 in " << time_of_many << " s");
    CHECK(time_of_many < 30 * time_of_few);

    const auto timeline = MltProject::open(many);
    const auto items = timeline->items();
    CHECK(items.at(9'999).timeline_start == 9'999 * 30 * frame);
    timeline->place(sound_for(items[9'999], wav, "key"));
    timeline->remove(timeline->ours().at(0).id);
    CHECK((timeline->bytes() == text));
}

TEST_CASE("the sound is heard where its clip begins" * doctest::skip(!can_listen())) {
    const fakes::Folder folder;
    REQUIRE(make_media(folder));
    const std::string wav = click(folder, "click.wav", two_seconds);
    const double one_frame = 1.0 / 25;
    for (const std::string name : {"mlt/melt.mlt", "mlt/melt-tracks.mlt", "mlt/playlist.mlt", "mlt/shotcut.mlt"}) {
        // Tracks that are not mixed: the sound of the upper one hides that of the lower.
        for (const bool is_mixed : {true, false}) {
            std::string bytes = fixture(name);
            if (!is_mixed) {
                if (name != "mlt/melt-tracks.mlt") {
                    continue;
                }
                const std::size_t begin = bytes.find("<transition"), end = bytes.find("</transition>") + 13;
                bytes.erase(begin, end - begin);
            }
            CAPTURE(name);
            CAPTURE(is_mixed);
            const std::string path = project(folder, "p.mlt", bytes);
            CHECK(heard(folder, path, 6).empty());
            const auto timeline = MltProject::open(path);
            const TimelineItem item = timeline->items().at(1);
            timeline->place(sound_for(item, wav, "key"));
            write(path, timeline->bytes());
            const auto times = heard(folder, path, 6);
            REQUIRE(times.size() == 1);
            const double wanted = static_cast<double>(item.timeline_start) / flicks_per_second;
            MESSAGE(name << ": wanted " << wanted << " s, heard " << times[0] << " s");
            CHECK(std::abs(times[0] - wanted) < one_frame);
        }
    }
}

TEST_CASE("outside programs have a time limit, and melt a second try") {
    CHECK(outside::status("sleep 60", "1") == 124);
    CHECK(outside::status("test 'a b' = \"a b\" && exit 3") == 3);
    const fakes::Folder folder;
    const std::string marker = folder.path() + "/tried";
    const std::string line = "if [ -e '" + marker + "' ]; then exit 0; else touch '" + marker + "'; sleep 60; fi";
    CHECK(mlt_support::runs_melt(line, "2"));
    CHECK_FALSE(mlt_support::runs_melt("exit 1"));
}

#include "../kdenlive.hpp"
#include "../mlt.hpp"
#include "../timeline.hpp"
#include "mlt_support.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

using namespace kinescore::bridge;
using namespace mlt_support;

namespace {

/// Both as saved by Kdenlive itself: before it had sequences, and after.
const std::vector<std::string> fixtures{"kdenlive/22.12.kdenlive", "kdenlive/26.08.kdenlive"};
/// The same, saved by Kdenlive with our sound under the second clip.
const std::vector<std::string> with_sound{"kdenlive/22.12-soundtrack.kdenlive", "kdenlive/26.08-soundtrack.kdenlive"};

/// All values that a property has in a project, in order.
std::vector<std::string> values(const std::string &bytes, const std::string &name) {
    std::vector<std::string> found;
    const std::string mark = "<property name=\"" + name + "\">";
    for (std::size_t at = bytes.find(mark); at != std::string::npos; at = bytes.find(mark, at + 1)) {
        const std::size_t begin = at + mark.size();
        found.push_back(bytes.substr(begin, bytes.find('<', begin) - begin));
    }
    return found;
}

/// The text after a chain of marks, up to another mark.
std::string behind(const std::string &bytes, const std::vector<std::string> &marks, const std::string &end) {
    std::size_t at = 0;
    for (const std::string &mark : marks) {
        CAPTURE(mark);
        at = bytes.find(mark, at);
        REQUIRE(at != std::string::npos);
        at += mark.size();
    }
    return bytes.substr(at, bytes.find(end, at) - at);
}

} // namespace

TEST_CASE("the clips of Kdenlive's projects are listed, of both generations") {
    for (const std::string &name : fixtures) {
        CAPTURE(name);
        const fakes::Folder folder;
        const auto timeline = KdenliveProject::open(project(folder, "p.kdenlive", fixture(name)));
        const auto items = timeline->items();
        REQUIRE(items.size() == 2); // and not the first one's sound, which is on another track
        CHECK(items[0].media_path == folder.path() + "/one.mp4");
        CHECK(items[0].source_in == 20 * frame);
        CHECK(items[0].source_out == 70 * frame);
        CHECK(items[0].timeline_start == 0);
        CHECK(items[0].track == 0);
        CHECK(items[1].id == "1.2");
        CHECK(items[1].media_path == folder.path() + "/two.mp4");
        CHECK(items[1].source_in == 10 * frame);
        CHECK(items[1].source_out == 60 * frame);
        CHECK(items[1].timeline_start == 50 * frame);
        CHECK(timeline->ours().empty());
        CHECK(KdenliveProject::is(fixture(name)));
        CHECK_FALSE(MltProject::is(fixture(name)));
    }
    CHECK_FALSE(KdenliveProject::is(fixture("mlt/shotcut.mlt")));
    CHECK_FALSE(KdenliveProject::is("<svg/>"));
}

TEST_CASE("the proxy of a clip is not its media") {
    const fakes::Folder folder;
    const std::string mark = "<property name=\"resource\">two.mp4</property>";
    const std::string path = project(
        folder, "p.kdenlive",
        replaced(fixture(fixtures[0]), mark,
                 "<property name=\"resource\">proxy/1234.mkv</property><property name=\"kdenlive:proxy\">proxy/1234.mkv"
                 "</property><property name=\"kdenlive:originalurl\">two.mp4</property>"));
    CHECK(KdenliveProject::open(path)->items().at(1).media_path == folder.path() + "/two.mp4");
    const std::string none = project(folder, "q.kdenlive",
                                     replaced(fixture(fixtures[0]), mark,
                                              mark + "<property name=\"kdenlive:proxy\">-</property><property "
                                                     "name=\"kdenlive:originalurl\">old.mp4</property>"));
    CHECK(KdenliveProject::open(none)->items().at(1).media_path == folder.path() + "/two.mp4");
}

TEST_CASE("two overlapping clips of one track are both listed, in the order of time") {
    const fakes::Folder folder;
    const std::string bytes =
        replaced(fixture(fixtures[0]), "<playlist id=\"playlist5\"/>",
                 "<playlist id=\"playlist5\">\n  <blank length=\"00:00:01.600\"/>\n  <entry producer=\"producer4\" "
                 "in=\"00:00:00.000\" out=\"00:00:00.960\">\n   <property name=\"kdenlive:id\">3</property>\n  "
                 "</entry>\n </playlist>");
    const auto items = KdenliveProject::open(project(folder, "p.kdenlive", bytes))->items();
    REQUIRE(items.size() == 3);
    CHECK(items[1].timeline_start == 40 * frame);
    CHECK(items[1].track == 0);
    CHECK(items[1].id == "1.2");
    CHECK(items[2].timeline_start == 50 * frame);
}

TEST_CASE("a sound gets everything that Kdenlive requires of a clip") {
    for (const std::string &name : fixtures) {
        CAPTURE(name);
        const fakes::Folder folder;
        const std::string wav = click(folder, "click.wav", two_seconds);
        const auto timeline = KdenliveProject::open(project(folder, "p.kdenlive", fixture(name)));
        const std::string before = timeline->bytes();
        const bool is_new = name == fixtures[1];
        timeline->place(sound_for(timeline->items()[1], wav, "key"));
        const std::string after = timeline->bytes();
        // One clip in the bin and one on the timeline, which these identify as the same.
        const std::string element = is_new ? "chain" : "producer";
        const std::string bin_id = is_new ? "6" : "4";
        for (const char *property : {"kinescore:key", "kdenlive:clipname"}) {
            CHECK(values(after, property).size() >= 2);
        }
        const auto sizes = values(after, "kdenlive:file_size");
        CHECK(std::count(sizes.begin(), sizes.end(), std::to_string(fs::file_size(wav))) == 2);
        const std::string uuid =
            behind(after, {"<property name=\"kdenlive:id\">" + bin_id + "<", "name=\"kdenlive:control_uuid\">"}, "<");
        CHECK(uuid.size() == 38);
        const auto uuids = values(after, "kdenlive:control_uuid");
        CHECK(std::count(uuids.begin(), uuids.end(), uuid) == 2);
        CHECK(values(before, "kdenlive:id").size() + 3 == values(after, "kdenlive:id").size()); // and the entry
        const std::string bin = behind(after, {"<playlist id=\"main_bin\">"}, "</playlist>");
        const std::string last = bin.substr(bin.rfind("<entry"));
        const std::string in_bin = behind(last, {"<entry producer=\""}, "\"");
        CHECK(last.find(" in=\"00:00:00.000\" out=\"00:00:01.960\"/>") != std::string::npos);
        CHECK(in_bin.find(element) == 0);
        CHECK(after.find("<" + element + " id=\"" + in_bin + "\"") < after.find("<playlist id=\"main_bin\">"));
        // All references to tracks by number have moved by one; the background stays.
        const auto shifted = [&](const std::string &property) {
            std::vector<std::string> was = values(before, property);
            std::vector<std::string> now = values(after, property);
            return std::make_pair(was, now);
        };
        CHECK(values(after, is_new ? "kdenlive:sequenceproperties.activeTrack"
                                   : "kdenlive:docproperties.activeTrack") == std::vector<std::string>{"3"});
        CHECK(values(after, is_new ? "kdenlive:sequenceproperties.audioTarget"
                                   : "kdenlive:docproperties.audioTarget") == std::vector<std::string>{"-1"});
        CHECK(shifted("b_track").first == std::vector<std::string>{"1", "2", "3", "4"});
        CHECK(shifted("b_track").second == std::vector<std::string>{"1", "2", "3", "4", "5"});
        CHECK(shifted("a_track").second == std::vector<std::string>{"0", "0", "0", "0", "0"});
        CHECK(after.find(is_new ? "\"data\": \"3:0:-1\"" : "\"data\": \"3:0\"") != std::string::npos);
        CHECK(after.find(is_new ? "\"data\": \"2:0:-1\"" : "\"data\": \"2:0\"") != std::string::npos);
        CHECK(after.find(is_new ? "\"data\": \"1:0:-1\"" : "\"data\": \"1:0\"") == std::string::npos);
        if (is_new) {
            CHECK(values(after, "kdenlive:sequenceproperties.tracksCount") == std::vector<std::string>{"5"});
        }
        CHECK(values(after, "kdenlive:track_name") == std::vector<std::string>{"Soundtrack"});
    }
}

TEST_CASE("a project that is opened and saved stays as it is, byte for byte") {
    for (const auto &names : {fixtures, with_sound}) {
        for (const std::string &name : names) {
            CAPTURE(name);
            const fakes::Folder folder;
            const std::string path = project(folder, "p.kdenlive", fixture(name));
            const std::string before = fakes::content(path);
            const auto timeline = KdenliveProject::open(path);
            timeline->items();
            timeline->save();
            CHECK((fakes::content(path) == before));
            CHECK(folder.files() == std::vector<std::string>{"p.kdenlive"});
        }
    }
}

TEST_CASE("a placed sound is found again, and removing it restores the bytes") {
    for (const std::string &name : fixtures) {
        CAPTURE(name);
        const fakes::Folder folder;
        const std::string wav = click(folder, "click.wav", two_seconds);
        const std::string path = project(folder, "p.kdenlive", fixture(name));
        const auto timeline = KdenliveProject::open(path);
        const auto items = timeline->items();
        const std::string before = timeline->bytes();
        std::vector<std::string> stages{before};
        TimelineItem over = items[1]; // overlaps the sounds of both clips
        over.timeline_start = 30 * frame;
        for (const TimelineItem &item : {items[1], items[0], over}) {
            timeline->place(sound_for(item, wav, "key"));
            stages.push_back(timeline->bytes());
        }
        CHECK(values(stages[2], "kdenlive:track_name") == std::vector<std::string>{"Soundtrack"});
        auto names = values(stages[3], "kdenlive:track_name");
        std::sort(names.begin(), names.end());
        CHECK(names == std::vector<std::string>{"Soundtrack", "Soundtrack 2"});
        write(path, stages[3]);
        const auto again = KdenliveProject::open(path);
        CHECK(again->items().size() == 2);
        auto ours = again->ours();
        REQUIRE(ours.size() == 3);
        std::sort(ours.begin(), ours.end(),
                  [](const Placed &a, const Placed &b) { return a.timeline_start < b.timeline_start; });
        CHECK(ours[0].timeline_start == items[0].timeline_start);
        CHECK(ours[1].timeline_start == 30 * frame);
        CHECK(ours[2].timeline_start == items[1].timeline_start);
        CHECK(ours[2].wav == wav);
        CHECK(ours[2].duration == items[1].duration());
        CHECK(ours[2].settings == sound_for(items[1], wav, "key").settings);
        again->place(sound_for(items[0], wav, "key", ours[0].id));
        CHECK((again->bytes() == stages[3]));
        SUBCASE("in the order of a stack") {
            again->remove(ours[1].id);
            CHECK((again->bytes() == stages[2]));
            again->remove(ours[0].id);
            CHECK((again->bytes() == stages[1]));
            again->remove(ours[2].id);
            CHECK((again->bytes() == before));
        }
        SUBCASE("in another order") {
            for (const Placed &placed : ours) {
                again->remove(placed.id);
            }
            CHECK((again->bytes() == before));
        }
        SUBCASE("after one was moved and made again") {
            TimelineItem item = items[1];
            item.timeline_start += 75 * frame;
            item.source_out += 25 * frame;
            const std::string longer = click(folder, "longer.wav", two_seconds * 3 / 2);
            again->place(sound_for(item, longer, "key-2", ours[2].id));
            const auto now = again->ours();
            REQUIRE(now.size() == 3);
            const auto moved =
                std::find_if(now.begin(), now.end(), [](const Placed &one) { return one.key == "key-2"; });
            REQUIRE(moved != now.end());
            CHECK(moved->timeline_start == 125 * frame);
            CHECK(moved->duration == 75 * frame);
            CHECK(moved->wav == longer);
            again->place(sound_for(items[1], wav, "key", moved->id));
            for (const Placed &placed : again->ours()) {
                again->remove(placed.id);
            }
            CHECK((again->bytes() == before));
        }
    }
}

TEST_CASE("a sequence shorter than a sound grows, with everything that plays it, and shrinks again") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", two_seconds);
    const auto timeline = KdenliveProject::open(project(folder, "p.kdenlive", fixture(fixtures[1])));
    TimelineItem item = timeline->items()[1];
    const std::string before = timeline->bytes();
    item.timeline_start += 25 * frame;
    timeline->place(sound_for(item, wav, "key"));
    const std::string after = timeline->bytes();
    CHECK(behind(after, {"<tractor id=\"{", "out=\""}, "\"") == "00:00:04.960");
    CHECK(behind(after, {"<playlist id=\"main_bin\">", "<tractor id=", "out=\""}, "\"") == "00:00:04.960");
    CHECK(behind(after, {"kdenlive:projectTractor", "<track ", "out=\""}, "\"") == "00:00:04.960");
    timeline->remove(timeline->ours().at(0).id);
    CHECK((timeline->bytes() == before));
}

TEST_CASE("sound saved by Kdenlive is recognised, can be made again, and removed without a trace") {
    for (const std::string &name : with_sound) {
        CAPTURE(name);
        const fakes::Folder folder;
        const auto timeline = KdenliveProject::open(project(folder, "p.kdenlive", fixture(name)));
        const auto items = timeline->items();
        const auto ours = timeline->ours();
        REQUIRE(items.size() == 2);
        REQUIRE(ours.size() == 1);
        CHECK(ours[0].key == "k1");
        CHECK(ours[0].settings == Settings{{"style", "a;b=c%"}});
        CHECK(ours[0].wav == folder.path() + "/tick.wav");
        CHECK(ours[0].made_for.media_path == items[1].media_path); // which Kdenlive made relative
        CHECK(ours[0].made_for.source_in == items[1].source_in);
        CHECK(ours[0].made_for.source_out == items[1].source_out);
        CHECK(ours[0].timeline_start == items[1].timeline_start);
        CHECK(ours[0].duration == items[1].duration());
        const std::string before = timeline->bytes();
        // The size that Kdenlive saw.
        const std::string wav = click(folder, "tick.wav", (192'078 - 44) / 2);
        timeline->place(ours[0]);
        CHECK((timeline->bytes() == before));
        // The hash of the old sound is removed, and the size is that of the new one.
        Placed renewed = ours[0];
        renewed.key = "k2";
        click(folder, "tick.wav", two_seconds / 2);
        timeline->place(renewed);
        CHECK(values(timeline->bytes(), "kinescore:key") == std::vector<std::string>{"k2", "k2"});
        CHECK(timeline->bytes().find("579de5f29e83e783a784aabcec2968ab") == std::string::npos);
        const auto sizes = values(timeline->bytes(), "kdenlive:file_size");
        CHECK(std::count(sizes.begin(), sizes.end(), std::to_string(fs::file_size(wav))) == 2);
        // A second sound goes to the same track, whose end Kdenlive has saved.
        TimelineItem later = items[0];
        later.timeline_start = 200 * frame;
        timeline->place(sound_for(later, wav, "k3"));
        CHECK(values(timeline->bytes(), "kdenlive:track_name") == std::vector<std::string>{"Soundtrack"});
        CHECK(behind(timeline->bytes(), {"<tractor id=\"tractor0\"", "out=\""}, "\"") == "00:00:09.960");
        for (const Placed &placed : timeline->ours()) {
            timeline->remove(placed.id);
        }
        const std::string after = timeline->bytes();
        for (const char *trace : {"kinescore:", "Soundtrack", "tick.wav"}) {
            CAPTURE(trace);
            CHECK(after.find(trace) == std::string::npos);
        }
        CHECK(values(after, "b_track") == std::vector<std::string>{"1", "2", "3", "4"});
        CHECK(timeline->items().size() == 2);
    }
}

TEST_CASE("a file that is not a project, or a broken one, is reported clearly, and nothing is written") {
    const fakes::Folder folder;
    const auto sentence = [&](const std::string &bytes) {
        const std::string path = project(folder, "p.kdenlive", bytes);
        const std::string text = problem_of([&] { KdenliveProject::open(path); });
        CHECK(text.find(path) == 0);
        CHECK((fakes::content(path) == replaced(bytes, "@FOLDER@", folder.path())));
        return text;
    };
    const std::string whole = fixture(fixtures[0]);
    CHECK(sentence(whole.substr(0, whole.size() / 2)).find("not well-formed XML") != std::string::npos);
    CHECK(sentence("<kdenlivedoc/>").find("<kdenlivedoc>") != std::string::npos);
    CHECK(sentence("<mlt><tractor id=\"a\"/></mlt>").find("main_bin") != std::string::npos);
    CHECK(sentence("<mlt><playlist id=\"main_bin\"/></mlt>").find("timeline") != std::string::npos);
    CHECK(problem_of([&] { KdenliveProject::open(folder.path() + "/none.kdenlive"); }).find("none.kdenlive") !=
          std::string::npos);
    const auto timeline = KdenliveProject::open(project(folder, "p.kdenlive", whole));
    const std::string before = timeline->bytes();
    const std::string missing = folder.path() + "/none.wav";
    CHECK(problem_of([&] { timeline->place(sound_for(timeline->items()[0], missing, "key")); }).find(missing) == 0);
    problem_of([&] { timeline->remove("chain99"); }, Problem::Kind::usage);
    CHECK((timeline->bytes() == before));
}

TEST_CASE("randomly damaged projects give problems and nothing worse") {
    const fakes::Folder folder;
    const std::string wav = click(folder, "click.wav", 4800);
    unsigned state = 815;
    const auto random = [&](std::size_t below) {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % below;
    };
    std::size_t opened = 0;
    for (int round = 0; round < 400; ++round) {
        std::string bytes = fixture(random(2) == 0 ? fixtures[random(2)] : with_sound[random(2)]);
        for (std::size_t damage = 1 + random(4); damage > 0; --damage) {
            // Whole lines, so that the XML often stays well-formed: missing or doubled properties,
            // tracks and entries.
            const std::size_t begin = bytes.find('\n', random(bytes.size() - 200)) + 1;
            const std::size_t end = std::min(bytes.find('\n', begin), bytes.size() - 1) + 1;
            if (random(4) == 0) {
                bytes[begin + random(end - begin)] = static_cast<char>('0' + random(10));
            } else if (random(2) == 0) {
                bytes.erase(begin, end - begin);
            } else {
                bytes.insert(begin, bytes.substr(begin, end - begin));
            }
        }
        opened += edited<KdenliveProject>(project(folder, "p.kdenlive", bytes), wav) ? 1 : 0;
    }
    CHECK(opened > 100);
}

TEST_CASE("the sound is heard where its clip begins" * doctest::skip(!can_listen())) {
    const fakes::Folder folder;
    REQUIRE(make_media(folder));
    const std::string wav = click(folder, "click.wav", two_seconds);
    for (const auto &names : {fixtures, with_sound}) {
        for (const std::string &name : names) {
            CAPTURE(name);
            const std::string path = project(folder, "p.kdenlive", fixture(name));
            click(folder, "tick.wav", two_seconds);
            const auto timeline = KdenliveProject::open(path);
            if (timeline->ours().empty()) {
                CHECK(heard(folder, path, 6).empty());
                timeline->place(sound_for(timeline->items().at(1), wav, "key"));
            }
            TimelineItem later = timeline->items().at(0);
            later.timeline_start = 103 * frame; // after the end of the tractors that Kdenlive wrote
            later.source_out = later.source_in + 30 * frame;
            timeline->place(sound_for(later, wav, "key-2"));
            write(path, timeline->bytes());
            const auto times = heard(folder, path, 6);
            REQUIRE(times.size() == 2);
            MESSAGE(name << ": wanted 2 s and 4.12 s, heard " << times[0] << " s and " << times[1] << " s");
            CHECK(std::abs(times[0] - 2.0) < 0.04);
            CHECK(std::abs(times[1] - 4.12) < 0.04);
        }
    }
}

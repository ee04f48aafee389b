#include "../beat_markers.hpp"
#include "../reconciler.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace fakes;
using What = Result::What;
using Kind = ShownBeat::Marker;

namespace {

constexpr Flicks frame = flicks_per_second / 25;

struct Desk {
    Folder folder;
    FakeTimeline timeline{folder.path()};
    FakeMaker maker;
    Reconciler reconciler{timeline, maker};

    std::vector<What> refresh(bool beats = false) {
        std::vector<What> what;
        for (const Result &result : reconciler.refresh({}, beats)) {
            what.push_back(result.what);
        }
        return what;
    }

    /// Nothing is written, made or asked for.
    void check_rest() {
        const auto counts = [&] {
            return std::vector<int>{timeline.places, timeline.saves, maker.begun, maker.asked};
        };
        const auto before = counts();
        const auto marks = listed();
        for (const What what : refresh()) {
            CHECK(what == What::unchanged);
        }
        CHECK(counts() == before);
        CHECK(listed() == marks);
    }

    /// Frames and names of all markers, in the order of time.
    std::vector<std::pair<Flicks, std::string>> listed() const {
        std::vector<std::pair<Flicks, std::string>> found;
        for (const Marker &marker : timeline.marks) {
            CHECK(marker.time % frame == 0);
            found.emplace_back(marker.time / frame, marker.name);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    Marker &marker(const std::string &name) {
        const auto found = std::find_if(timeline.marks.begin(), timeline.marks.end(),
                                        [&](const Marker &marker) { return marker.name == name; });
        REQUIRE(found != timeline.marks.end());
        return *found;
    }

    void erase(const std::string &name) {
        timeline.marks.erase(timeline.marks.begin() + (&marker(name) - timeline.marks.data()));
    }

    std::vector<std::pair<double, std::int64_t>> fixed(std::size_t sound = 0) const {
        std::vector<std::pair<double, std::int64_t>> found;
        for (const FixedBeat &beat : timeline.sounds.at(sound).beats.fixed) {
            found.emplace_back(static_cast<double>(beat.time) / static_cast<double>(flicks_per_second), beat.number);
        }
        return found;
    }
};

using Listed = std::vector<std::pair<Flicks, std::string>>;
using Fixed = std::vector<std::pair<double, std::int64_t>>;

/// A clip of four seconds from 1 s of its media on, at 10 s of the timeline, with beats shown.
void show(Desk &desk) {
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 1, 5, 10)};
    const Result result = desk.reconciler.add("a", {}, {}, true);
    REQUIRE(result.what == What::made);
    REQUIRE(result.markers == 8);
}

const Listed shown{{250, "1.3"}, {263, "1.4"}, {275, "2.1"}, {288, "2.2"},
                   {300, "2.3"}, {313, "2.4"}, {325, "3.1"}, {338, "3.2"}};

/// The marks of beats that the last sound was made for.
nlohmann::json asked_beats(const Desk &desk) {
    const std::string marks = desk.maker.orders.back();
    return marks.empty() ? nlohmann::json() : nlohmann::json::parse(marks)["beats"];
}

} // namespace

TEST_CASE("beats are shown as markers at their frames, once") {
    Desk desk;
    desk.timeline.marks = {{seconds(1), "a note"}};
    show(desk);
    Listed all = shown;
    all.insert(all.begin(), {25, "a note"});
    CHECK(desk.listed() == all);
    desk.check_rest();
    const int saves = desk.timeline.saves;
    CHECK(desk.refresh(true) == std::vector<What>{What::unchanged});
    CHECK(desk.reconciler.add("a", {}, {}, true).what == What::unchanged);
    CHECK((desk.listed() == all && desk.timeline.saves == saves));
    // Other settings: the markers stay with the sound, without being asked for again.
    const Result again = desk.reconciler.add("a", {{"seed", "3"}});
    CHECK((again.what == What::made && again.markers == 8));
    CHECK(desk.listed() == all);
    desk.check_rest();
    CHECK(desk.reconciler.remove().size() == 1);
    CHECK(desk.listed() == Listed{{25, "a note"}});
}

TEST_CASE("beats are shown only where that was wanted, also of sound that is there already") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 1, 5, 10), clip("b", "/m/walk.mp4", 0, 3, 20)};
    CHECK(desk.reconciler.add("a", {}).markers == 0);
    desk.reconciler.add("b", {});
    CHECK((desk.timeline.marks.empty() && desk.maker.asked == 0));
    desk.check_rest();
    const Result one = desk.reconciler.add("a", {}, {}, true);
    CHECK((one.what == What::marked && one.markers == 8 && desk.maker.made == 2));
    CHECK(desk.listed() == shown);
    desk.check_rest();
    CHECK(desk.refresh(true) == std::vector<What>{What::unchanged, What::marked});
    CHECK((desk.timeline.marks.size() == 14 && desk.maker.made == 2));
    desk.check_rest();
    // Those of the other clip stay.
    desk.reconciler.remove("b");
    CHECK(desk.listed() == shown);
}

TEST_CASE("a timeline without markers says so before any work") {
    Desk desk;
    desk.timeline.has_markers = false;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 1, 5, 10)};
    CHECK_THROWS_WITH_AS(desk.reconciler.add("a", {}, {}, true),
                         doctest::Contains("cannot show beats as markers; projects of Kdenlive"), Problem);
    CHECK((desk.maker.begun == 0 && desk.timeline.sounds.empty()));
    desk.reconciler.add("a", {});
    CHECK_THROWS_AS(desk.reconciler.refresh({}, true), Problem);
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
}

TEST_CASE("a marker that was moved fixes its beat, and no other beat moves") {
    Desk desk;
    show(desk);
    desk.marker("2.2").time = 291 * frame;
    CHECK(desk.refresh() == std::vector<What>{What::made});
    // Frame 291 is 41 frames after the clip's start, which is at 1 s of the media. The beats beside
    // it and at the ends stay where they are, and not at the frames of their markers.
    CHECK(desk.fixed() == Fixed{{1.0, 0}, {2.0, 0}, {2.64, 2}, {3.0, 0}, {4.5, 0}});
    CHECK(asked_beats(desk) == nlohmann::json::parse(
                                   R"([{"time": 1.0}, {"time": 2.0}, {"time": 2.64, "number": 2}, {"time": 3.0}, {"time": 4.5}])"));
    Listed moved = shown;
    moved[3].first = 291;
    CHECK(desk.listed() == moved);
    desk.check_rest();
    SUBCASE("moved again") {
        desk.marker("2.2").time = 286 * frame;
        CHECK(desk.refresh() == std::vector<What>{What::made});
        CHECK(desk.fixed() == Fixed{{1.0, 0}, {2.0, 0}, {2.44, 2}, {3.0, 0}, {4.5, 0}});
    }
    SUBCASE("another one is moved too") {
        desk.marker("3.1").time = 327 * frame;
        CHECK(desk.refresh() == std::vector<What>{What::made});
        CHECK(desk.fixed() ==
              Fixed{{1.0, 0}, {2.0, 0}, {2.64, 2}, {3.0, 0}, {3.5, 0}, {4.08, 1}, {4.5, 0}});
    }
    SUBCASE("the beat beside it is moved: it had only stayed") {
        desk.marker("2.3").time = 303 * frame;
        CHECK(desk.refresh() == std::vector<What>{What::made});
        CHECK(desk.fixed() == Fixed{{1.0, 0}, {2.0, 0}, {2.64, 2}, {3.12, 3}, {3.5, 0}, {4.5, 0}});
    }
    SUBCASE("deleted: it is fixed no more, and the music is what it was") {
        desk.erase("2.2");
        CHECK(desk.refresh() == std::vector<What>{What::made});
        CHECK((desk.fixed().empty() && asked_beats(desk).is_null()));
        CHECK(desk.listed() == shown);
    }
    SUBCASE("the clip is trimmed and moved: it is still the same beat of the media") {
        TimelineItem &clip = desk.timeline.clips.front();
        clip.source_in = seconds(2);
        clip.timeline_start = seconds(20);
        CHECK(desk.refresh() == std::vector<What>{What::made});
        CHECK(desk.fixed().size() == 5);
        CHECK(desk.listed() ==
              Listed{{500, "1.1"}, {516, "1.2"}, {525, "1.3"}, {538, "1.4"}, {550, "2.1"}, {563, "2.2"}});
    }
    SUBCASE("its sound is removed, with the markers") {
        desk.reconciler.remove();
        CHECK(desk.timeline.marks.empty());
    }
    desk.check_rest();
}

TEST_CASE("all beats can be moved, and beats across each other") {
    Desk desk;
    show(desk);
    for (Marker &marker : desk.timeline.marks) {
        marker.time += 2 * frame;
    }
    CHECK(desk.refresh() == std::vector<What>{What::made});
    const Fixed fixed = desk.fixed();
    REQUIRE(fixed.size() == 8);
    CHECK(std::all_of(fixed.begin(), fixed.end(), [](const auto &beat) { return beat.second > 0; }));
    desk.check_rest();
    // Over its neighbour, and nearer than two beats can be: only one of two is fixed.
    desk.marker("2.2").time = desk.marker("2.4").time + frame;
    desk.marker("2.4").time += 2 * frame;
    desk.refresh();
    desk.check_rest();
}

TEST_CASE("a marker that was deleted is written again with the others") {
    Desk desk;
    show(desk);
    desk.erase("2.1");
    desk.check_rest();
    SUBCASE("when asked for") { CHECK(desk.refresh(true) == std::vector<What>{What::marked}); }
    SUBCASE("when the sound is made again") { desk.reconciler.add("a", {{"seed", "3"}}); }
    CHECK(desk.listed() == shown);
    desk.check_rest();
}

TEST_CASE("if all markers were deleted, no beats are shown any more; fixed beats stay") {
    Desk desk;
    show(desk);
    desk.marker("2.2").time = 291 * frame;
    desk.refresh();
    desk.timeline.marks = {{seconds(11), "a note"}};
    CHECK(desk.refresh() == std::vector<What>{What::marked});
    CHECK((desk.timeline.marks.size() == 1 && desk.fixed().size() == 5));
    CHECK(desk.maker.made == 2);
    desk.check_rest();
    desk.timeline.marks.clear();
    CHECK(desk.refresh(true) == std::vector<What>{What::marked});
    CHECK(desk.marker("2.2").time == 291 * frame);
    desk.check_rest();
}

TEST_CASE("markers follow a clip that was moved, whether or not the editor has moved them with it") {
    Desk desk;
    show(desk);
    desk.timeline.clips.front().timeline_start += seconds(4);
    SUBCASE("left where they were") {}
    SUBCASE("moved along") {
        for (Marker &marker : desk.timeline.marks) {
            marker.time += seconds(4);
        }
    }
    SUBCASE("moved along, and one by hand") {
        for (Marker &marker : desk.timeline.marks) {
            marker.time += seconds(4);
        }
        desk.marker("2.2").time += 3 * frame;
    }
    const bool is_moved = desk.marker("2.2").time % seconds(1) == 391 * frame % seconds(1);
    CHECK(desk.refresh() == std::vector<What>{is_moved ? What::made : What::moved});
    Listed moved = shown;
    for (auto &[place, name] : moved) {
        place += name == "2.2" && is_moved ? 103 : 100;
    }
    CHECK(desk.listed() == moved);
    CHECK(desk.fixed().size() == (is_moved ? 5 : 0));
    desk.check_rest();
}

TEST_CASE("markers of a clip that was trimmed, or is played at another speed, are those of its new sound") {
    Desk desk;
    show(desk);
    TimelineItem &clip = desk.timeline.clips.front();
    SUBCASE("trimmed at the head") {
        clip.source_in = seconds(2.04);
        clip.timeline_start += seconds(1.04);
        desk.refresh();
        CHECK(desk.listed() == Listed{{288, "1.2"}, {300, "1.3"}, {313, "1.4"}, {325, "2.1"}, {338, "2.2"}});
    }
    SUBCASE("trimmed at the tail") {
        clip.source_out = seconds(3.02);
        desk.refresh();
        CHECK(desk.listed() == Listed(shown.begin(), shown.begin() + 5));
    }
    SUBCASE("twice as fast, and a beat was moved") {
        clip.speed = {2, 1};
        desk.refresh();
        CHECK(desk.listed().size() == 8);
        CHECK(desk.marker("2.1").time == 263 * frame);
        desk.check_rest();
        desk.marker("2.1").time = 265 * frame;
        CHECK(desk.refresh() == std::vector<What>{What::made});
        const Fixed fixed = desk.fixed();
        CHECK(std::count(fixed.begin(), fixed.end(), std::pair<double, std::int64_t>(2.2, 1)) == 1);
        CHECK(desk.marker("2.1").time == 265 * frame);
    }
    SUBCASE("deleted") {
        desk.timeline.clips.clear();
        CHECK(desk.refresh() == std::vector<What>{What::removed});
        CHECK(desk.timeline.marks.empty());
    }
    desk.check_rest();
}

TEST_CASE("what the user has written stays, whatever its name") {
    Desk desk;
    desk.timeline.marks = {{seconds(10.4), "2.1"}, {288 * frame, "my note"}, {seconds(30), "2.2"}};
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 1, 5, 10)};
    // The frame of "2.2" is taken, and is left to the user.
    CHECK(desk.reconciler.add("a", {}, {}, true).markers == 7);
    desk.check_rest();
    // With two of that name over the clip, nobody can know which was deleted and which was moved.
    desk.timeline.marks.erase(std::find_if(desk.timeline.marks.begin(), desk.timeline.marks.end(), [](const Marker &marker) {
        return marker.time == 275 * frame;
    }));
    desk.check_rest();
    CHECK(desk.fixed().empty());
    // The note is moved away: there is room for the beat.
    desk.marker("my note").time += frame;
    desk.check_rest();
    CHECK(desk.refresh(true) == std::vector<What>{What::marked});
    CHECK(desk.timeline.marks.size() == 11);
    desk.reconciler.remove();
    CHECK(desk.listed() == Listed{{260, "2.1"}, {289, "my note"}, {750, "2.2"}});
}

TEST_CASE("markers with the words of marks count as before, and win over a beat that was moved") {
    Desk desk;
    show(desk);
    desk.timeline.marks.push_back({280 * frame, "beat"});
    CHECK(desk.refresh() == std::vector<What>{What::made});
    CHECK(asked_beats(desk) == nlohmann::json::parse(R"([{"time": 2.2}])"));
    desk.check_rest();
    desk.marker("2.2").time = 282 * frame;
    desk.refresh();
    desk.check_rest();
    const auto beats = asked_beats(desk);
    const auto has = [&](double time) {
        return std::any_of(beats.begin(), beats.end(), [&](const auto &beat) { return beat["time"] == time; });
    };
    CHECK((has(2.2) && !has(2.28)));
}

TEST_CASE("two clips have their own beats, also one above the other") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 10), clip("b", "/m/walk.mp4", 0, 4, 10.2),
                           clip("c", "/m/run.mp4", 0, 4, 10.5)};
    desk.timeline.clips[1].timeline_start = 255 * frame;
    desk.reconciler.add("a", {}, {}, true);
    desk.reconciler.add("b", {}, {}, true);
    CHECK(desk.timeline.marks.size() == 16);
    // All frames of this one have a marker but the last.
    CHECK(desk.reconciler.add("c", {}, {}, true).markers == 1);
    std::set<Flicks> frames;
    for (const auto &[place, name] : desk.listed()) {
        CHECK(frames.insert(place).second);
    }
    desk.check_rest();
    // The second clip's "1.3" moves near to the first one's.
    for (Marker &marker : desk.timeline.marks) {
        if (marker.name == "1.3" && marker.time == 280 * frame) {
            marker.time = 276 * frame;
        }
    }
    CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made, What::unchanged});
    CHECK((desk.fixed(0).empty() && desk.fixed(2).empty()));
    CHECK(desk.fixed(1) == Fixed{{0.0, 0}, {0.5, 0}, {0.84, 3}, {1.5, 0}, {3.5, 0}});
    desk.check_rest();
    desk.reconciler.remove("b");
    CHECK(desk.timeline.marks.size() == 9);
    desk.check_rest();
}

TEST_CASE("clips that are moved to where others were do not take their frames") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 10), clip("b", "/m/walk.mp4", 0, 4, 14)};
    desk.refresh();
    desk.reconciler.add("a", {}, {}, true);
    desk.reconciler.add("b", {}, {}, true);
    REQUIRE(desk.timeline.marks.size() == 16);
    Listed moved = desk.listed();
    for (auto &[place, name] : moved) {
        place += 100;
    }
    for (TimelineItem &item : desk.timeline.clips) {
        item.timeline_start += seconds(4);
    }
    CHECK(desk.refresh() == std::vector<What>{What::moved, What::moved});
    CHECK(desk.listed() == moved);
    desk.check_rest();
}

TEST_CASE("a clip that was copied with its sound gets markers of its own") {
    Desk desk;
    show(desk);
    desk.timeline.clips.push_back(desk.timeline.clips.front());
    desk.timeline.clips.back().id = "b";
    desk.timeline.clips.back().timeline_start = seconds(20);
    desk.timeline.sounds.push_back(desk.timeline.sounds.front());
    desk.timeline.sounds.back().id = "copy";
    desk.timeline.sounds.back().timeline_start = seconds(20);
    desk.refresh();
    CHECK(desk.timeline.marks.size() == 16);
    CHECK(std::count_if(desk.timeline.marks.begin(), desk.timeline.marks.end(),
                        [](const Marker &marker) { return marker.name == "2.1"; }) == 2);
    desk.check_rest();
}

TEST_CASE("markers of a sound that was deleted in the editor are taken over") {
    Desk desk;
    show(desk);
    desk.timeline.sounds.clear();
    CHECK(desk.reconciler.add("a", {}, {}, true).markers == 8);
    CHECK(desk.listed() == shown);
    desk.check_rest();
    desk.reconciler.remove();
    CHECK(desk.timeline.marks.empty());
}

TEST_CASE("another frame rate of the project moves no beat") {
    Desk desk;
    show(desk);
    const Ratio rate{30, 1};
    desk.timeline.clips.front().rate = desk.timeline.sounds.front().made_for.rate = rate;
    for (Marker &marker : desk.timeline.marks) {
        marker.time = flicks_of_frames(nearest_frame(marker.time, rate), rate);
    }
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
    CHECK(desk.fixed().empty());
}

TEST_CASE("more beats than markers can be are cut off, with a note") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 6000, 0)};
    const Result result = desk.reconciler.add("a", {}, {}, true);
    CHECK((result.what == What::made && result.markers == most_shown_beats));
    CHECK(result.sentence == "a: has 12000 beats, and markers are written for the first 10000");
    desk.check_rest();
}

TEST_CASE("the record of beats is read as it was written, and any text") {
    ShownBeats beats;
    beats.are_shown = true;
    beats.rate = {30000, 1001};
    beats.beats = {{0, 1, 3, Kind::own}, {seconds(1), 2, 1, Kind::none}, {seconds(2.5), 2, 2, Kind::namesake}};
    beats.fixed = {{seconds(1), 0}, {seconds(2), 4}};
    CHECK(spelled_beats(beats) == "30000/1001 0=1.3 705600000~2.1 1764000000!2.2");
    CHECK(spelled_fixed(beats) == "705600000 1411200000:4");
    CHECK(shown_beats_from(spelled_beats(beats), spelled_fixed(beats)) == beats);
    CHECK(shown_beats_from("", "") == ShownBeats{});
    CHECK(shown_beats_from("25/1", "").are_shown);
    const auto read = shown_beats_from("25/1 5=1.1 4=1.2 9=1.1 -3=1.4 7=2.0 8=0.1 99999999999999999999=9.9 12=x.1 =1.1 13 14=3 "
                                       "15=2.1 16=1000001.1 17=3.100",
                                       "3:0 5:2 4:1 7:100 8: 9:x 1e3 99999999999999999999 10");
    REQUIRE(read.beats.size() == 2);
    CHECK((read.beats[1].time == 15 && read.fixed.size() == 2 && read.fixed[1].time == 10));
    std::mt19937 random(7);
    const std::string letters = "0123456789 =~!./:-x";
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (int letter = 0; letter < 60; ++letter) {
            text += letters[random() % letters.size()];
        }
        const ShownBeats first = shown_beats_from(text, text);
        CHECK(shown_beats_from(spelled_beats(first), spelled_fixed(first)) == first);
    }
    std::string many = "25/1", more;
    for (int beat = 0; beat < 30'000; ++beat) {
        many += " " + std::to_string(beat) + "=" + std::to_string(beat + 1) + ".1";
        more += " " + std::to_string(beat);
    }
    const ShownBeats cut = shown_beats_from(many, more);
    CHECK((cut.beats.size() == most_shown_beats && cut.fixed.size() == most_shown_beats));
}

TEST_CASE("records and markers with any numbers do no harm") {
    std::mt19937_64 random(11);
    const auto time = [&] { return static_cast<Flicks>(random() % static_cast<std::uint64_t>(longest_time)); };
    for (int round = 0; round < 300; ++round) {
        Desk desk;
        TimelineItem item = clip("a", "/m/dance.mp4", 0, 4, 0);
        item.source_in = time();
        item.source_out = item.source_in + time() % seconds(10) + 1;
        item.timeline_start = time();
        item.speed = {static_cast<std::int64_t>(random() % 1'000'000'000'000) + 1,
                      static_cast<std::int64_t>(random() % 1'000'000'000) + 1};
        Placed placed;
        placed.id = "s";
        placed.made_for = item;
        placed.beats.are_shown = true;
        for (int beat = 0; beat < 5; ++beat) {
            placed.beats.beats.push_back({time(), beat + 1, 1});
            placed.beats.fixed.push_back({time(), beat});
            desk.timeline.marks.push_back({time(), std::to_string(beat % 3 + 1) + ".1"});
        }
        item.speed = {1, 1};
        const auto found = find_markers({placed}, {item}, desk.timeline.marks);
        ShownBeats edited = after_edits(placed, found[0], desk.timeline.marks);
        std::vector<Marker> own;
        CHECK(arranged(edited, placed.made_for, desk.timeline.marks, own).size() <= 5);
    }
}

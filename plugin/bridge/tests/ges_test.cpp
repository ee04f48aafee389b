// Needs ffmpeg, ges-launch-1.0 and GStreamer's base and good plugins; no display and no sound
// device.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "../follower.hpp"
#include "../ges.hpp"
#include "ges_support.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ges/ges.h>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

using namespace ges_support;

namespace {

constexpr double frame = 1.0 / 25.0;

Placed sound_for(const TimelineItem &item, const std::string &wav) {
    Placed placed;
    placed.made_for = item;
    placed.wav = wav;
    placed.key = "key-1";
    placed.settings = {{"style", "rock \"hard\", <loud>; {a=b}\\ü"}, {"seed", "7"}};
    placed.timeline_start = item.timeline_start;
    placed.duration = item.duration();
    return placed;
}

GESClip *clip_named(GESTimeline *timeline, const std::string &name) {
    GESTimelineElement *element = ges_timeline_get_element(timeline, name.c_str());
    REQUIRE(element != nullptr);
    g_object_unref(element); // the timeline keeps it
    return GES_CLIP(element);
}

/// When the first sound begins in a file, in seconds; below 0 if it is silent.
double onset_in(const Folder &folder, const std::string &path) {
    const std::string raw = folder / "sound.raw";
    run("ffmpeg -v error -y -i '" + path + "' -vn -f s16le -ac 1 -ar " + std::to_string(sample_rate) + " '" + raw +
        "'");
    const std::string bytes = bytes_of(raw);
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        const auto sample = static_cast<std::int16_t>(static_cast<unsigned char>(bytes[at]) |
                                                      static_cast<unsigned char>(bytes[at + 1]) << 8);
        if (std::abs(sample) > 4'000) {
            return static_cast<double>(at / 2) / sample_rate;
        }
    }
    return -1.0;
}

/// Renders a project with GES' own program, and measures when its sound begins.
double rendered_onset(const Project &project) {
    const std::string out = project.folder / "out.mkv";
    std::error_code ignored;
    fs::remove(out, ignored);
    run("ges-launch-1.0 --load '" + project.path + "' -o 'file://" + out +
        "' --format 'video/x-matroska:image/jpeg:audio/x-flac'");
    return onset_in(project.folder, out);
}

} // namespace

TEST_CASE("the clips of a project are listed as they were cut") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    const auto items = timeline->items();
    REQUIRE(items.size() == 2);
    CHECK(items[0].media_path == project.folder / "one.mkv");
    CHECK(items[0].timeline_start == 0);
    CHECK(items[1].name == "two");
    CHECK(items[1].timeline_start == flicks(2.4));
    CHECK(items[1].source_in == flicks(0.6));
    CHECK(items[1].source_out == flicks(2.6));
    CHECK(items[1].duration() == flicks(2.0));
    CHECK(items[1].rate.numerator == 25);
    CHECK(items[1].track == 0);
    CHECK(timeline->ours().empty());
    const std::string before = bytes_of(project.path);
    timeline->save();
    CHECK(bytes_of(project.path) == before);
}

TEST_CASE("sound is heard where its clip begins, and follows it after a trim") {
    const Project project;
    auto timeline = GesTimeline::open(project.path);
    const Placed placed = sound_for(timeline->items().at(1), project.folder / "click.wav");
    timeline->place(placed);
    timeline->save();
    const std::string saved = bytes_of(project.path);
    const double onset = rendered_onset(project);
    std::cout << "clip at 2.400 s, sound at " << onset << " s\n";
    CHECK(std::abs(onset - 2.4) < frame);

    timeline = GesTimeline::open(project.path);
    REQUIRE(timeline->ours().size() == 1);
    Placed again = timeline->ours()[0];
    CHECK(again.key == placed.key);
    CHECK(again.wav == placed.wav);
    CHECK(again.settings == placed.settings);
    CHECK(again.timeline_start == placed.timeline_start);
    CHECK(again.duration == placed.duration);
    CHECK(again.made_for.media_path == placed.made_for.media_path);
    CHECK(again.made_for.source_in == placed.made_for.source_in);
    CHECK(again.made_for.source_out == placed.made_for.source_out);
    CHECK(timeline->items().size() == 2);
    timeline->place(again);
    again.id.clear();
    timeline->place(again);
    CHECK(timeline->ours().size() == 1);
    timeline->save();
    CHECK(bytes_of(project.path) == saved);

    GESClip *clip = clip_named(timeline->timeline(), timeline->items().at(1).id);
    REQUIRE(ges_timeline_element_trim(GES_TIMELINE_ELEMENT(clip), 2'900'000'000));
    const TimelineItem trimmed = timeline->items().at(1);
    CHECK(seconds(trimmed.timeline_start) == doctest::Approx(2.92).epsilon(0.01));
    CHECK(trimmed.source_in - placed.made_for.source_in == trimmed.timeline_start - placed.timeline_start);
    make_click(project.folder / "click.wav", seconds(trimmed.duration()));
    Placed moved = sound_for(trimmed, placed.wav);
    moved.id = timeline->ours()[0].id;
    moved.key = "key-2";
    timeline->place(moved);
    CHECK(timeline->ours().at(0).id == moved.id);
    timeline->save();
    const double later = rendered_onset(project);
    std::cout << "clip trimmed to " << seconds(trimmed.timeline_start) << " s, sound at " << later << " s\n";
    CHECK(std::abs(later - seconds(trimmed.timeline_start)) < frame);
    const auto ours = GesTimeline::open(project.path)->ours();
    REQUIRE(ours.size() == 1);
    CHECK(ours[0].key == "key-2");
    CHECK(ours[0].timeline_start == trimmed.timeline_start);
    CHECK(ours[0].duration == trimmed.duration());
}

TEST_CASE("edits are reported, and our own changes are not") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    int notified = 0;
    timeline->on_change([&] { ++notified; });
    const auto told_by = [&](const auto &edit) {
        notified = 0;
        edit();
        return notified > 0;
    };
    const Placed placed = sound_for(timeline->items().at(1), project.folder / "click.wav");
    CHECK_FALSE(told_by([&] { timeline->place(placed); }));
    CHECK_FALSE(told_by([&] { timeline->save(); }));
    auto *clip = GES_TIMELINE_ELEMENT(clip_named(timeline->timeline(), timeline->items().at(1).id));
    CHECK(told_by([&] { REQUIRE(ges_timeline_element_trim(clip, 3'000'000'000)); }));
    CHECK(told_by([&] { REQUIRE(ges_timeline_element_set_start(clip, 4'000'000'000)); }));
    CHECK(told_by([&] { REQUIRE(ges_timeline_element_set_duration(clip, 1'000'000'000)); }));
    GESEffect *effect = ges_effect_new("videorate");
    CHECK(told_by([&] { REQUIRE(ges_container_add(GES_CONTAINER(clip), GES_TIMELINE_ELEMENT(effect))); }));
    CHECK(told_by(
        [&] { ges_timeline_element_set_child_properties(GES_TIMELINE_ELEMENT(effect), "rate", 2.0, nullptr); }));
    GESLayer *layer = nullptr;
    CHECK(told_by([&] { layer = ges_timeline_append_layer(timeline->timeline()); }));
    CHECK(told_by([&] { REQUIRE(ges_clip_move_to_layer(GES_CLIP(clip), layer)); }));
    CHECK(told_by([&] { REQUIRE(ges_timeline_element_set_start(clip, 5'000'000'000)); }));
    CHECK(told_by([&] { REQUIRE(ges_layer_remove_clip(layer, GES_CLIP(clip))); }));
    CHECK_FALSE(told_by([&] { timeline->remove(timeline->ours().at(0).id); }));
    CHECK(timeline->ours().empty());
}

TEST_CASE("the speed of a clip is that of its effect") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    GESClip *clip = clip_named(timeline->timeline(), timeline->items().at(0).id);
    REQUIRE(ges_timeline_element_set_duration(GES_TIMELINE_ELEMENT(clip), 1'000'000'000));
    GESEffect *effect = ges_effect_new("videorate");
    REQUIRE(ges_container_add(GES_CONTAINER(clip), GES_TIMELINE_ELEMENT(effect)));
    ges_timeline_element_set_child_properties(GES_TIMELINE_ELEMENT(effect), "rate", 2.0, nullptr);
    const TimelineItem item = timeline->items().at(0);
    CHECK(item.speed.numerator == 2);
    CHECK(item.speed.denominator == 1);
    CHECK(item.duration() == flicks(1.0));
    CHECK(item.source_out - item.source_in == flicks(2.0));
}

TEST_CASE("sounds of overlapping clips are on two layers, and our empty layers are removed") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    const auto layers = [&] {
        GList *list = ges_timeline_get_layers(timeline->timeline());
        const auto count = g_list_length(list);
        g_list_free_full(list, g_object_unref);
        return count;
    };
    const Placed second = sound_for(timeline->items().at(1), project.folder / "click.wav");
    Placed first = second;
    first.key = "key-0";
    first.timeline_start = flicks(1.0);
    timeline->place(second);
    timeline->place(first);
    CHECK(layers() == 3);
    REQUIRE(timeline->ours().size() == 2);
    CHECK(timeline->items().size() == 2);
    CHECK(timeline->items().at(1).track == 0);
    for (const Placed &placed : timeline->ours()) {
        timeline->remove(placed.id);
    }
    CHECK(layers() == 1);
    // Unused files may be deleted, and the project still opens.
    timeline->save();
    CHECK(bytes_of(project.path).find("click.wav") == std::string::npos);
    CHECK_THROWS_AS(timeline->remove("none"), Problem);
}

TEST_CASE("unreadable files are reported, and change nothing") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    const Placed placed = sound_for(timeline->items().at(1), project.folder / "click.wav");
    timeline->place(placed);
    Placed bad = timeline->ours().at(0);
    bad.key = "key-2";
    bad.wav = project.folder / "missing.wav";
    CHECK_THROWS_AS(timeline->place(bad), Problem);
    bad.id = "none";
    CHECK_THROWS_AS(timeline->place(bad), Problem);
    REQUIRE(timeline->ours().size() == 1);
    CHECK(timeline->ours()[0].key == placed.key);

    std::ofstream(project.folder / "broken.xges") << "<ges version='0.7'><project";
    CHECK_THROWS_AS(GesTimeline::open(project.folder / "broken.xges"), Problem);
    CHECK_THROWS_AS(GesTimeline::open(project.folder / "none.xges"), Problem);
    fs::remove(project.folder / "two.mkv");
    const std::string before = bytes_of(project.path);
    const std::string moved = project.folder / "moved.xges";
    std::string text = before;
    for (std::size_t at = text.find("two.mkv"); at != std::string::npos; at = text.find("two.mkv", at)) {
        text.replace(at, 7, "2nd.mkv"); // one that was never opened
    }
    std::ofstream(moved) << text;
    CHECK_THROWS_WITH_AS(GesTimeline::open(moved), doctest::Contains("2nd.mkv"), Problem);
    CHECK(bytes_of(moved) == text);
}

namespace {

/// Makes clicks as long as the order.
struct ClickMaker : Maker {
    std::string key(const SoundOrder &order) override {
        return std::to_string(order.source_in) + " " + std::to_string(order.source_out);
    }
    void make(const SoundOrder &order, const std::string &wav, const Progress &) override {
        make_click(wav, seconds(order.duration()));
    }
};

} // namespace

TEST_CASE("a trim in a live timeline makes and places its sound automatically") {
    const Project project;
    const auto timeline = GesTimeline::open(project.path);
    ClickMaker maker;
    const std::string id = timeline->items().at(1).id;
    REQUIRE(Reconciler(*timeline, maker).add(id, {}).what == Result::What::made);
    std::vector<Result> done;
    // Posted functions are called by GLib's main loop, as in an editor.
    const auto post = [](std::function<void()> function) {
        const auto call = [](void *data) -> gboolean {
            (*static_cast<std::function<void()> *>(data))();
            return G_SOURCE_REMOVE;
        };
        const auto forget = [](void *data) { delete static_cast<std::function<void()> *>(data); };
        g_idle_add_full(G_PRIORITY_DEFAULT, call, new std::function<void()>(std::move(function)), forget);
    };
    const auto notified = [&](const std::vector<Result> &results) { done = results; };
    const auto follower =
        std::make_unique<Follower>(*timeline, maker, post, notified, std::chrono::milliseconds(50));
    GESClip *clip = clip_named(timeline->timeline(), id);
    REQUIRE(ges_timeline_element_trim(GES_TIMELINE_ELEMENT(clip), 2'200'000'000));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (done.empty() && std::chrono::steady_clock::now() < end) {
        g_main_context_iteration(nullptr, FALSE);
    }
    REQUIRE(done.size() == 1);
    CHECK(done[0].what == Result::What::made);
    const TimelineItem trimmed = timeline->items().at(1);
    REQUIRE(timeline->ours().size() == 1);
    CHECK(timeline->ours()[0].timeline_start == trimmed.timeline_start);
    CHECK(timeline->ours()[0].duration == trimmed.duration());
    // It was saved, and sounds where the clip is now.
    CHECK(std::abs(rendered_onset(project) - seconds(trimmed.timeline_start)) < frame);
}

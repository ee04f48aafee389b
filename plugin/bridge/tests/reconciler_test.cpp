#include "../reconciler.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

using namespace fakes;
using What = Result::What;

namespace {

struct Desk {
    Folder folder;
    FakeTimeline timeline{folder.path()};
    FakeMaker maker;
    Reconciler reconciler{timeline, maker};

    std::vector<What> refresh() {
        std::vector<What> what;
        for (const Result &result : reconciler.refresh()) {
            what.push_back(result.what);
        }
        return what;
    }

    /// Every sound lies under its clip, and its file holds the order for that clip.
    void check() {
        for (const Placed &sound : timeline.sounds) {
            const auto item = std::find_if(timeline.clips.begin(), timeline.clips.end(), [&](const TimelineItem &clip) {
                return clip.media_path == sound.made_for.media_path && clip.timeline_start == sound.timeline_start;
            });
            REQUIRE(item != timeline.clips.end());
            CHECK(sound.duration == item->duration());
            CHECK(sound.made_for.source_in == item->source_in);
            const SoundOrder order{item->media_path, item->source_in, item->source_out, item->speed, sound.settings, {}};
            CHECK(sound.key == maker.key(order));
            CHECK(samples(sound.wav) == maker.key(order));
        }
    }
};

} // namespace

TEST_CASE("a sound is placed under its clip, once") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 5, 0), clip("b", "/m/walk.mp4", 1, 4, 5)};
    const Result result = desk.reconciler.add("b", {{"drums.style", "jazz"}});
    CHECK(result.what == What::made);
    REQUIRE(desk.timeline.sounds.size() == 1);
    CHECK(desk.timeline.sounds[0].timeline_start == seconds(5));
    CHECK(desk.folder.files() == std::vector<std::string>{"walk.soundtrack.wav"});
    desk.check();
    // Again, with nothing to do: not even saved.
    CHECK(desk.reconciler.add("b", {}).what == What::unchanged);
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
    CHECK((desk.maker.made == 1 && desk.timeline.places == 1 && desk.timeline.saves == 1));
    // Another setting gives another sound in the same file; settings that are not named stay.
    CHECK(desk.reconciler.add("b", {{"seed", "3"}}).what == What::made);
    CHECK(desk.timeline.sounds[0].settings == Settings{{"drums.style", "jazz"}, {"seed", "3"}});
    CHECK(desk.folder.files().size() == 1);
    desk.check();
}

TEST_CASE("edits of a clip are followed") {
    Desk desk;
    auto &clips = desk.timeline.clips;
    clips = {clip("a", "/m/dance.mp4", 0, 8, 0), clip("b", "/m/walk.mp4", 2, 6, 8)};
    desk.reconciler.add("a", {});
    desk.reconciler.add("b", {});
    REQUIRE(desk.maker.made == 2);

    SUBCASE("moved: the same sound elsewhere") {
        clips[1].timeline_start = seconds(20);
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::moved});
        CHECK(desk.maker.made == 2);
    }
    SUBCASE("trimmed at the head, which moves it too") {
        clips[1].source_in += seconds(1);
        clips[1].timeline_start += seconds(1);
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
        CHECK(desk.maker.made == 3);
        CHECK(desk.folder.files().size() == 2);
    }
    SUBCASE("played faster") {
        clips[1].speed = {2, 1};
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
        CHECK(desk.timeline.sounds[1].duration == seconds(2));
    }
    SUBCASE("deleted, and restored by undo") {
        const auto before = clips;
        clips.pop_back();
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::removed});
        CHECK(desk.timeline.sounds.size() == 1);
        CHECK(desk.folder.files().size() == 2);
        clips = before;
        CHECK(desk.refresh() == std::vector<What>{What::unchanged});
    }
    SUBCASE("a trim that is undone") {
        const auto before = clips[1];
        clips[1].source_out -= seconds(1);
        desk.refresh();
        clips[1] = before;
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
        CHECK(desk.folder.files().size() == 2);
    }
    SUBCASE("the editor renames everything, and the order changes") {
        std::swap(clips[0], clips[1]);
        clips[0].id = "a";
        clips[1].id = "b";
        std::swap(desk.timeline.sounds[0].id, desk.timeline.sounds[1].id);
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::unchanged});
    }
    SUBCASE("cut in two: the larger part keeps the sound") {
        auto rest = clips[0];
        rest.id = "c";
        rest.source_in = seconds(5);
        rest.timeline_start = seconds(5);
        clips[0].source_out = seconds(5);
        clips.push_back(rest);
        CHECK(desk.refresh() == std::vector<What>{What::made, What::unchanged});
        CHECK(desk.timeline.sounds[0].duration == seconds(5));
    }
    SUBCASE("slipped: other content at the same place") {
        clips[1].source_in = seconds(20);
        clips[1].source_out = seconds(24);
        CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
    }
    SUBCASE("its file was deleted") {
        std::filesystem::remove(desk.timeline.sounds[0].wav);
        CHECK(desk.refresh() == std::vector<What>{What::made, What::unchanged});
    }
    desk.check();
}

TEST_CASE("a project whose folder was moved keeps its sounds") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/old/dance.mp4", 0, 5, 0), clip("b", "/old/walk.mp4", 1, 4, 5),
                           clip("c", "/old/walk.mp4", 4, 8, 9)};
    for (const char *id : {"a", "b", "c"}) {
        desk.reconciler.add(id, {});
    }
    for (TimelineItem &item : desk.timeline.clips) {
        item.media_path.replace(0, 4, "/new");
    }
    const auto pairs = matches(desk.timeline.sounds, desk.timeline.clips);
    CHECK(pairs == std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {1, 1}, {2, 2}});
    for (const What what : desk.refresh()) {
        CHECK(what != What::removed);
    }
    CHECK(desk.timeline.sounds.size() == 3);
    desk.check();
    // A media that a clip still uses is not exchanged for another of its name.
    desk.timeline.clips.push_back(clip("d", "/other/dance.mp4", 0, 5, 20));
    CHECK(matches(desk.timeline.sounds, desk.timeline.clips) == pairs);
    // Nor is one of another name taken.
    desk.timeline.clips[0].media_path = "/new/other.mp4";
    desk.timeline.clips.pop_back();
    CHECK(desk.refresh() == std::vector<What>{What::removed, What::unchanged, What::unchanged});
}

TEST_CASE("two clips of one media have a sound and a file each") {
    Desk desk;
    auto &clips = desk.timeline.clips;
    clips = {clip("a", "/m/dance.mp4", 0, 4, 0), clip("b", "/m/dance.mp4", 0, 4, 4)};
    desk.reconciler.add("b", {});
    desk.reconciler.add("a", {});
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack-2.wav", "dance.soundtrack.wav"});
    clips[0].source_in = seconds(1);
    CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
    desk.check();
}

TEST_CASE("a clip that is copied with its sound shares the file until it differs") {
    Desk desk;
    auto &clips = desk.timeline.clips;
    clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    clips.push_back(clip("b", "/m/dance.mp4", 0, 4, 10));
    desk.timeline.sounds.push_back(desk.timeline.sounds[0]);
    desk.timeline.sounds[1].id = "copy";
    desk.timeline.sounds[1].timeline_start = seconds(10);
    CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::moved});
    CHECK(desk.folder.files().size() == 1);
    clips[1].source_out = seconds(3);
    CHECK(desk.refresh() == std::vector<What>{What::unchanged, What::made});
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack-2.wav", "dance.soundtrack.wav"});
    desk.check();
}

TEST_CASE("a clip without a person does not stop the others, and keeps its sound") {
    Desk desk;
    auto &clips = desk.timeline.clips;
    clips = {clip("a", "/m/nobody.mp4", 0, 4, 0), clip("b", "/m/dance.mp4", 0, 4, 4)};
    const Result failed = desk.reconciler.add("a", {});
    CHECK(failed.what == What::failed);
    CHECK(failed.sentence == "/m/nobody.mp4: no person is seen");
    CHECK(desk.timeline.sounds.empty());
    CHECK(desk.folder.files().empty());
    desk.reconciler.add("b", {});
    CHECK(desk.timeline.saves == 1);
    // One that had sound, and now shows nobody.
    Placed placed = desk.timeline.sounds[0];
    placed.id = "other";
    placed.made_for = clips[0];
    placed.wav = desk.folder.path() + "/other.wav";
    desk.timeline.sounds.push_back(placed);
    clips[1].source_in = seconds(1);
    CHECK(desk.refresh() == std::vector<What>{What::made, What::failed});
    CHECK(desk.timeline.sounds[1].key == placed.key);
}

TEST_CASE("sound made while the project could not be saved is not made again") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    const auto saved = desk.timeline.sounds;
    desk.timeline.clips[0].source_in = seconds(1);
    desk.refresh();
    desk.timeline.sounds = saved; // the editor's version of the project
    CHECK(desk.refresh() == std::vector<What>{What::made});
    CHECK(desk.maker.made == 2);
    desk.check();
}

TEST_CASE("a clip that is edited while its sound is made is left for the next time") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    std::vector<Task> tasks{desk.reconciler.look_at("a", {})};
    desk.reconciler.work(tasks);
    desk.timeline.clips[0].source_in = seconds(1);
    const std::vector<Result> results = desk.reconciler.apply(tasks);
    CHECK(results[0].what == What::failed);
    CHECK(results[0].kind == Problem::Kind::changed);
    CHECK(desk.timeline.sounds.empty());
}

TEST_CASE("cancelling leaves no file and no change") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.maker.steps = 10;
    int asked = 0;
    CHECK_THROWS_AS(desk.reconciler.add("a", {}, [&](double) { return ++asked < 5; }), Problem);
    CHECK(desk.folder.files().empty());
    CHECK(desk.timeline.sounds.empty());
}

TEST_CASE("removing removes all sound, or that of one clip") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0), clip("b", "/m/walk.mp4", 0, 4, 4)};
    desk.reconciler.add("a", {});
    desk.reconciler.add("b", {});
    CHECK(desk.reconciler.remove("a").size() == 1);
    CHECK(desk.timeline.sounds.size() == 1);
    CHECK_THROWS_AS(desk.reconciler.remove("a"), Problem);
    CHECK(desk.reconciler.remove().size() == 1);
    CHECK(desk.reconciler.remove().empty());
    CHECK(desk.timeline.saves == 4);
    CHECK_THROWS_AS(desk.reconciler.add("nothing", {}), Problem);
}

TEST_CASE("a length at a speed is exact") {
    TimelineItem item = clip("a", "/m/a.mp4", 0, 4, 0);
    item.speed = {3, 2};
    CHECK(item.duration() == (seconds(4) * 2 + 1) / 3);
    item.source_out = seconds(100'000);
    item.speed = {1'000'003, 1'000'000};
    CHECK(std::abs(item.duration() - seconds(100'000 / 1.000003)) <= 100);
}

namespace {

std::string other_file(const Desk &desk, const std::string &name) { return desk.folder.path() + "/" + name; }

/// Puts a sound of another run under a name.
void made_by_another_run(const std::string &wav, const std::string &text, const std::string &key) {
    write_wav(wav, text);
    put_mark(wav, key);
}

} // namespace

TEST_CASE("a file that is not ours is never written over") {
    Desk desk;
    const Folder users;
    desk.timeline.clips = {clip("a", users.path() + "/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    std::string &wav = desk.timeline.sounds[0].wav;
    const std::string made = wav;
    std::string reason;
    SUBCASE("the user's own mix, elsewhere") {
        wav = users.path() + "/mix.wav";
        write_wav(wav, "the mix of weeks");
        reason = "is not one of the sound files in " + desk.folder.path();
    }
    SUBCASE("a mix in the place of ours") {
        write_wav(wav, "the mix of weeks");
        reason = "was not made by Kinescore, or has lost its mark";
    }
    SUBCASE("ours with other samples, by a program that keeps the mark") {
        std::string bytes = content(wav);
        bytes[bytes.find("dance.mp4")] = 'D';
        std::ofstream(wav, std::ios::binary) << bytes;
        reason = "was changed since Kinescore made it";
    }
    SUBCASE("the clip itself") {
        wav = users.path() + "/dance.mp4";
        std::ofstream(wav) << "the clip";
        reason = "is not one of the sound files in " + desk.folder.path();
    }
    SUBCASE("a sound of another project of ours") {
        wav = users.path() + "/dance.soundtrack.wav";
        std::filesystem::copy_file(made, wav);
        reason = "is not one of the sound files in " + desk.folder.path();
    }
    SUBCASE("a link to the user's file") {
        std::filesystem::remove(wav);
        write_wav(users.path() + "/mix.wav", "the mix of weeks");
        put_mark(users.path() + "/mix.wav", desk.timeline.sounds[0].key);
        std::filesystem::create_symlink(users.path() + "/mix.wav", wav);
        reason = "is a link or not a file";
    }
    const std::string before = wav, bytes = content(wav);
    // As long as the clip is unchanged, the file under it stays.
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
    CHECK(desk.timeline.sounds[0].wav == before);
    desk.timeline.clips[0].source_out = seconds(3);
    const std::vector<Result> results = desk.reconciler.refresh();
    REQUIRE(results.size() == 1);
    CHECK(results[0].what == What::made);
    CHECK(results[0].sentence ==
          before + ": " + reason + ", so it was left unchanged, and the new sound is in another file");
    CHECK(content(before) == bytes);
    CHECK(desk.timeline.sounds[0].wav != before);
    CHECK(std::filesystem::path(desk.timeline.sounds[0].wav).parent_path() == desk.folder.path());
    desk.check();
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
}

TEST_CASE("a sound under the wrong clip is detected by its own key, and repaired") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    made_by_another_run(desk.timeline.sounds[0].wav, "of another clip", "another key");
    const std::vector<Result> results = desk.reconciler.refresh();
    CHECK(results[0].what == What::made);
    CHECK(results[0].sentence.find("held another soundtrack than that of this clip") != std::string::npos);
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack.wav"});
    desk.check();
    CHECK(desk.refresh() == std::vector<What>{What::unchanged});
}

TEST_CASE("two runs at once on one project never share a file") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0), clip("b", "/m/dance.mp4", 2, 6, 4)};
    FakeTimeline seen_by_other = desk.timeline;
    FakeMaker other_maker;
    Reconciler other(seen_by_other, other_maker);
    // The other run begins and ends while this one makes its sound: both have found the same names
    // free.
    desk.maker.meanwhile = [&] { CHECK(other.add("b", {}).what == What::made); };
    CHECK(desk.reconciler.add("a", {}).what == What::made);
    REQUIRE(desk.timeline.sounds.size() == 1);
    REQUIRE(seen_by_other.sounds.size() == 1);
    CHECK(desk.timeline.sounds[0].wav != seen_by_other.sounds[0].wav);
    CHECK(samples(desk.timeline.sounds[0].wav) == desk.timeline.sounds[0].key);
    CHECK(samples(seen_by_other.sounds[0].wav) == seen_by_other.sounds[0].key);
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack-2.wav", "dance.soundtrack.wav"});
}

TEST_CASE("a file in which another run has put its sound in the meantime is left to that run") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    const std::string old = desk.timeline.sounds[0].wav;
    desk.timeline.clips[0].source_out = seconds(3);
    desk.maker.meanwhile = [&] { made_by_another_run(old, "of the other run", "the other run's key"); };
    CHECK(desk.refresh() == std::vector<What>{What::made});
    CHECK(samples(old) == "of the other run");
    CHECK(desk.timeline.sounds[0].wav == other_file(desk, "dance.soundtrack-2.wav"));
    desk.check();
}

TEST_CASE("a sound of a run that could not save is reused, not made again") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0), clip("b", "/m/dance.mp4", 0, 4, 4)};
    desk.reconciler.add("a", {});
    desk.timeline.sounds.clear(); // the project as it was
    CHECK(desk.reconciler.add("a", {}).what == What::made);
    CHECK(desk.maker.made == 1);
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack.wav"});
    desk.check();
    // A file that the project names is not an orphan: each clip has its own file.
    CHECK(desk.reconciler.add("b", {}).what == What::made);
    CHECK(desk.maker.made == 2);
    // A file that was changed, or one without our mark, is not reused either.
    desk.timeline.sounds.clear();
    for (const std::string &name : desk.folder.files()) {
        std::string bytes = content(other_file(desk, name));
        bytes[bytes.find("dance.mp4")] = 'D';
        std::ofstream(other_file(desk, name), std::ios::binary) << bytes;
    }
    desk.reconciler.add("a", {});
    CHECK(desk.timeline.sounds[0].wav == other_file(desk, "dance.soundtrack-3.wav"));
    desk.check();
}

TEST_CASE("reusing sound in place of a user's file is reported") {
    Desk desk;
    const Folder users;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    desk.reconciler.add("a", {});
    desk.timeline.clips[0].source_out = seconds(3);
    const std::vector<Placed> before = desk.timeline.sounds;
    std::filesystem::copy_file(before[0].wav, users.path() + "/mix.wav");
    desk.refresh();
    desk.timeline.sounds = before; // the refresh could not be saved, and the user relinks
    desk.timeline.sounds[0].wav = users.path() + "/mix.wav";
    const std::vector<Result> results = desk.reconciler.refresh();
    CHECK(results[0].sentence.find(users.path() + "/mix.wav: is not one of the sound files in") == 0);
    CHECK(desk.maker.made == 2);
    CHECK(desk.folder.files() == std::vector<std::string>{"dance.soundtrack.wav"});
    desk.check();
}

TEST_CASE("unfinished sound of a killed run is removed by the next run there") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/dance.mp4", 0, 4, 0)};
    const std::string old = other_file(desk, ".dance.soundtrack.4711.part.wav");
    const std::string young = other_file(desk, ".dance.soundtrack.4712.part.wav");
    std::ofstream(old) << "half";
    std::ofstream(young) << "half";
    age(old, 61);
    desk.reconciler.add("a", {});
    CHECK(desk.folder.files() == std::vector<std::string>{".dance.soundtrack.4712.part.wav", "dance.soundtrack.wav"});
}

TEST_CASE("a fault that is not a Problem fails one clip, and the others continue") {
    Desk desk;
    desk.timeline.clips = {clip("a", "/m/fault.mp4", 0, 4, 0), clip("b", "/m/dance.mp4", 0, 4, 4)};
    const Result failed = desk.reconciler.add("a", {});
    CHECK(failed.what == What::failed);
    CHECK(failed.kind == Problem::Kind::core);
    CHECK(failed.sentence.find("something that is not a Problem") != std::string::npos);
    CHECK(desk.folder.files().empty());
    // A name that no file system accepts: querying it must not throw.
    desk.reconciler.add("b", {});
    desk.timeline.sounds[0].wav = "/" + std::string(5000, 'x') + "/a.wav";
    CHECK(desk.refresh() == std::vector<What>{What::made});
    desk.check();
}

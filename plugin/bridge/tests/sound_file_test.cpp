#include "../folder_lock.hpp"
#include "../sound_file.hpp"
#include "../timeline.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace fakes;
namespace fs = std::filesystem;

namespace {

const SoundFolder::IsNamed nothing_named = [](const std::string &) { return false; };

std::size_t number_at(const std::string &bytes, std::size_t at) {
    std::size_t value = 0;
    for (std::size_t byte = 4; byte-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + byte]);
    }
    return value;
}

/// One of our sounds in a folder.
std::string made(const SoundFolder &sounds, const std::string &name, const std::string &text, const std::string &key) {
    const std::string path = sounds.path() + "/" + name;
    write_wav(path, text);
    put_mark(path, key);
    return path;
}

void put(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

} // namespace

TEST_CASE("a mark is read back, and the file is still a complete WAV file") {
    const Folder folder;
    const std::string path = folder.path() + "/a.wav";
    for (const std::string text : {"even", "odd", ""}) {
        write_wav(path, text);
        CHECK(!marked_key(path));
        CHECK(!is_as_made(path));
        put_mark(path, "the key of " + text);
        CHECK(marked_key(path) == "the key of " + text);
        CHECK(is_as_made(path));
        CHECK(samples(path) == text);
        const std::string bytes = content(path);
        CHECK(bytes.size() % 2 == 0);
        CHECK(number_at(bytes, 4) == bytes.size() - 8);
        CHECK(bytes.find("kscr") % 2 == 0);
    }
}

TEST_CASE("a file that ends in an odd sample without padding is marked too") {
    const Folder folder;
    const std::string path = folder.path() + "/a.wav";
    write_wav(path, "odd");
    fs::resize_file(path, fs::file_size(path) - 1);
    put_mark(path, "k");
    CHECK(marked_key(path) == "k");
    CHECK(is_as_made(path));
}

TEST_CASE("samples that were changed no longer agree with their mark") {
    const Folder folder;
    const SoundFolder sounds(folder.path());
    const std::string path = made(sounds, "a.soundtrack.wav", "the sound of ours", "k");
    CHECK(sounds.why_not_ours(path).empty());
    std::string bytes = content(path);
    bytes[bytes.find("ours")] = 'O';
    put(path, bytes);
    CHECK(marked_key(path) == "k");
    CHECK(!is_as_made(path));
    CHECK(sounds.why_not_ours(path) == "was changed since Kinescore made it");
    // Cut off within the samples.
    put(path, bytes.substr(0, 50));
    CHECK(!is_as_made(path));
}

TEST_CASE("what is not a WAV file has no mark, whatever it holds") {
    const Folder folder;
    const std::string path = folder.path() + "/a.wav";
    const std::string huge("\xFF\xFF\xFF\xFF", 4);
    for (const std::string &bytes :
         {std::string(), std::string("RIFF"), std::string("kscr kinescore 1\n0\nk"), "RIFF" + huge + "WAVE",
          "RIFF" + huge + "WAVEkscr" + huge + "kinescore 1\n", "RIFF" + huge + "WAVEdata" + huge,
          "RIFF" + huge + "WAVEkscr" + little_endian(12) + "kinescore 2\n"}) {
        put(path, bytes);
        CHECK(!marked_key(path));
        CHECK(!is_as_made(path));
        CHECK_THROWS_AS(put_mark(path, "k"), Problem);
        CHECK(content(path) == bytes);
    }
    CHECK(!marked_key(folder.path()));
    CHECK(!marked_key(folder.path() + "/none.wav"));
}

TEST_CASE("only files in our folder, of our naming, with our mark are ours") {
    const Folder folder, other;
    const SoundFolder sounds(folder.path()), elsewhere(other.path());
    CHECK(sounds.why_not_ours(made(sounds, "a.soundtrack.wav", "x", "k")).empty());
    CHECK(sounds.why_not_ours(made(sounds, "a.soundtrack-12.wav", "x", "k")).empty());
    CHECK(sounds.why_not_ours(folder.path() + "/../" + fs::path(folder.path()).filename().string() +
                              "/a.soundtrack.wav")
              .empty());
    for (const char *name : {"a.wav", "soundtrack.wav", ".soundtrack.wav", "a.soundtrack-.wav", "a.soundtrack-b.wav",
                             "a.soundtrack.mp3", "a.soundtracks.wav"}) {
        CAPTURE(name);
        CHECK(!sounds.why_not_ours(made(sounds, name, "x", "k")).empty());
    }
    CHECK(!sounds.why_not_ours(made(elsewhere, "a.soundtrack.wav", "x", "k")).empty());
    const std::string link = folder.path() + "/link.soundtrack.wav";
    fs::create_symlink(other.path() + "/a.soundtrack.wav", link);
    CHECK(!sounds.why_not_ours(link).empty());
    write_wav(folder.path() + "/mix.soundtrack.wav", "x");
    CHECK(sounds.why_not_ours(folder.path() + "/mix.soundtrack.wav") ==
          "was not made by Kinescore, or has lost its mark");
}

TEST_CASE("a sound that another project of the same name plays is not ours to overwrite") {
    const Folder folder;
    const std::string own = folder.path() + "/film.mlt";
    const SoundFolder sounds(folder.path() + "/film.soundtracks", own);
    sounds.make();
    const std::string plain = made(sounds, "clip.soundtrack.wav", "one", "k");
    const std::string spaced = made(sounds, "a clip.soundtrack.wav", "two", "k2");
    put(own, "film.soundtracks/clip.soundtrack.wav and film.soundtracks/a clip.soundtrack.wav");
    put(folder.path() + "/another.otio", "clip.soundtrack.wav");
    CHECK(sounds.why_not_ours(plain).empty());
    CHECK(sounds.orphan("k", nothing_named) == plain);
    put(folder.path() + "/film.otio", "film.soundtracks/clip.soundtrack.wav");
    CHECK(sounds.why_not_ours(plain) == "is also played by film.otio");
    CHECK(!sounds.orphan("k", nothing_named));
    CHECK(sounds.why_not_ours(spaced).empty());
    put(folder.path() + "/film.otio", "film.soundtracks/a%20clip.soundtrack.wav");
    CHECK(sounds.why_not_ours(plain).empty());
    CHECK(sounds.why_not_ours(spaced) == "is also played by film.otio");
}

TEST_CASE("a name is reserved once, and fits however long the media's name is") {
    const Folder folder;
    const SoundFolder sounds(folder.path());
    CHECK(fs::path(sounds.reserve_for("/m/a.mp4", nothing_named)).filename() == "a.soundtrack.wav");
    CHECK(fs::path(sounds.reserve_for("/m/a.mp4", nothing_named)).filename() == "a.soundtrack-2.wav");
    CHECK(!sounds.reserve(folder.path() + "/a.soundtrack-2.wav"));
    // Nor a name that the project uses for a missing file.
    const std::string third = folder.path() + "/a.soundtrack-3.wav";
    CHECK(sounds.reserve_for("/m/a.mp4", [&](const std::string &path) { return path == third; }) ==
          folder.path() + "/a.soundtrack-4.wav");
    // "é" is two bytes, and is not cut in two.
    std::string name = "x";
    for (int letter = 0; letter < 125; ++letter) {
        name += "é";
    }
    const std::string file = sounds.reserve_for("/m/" + name + ".mp4", nothing_named);
    CHECK(sounds.is_place(file));
    const std::string stem = fs::path(file).filename().string();
    CHECK(stem.size() <= 255);
    CHECK(name.compare(0, stem.find(".soundtrack"), stem, 0, stem.find(".soundtrack")) == 0);
    CHECK(stem.find(".soundtrack") % 2 == 1);
    CHECK(sounds.is_place(sounds.reserve_for("/m/.hidden", nothing_named)));
}

TEST_CASE("leftovers of killed runs are removed after an hour, and nothing else") {
    const Folder folder;
    const SoundFolder sounds(folder.path());
    const auto with_age = [&](const std::string &name, int minutes, const std::string &bytes = "x") {
        put(folder.path() + "/" + name, bytes);
        age(folder.path() + "/" + name, minutes);
    };
    const std::string unfinished = fs::path(sounds.unfinished()).filename().string();
    with_age(unfinished, 61);
    with_age("." + unfinished.substr(0, unfinished.size() - 4) + ".Ab12Cd.wav", 61); // the core's, beside it
    with_age(".walk.soundtrack.4711.part.wav", 61);
    with_age("gone.soundtrack.wav", 61, "");
    const std::vector<std::string> kept{".mine.wav", ".soundtrack-1-0000abcd.part.wav", "a.part.soundtrack.wav",
                                        "mix.wav", "named.soundtrack.wav", "new.soundtrack.wav", "z.soundtrack.wav"};
    with_age(kept[0], 6000);
    with_age(kept[1], 59);
    with_age(kept[2], 6000);
    with_age(kept[3], 6000);
    with_age(kept[4], 6000, "");
    with_age(kept[5], 1, "");
    with_age(kept[6], 6000);
    sounds.clear([&](const std::string &path) { return path == folder.path() + "/" + kept[4]; });
    CHECK(folder.files() == kept);
}

TEST_CASE("a folder is held by one process at a time, and the wait for it ends") {
    const Folder folder;
    {
        const FolderLock lock(folder.path());
        CHECK_THROWS_AS(FolderLock(folder.path(), std::chrono::milliseconds(50)), Problem);
    }
    const FolderLock again(folder.path(), std::chrono::milliseconds(50));
    const FolderLock nowhere(folder.path() + "/none"); // nothing to hold
    CHECK(folder.files().empty());
}

"""The files of soundtracks, the table of settings, and the places."""

import json
import os
import tempfile
import unittest
import wave

from pure import core, files, places, table


def write_wav(path, frames=101):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(48_000)
        file.writeframes(b"\x80" * frames)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)


class Soundtracks(Folder):
    def test_a_key_comes_back_and_the_sound_stays(self):
        for frames in (100, 101):
            path = self.path(f"{frames}.wav")
            write_wav(path, frames)
            self.assertIsNone(files.key_of(path))
            files.tag(path, "abc123")
            self.assertEqual(files.key_of(path), "abc123")
            with wave.open(path) as file:
                self.assertEqual(file.getnframes(), frames)
            with open(path, "rb") as file:
                self.assertEqual(int.from_bytes(file.read()[4:8], "little"), os.path.getsize(path) - 8)

    def test_files_that_are_not_ours(self):
        self.assertIsNone(files.key_of(self.path("none.wav")))
        for content in (b"", b"RIFF", b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff", b"somebody else's"):
            with open(self.path("other.wav"), "wb") as file:
                file.write(content)
            self.assertIsNone(files.key_of(self.path("other.wav")))

    def test_free_names(self):
        first = files.free_name(self.folder, "/media/walk.mp4", set())
        self.assertEqual(first, self.path("walk.soundtrack.wav"))
        self.assertEqual(files.free_name(self.folder, "/media/walk.mp4", {first}), self.path("walk.soundtrack-2.wav"))
        with open(self.path("walk.soundtrack.mid"), "w", encoding="utf-8"):
            pass
        self.assertEqual(files.free_name(self.folder, "walk.mp4", set()), self.path("walk.soundtrack-2.wav"))

    def test_failures_leave_nothing(self):
        place = self.path("new/walk.wav")
        with self.assertRaises(core.Problem), files.Pair(place) as pair:
            write_wav(pair.wav)
            raise core.Problem("cancelled")
        self.assertEqual(os.listdir(self.path("new")), [])

    def test_files_are_put_in_place_together(self):
        place = self.path("walk.wav")
        with files.Pair(place) as pair:
            write_wav(pair.wav)
            write_wav(pair.midi)
            self.assertFalse(os.path.exists(place))
            pair.move("key")
        self.assertEqual(sorted(os.listdir(self.folder)), ["walk.mid", "walk.wav"])
        self.assertEqual(files.key_of(place), "key")

    def test_a_folder_that_cannot_be_created(self):
        write_wav(self.path("file"))
        with self.assertRaisesRegex(core.Problem, "the folder cannot be created"), files.Pair(self.path("file/walk.wav")):
            pass


class Library(Folder):
    def test_opening_it_leaves_blenders_environment_unchanged(self):
        before = dict(os.environ)
        with self.assertRaisesRegex(core.Problem, "cannot be opened"):
            core._load(self.path("libkinescore.so"))
        self.assertEqual(dict(os.environ), before)


class Places(Folder):
    def test_environment_wins(self):
        with open(self.path("places.json"), "w", encoding="utf-8") as file:
            json.dump({"library": "/lib/libkinescore.so", "models": "/models"}, file)
        found = places.find_places(self.path("places.json"), environment={"HOME": "/home/me"})
        self.assertEqual(found, core.Places("/lib/libkinescore.so", "/models", "", "/home/me/.cache/kinescore"))
        found = places.find_places(self.path("places.json"), environment={"KINESCORE_MODELS": "/m", "KINESCORE_ONNXRUNTIME": "/o"})
        self.assertEqual(found, core.Places("/lib/libkinescore.so", "/m", "/o", ""))

    def test_cache(self):
        with open(self.path("places.json"), "w", encoding="utf-8") as file:
            json.dump({"library": "/l"}, file)
        for environment, cache in (
            ({"KINESCORE_CACHE": "off", "HOME": "/h"}, ""),
            ({"KINESCORE_CACHE": "/c", "HOME": "/h"}, "/c"),
            ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/kinescore"),
            ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/kinescore"),
        ):
            self.assertEqual(places.find_places(self.path("places.json"), environment=environment).cache, cache)

    def put(self, name):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass
        os.chmod(path, 0o755)
        return path

    def test_the_library_of_the_program_in_path_comes_before_that_of_the_home_folder(self):
        environment = {"HOME": self.path("home"), "PATH": self.path("unpacked/bin")}
        users = self.put("home/.local/lib/libkinescore.so")
        self.assertEqual(places.find_places(self.path("places.json"), environment=environment).library, users)
        self.put("unpacked/bin/kinescore")
        unpacked = self.put("unpacked/lib/libkinescore.so")
        found = places.find_places(self.path("places.json"), environment=environment)
        self.assertEqual(found.library, os.path.realpath(unpacked))
        # The library finds its models by itself.
        self.assertEqual((found.models, found.onnxruntime), ("", ""))

    def test_the_place_in_the_preferences_comes_first(self):
        with open(self.path("places.json"), "w", encoding="utf-8") as file:
            json.dump({"library": "/lib/libkinescore.so", "models": "/models"}, file)
        library = self.put("unpacked/lib/libkinescore.so")
        for named in (self.path("unpacked"), self.path("unpacked/lib"), library):
            found = places.find_places(self.path("places.json"), named, {})
            self.assertEqual((found.library, found.models), (library, ""), named)
        with self.assertRaisesRegex(core.Problem, "elsewhere.*not in this folder.*tried .*elsewhere/lib/libkinescore.so"):
            places.find_places(self.path("places.json"), self.path("elsewhere"), {})

    def test_missing_and_damaged(self):
        with self.assertRaisesRegex(core.Problem, "was not found; tried .*places.json, .*libkinescore.so"):
            places.find_places(self.path("places.json"), environment={"HOME": self.path("home"), "PATH": ""})
        for content in ("{", "[]", "\xff"):
            with open(self.path("places.json"), "w", encoding="latin-1") as file:
                file.write(content)
            with self.assertRaisesRegex(core.Problem, "is damaged"):
                places.find_places(self.path("places.json"), environment={})

    def test_a_file_that_is_not_a_library(self):
        for library, sentence in (("libkinescore.so", "absolute path"), (self.path("no.so"), "cannot be opened")):
            with self.assertRaisesRegex(core.Problem, sentence):
                core.Core(lambda library=library: core.Places(library)).key(core.SoundOrder("m", 0, 1, 1, ()))


class Table(Folder):
    ENTRY = {"key": "tempo", "type": "number", "help": "h", "allowed": "a", "default": "auto", "auto": True, "least": 40, "most": 240}

    def read(self, entries):
        with open(self.path("settings.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)
        return table.read(self.path("settings.json"))

    def test_groups_and_names(self):
        settings = self.read([self.ENTRY, {**self.ENTRY, "key": "tempo.min", "auto": False}, {**self.ENTRY, "key": "seed"}])
        self.assertEqual([setting.group for setting in settings], ["tempo", "tempo", ""])
        self.assertEqual([setting.name for setting in settings], ["tempo", "tempo_min", "seed"])
        self.assertEqual([list(setting.flags) for setting in settings], [["auto_tempo"], [], ["auto_seed"]])

    def test_damaged(self):
        for entries in ([{**self.ENTRY, "type": "colour"}], [{"key": "tempo"}], {"key": 1}, [1]):
            with self.assertRaisesRegex(core.Problem, "is damaged"):
                self.read(entries)

    def test_numbers_of_single_precision(self):
        self.assertEqual(table.number_text(0.949999988079071), "0.95")
        self.assertEqual(table.number_text(-16.0), "-16")


if __name__ == "__main__":
    unittest.main()

/*
 * Our sound files: how they are distinguished from the user's files, and how their names are
 * chosen.
 */
#ifndef KINESCORE_BRIDGE_SOUND_FILE_HPP
#define KINESCORE_BRIDGE_SOUND_FILE_HPP

#include <functional>
#include <optional>
#include <string>

namespace kinescore::bridge {

/// Appends our mark to a finished WAV file: a chunk "kscr" of its RIFF form, which other programs
/// skip. It holds the soundtrack's key and a checksum of the samples. Throws Problem (output).
void put_mark(const std::string &wav, const std::string &key);

/// The key in a file's mark; none if the file cannot be read, is not a WAV file, or has no mark.
std::optional<std::string> marked_key(const std::string &wav);

/// Whether a file has our mark and its samples are still those of the mark. Reads the whole file.
bool is_as_made(const std::string &wav);

/// The folder in which the sound of one project is kept.
class SoundFolder {
public:
    /// Whether the project names a file.
    using IsNamed = std::function<bool(const std::string &path)>;

    /// `path` is absolute. It need not exist. `project` is the file whose sound it keeps, if there is
    /// one.
    explicit SoundFolder(std::string path, std::string project = "")
        : path_(std::move(path)), project_(std::move(project)) {}

    const std::string &path() const noexcept { return path_; }

    /// Whether a path is in this folder and has a name of our form (`NAME.soundtrack.wav`,
    /// `NAME.soundtrack-2.wav`).
    bool is_place(const std::string &file) const;

    /// Why a file must not be overwritten: the end of a sentence. "" for a sound file that we made,
    /// that nobody has changed since, and that no other project of this name plays.
    std::string why_not_ours(const std::string &file) const;

    /// Creates the folder if it is missing. Throws Problem (output).
    void make() const;

    /// A path for unfinished sound; no file exists there.
    std::string unfinished() const;

    /// Reserves an exact name, if it is free: creates an empty file. Throws Problem (output).
    bool reserve(const std::string &file) const;

    /// Reserves the first free name for the sound of a media. Throws Problem (output).
    std::string reserve_for(const std::string &media, const IsNamed &is_named) const;

    /// A sound with a key that we made and that the project does not name: left by a run that ended
    /// before it could save.
    std::optional<std::string> orphan(const std::string &key, const IsNamed &is_named) const;

    /// Removes what killed runs left here more than an hour ago: unfinished sound, and reserved
    /// names.
    void clear(const IsNamed &is_named) const;

private:
    std::string other_project(const std::string &file) const;

    std::string path_;
    std::string project_;
};

} // namespace kinescore::bridge

#endif

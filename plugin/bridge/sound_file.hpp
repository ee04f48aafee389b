/*
 * Sound files of ours: how they are told from files of the user's, and how names for them are
 * found.
 */
#ifndef KINESCORE_BRIDGE_SOUND_FILE_HPP
#define KINESCORE_BRIDGE_SOUND_FILE_HPP

#include <functional>
#include <optional>
#include <string>

namespace kinescore::bridge {

/// Appends our mark to a finished WAV file: a chunk "kscr" of its RIFF form, which programs that do
/// not know it pass over. It holds the soundtrack's key and a checksum of the samples. Throws
/// Problem (output).
void put_mark(const std::string &wav, const std::string &key);

/// The key in a file's mark; none where the file cannot be read, is not a WAV file, or has no mark.
std::optional<std::string> marked_key(const std::string &wav);

/// Whether a file has our mark and its samples are still those that the mark was made for. Reads
/// the whole file.
bool is_as_made(const std::string &wav);

/// The folder in which the sound of one project is kept.
class SoundFolder {
public:
    /// Whether the project names a file.
    using IsNamed = std::function<bool(const std::string &path)>;

    /// `path` is absolute. Need not exist.
    explicit SoundFolder(std::string path) : path_(std::move(path)) {}

    const std::string &path() const noexcept { return path_; }

    /// Whether a path is in this folder and named as we name sound (`NAME.soundtrack.wav`,
    /// `NAME.soundtrack-2.wav`).
    bool is_place(const std::string &file) const;

    /// Why a file must not be written over: the end of a sentence. "" for a sound file that we made
    /// and nobody has changed since.
    std::string why_not_ours(const std::string &file) const;

    /// Makes the folder where it is missing. Throws Problem (output).
    void make() const;

    /// A path for sound that is not finished yet; there is no file there.
    std::string unfinished() const;

    /// Takes an exact name, if nothing has it yet: an empty file is made there. Throws Problem
    /// (output).
    bool reserve(const std::string &file) const;

    /// Reserves the first free name for the sound of a media. Throws Problem (output).
    std::string reserve_for(const std::string &media, const IsNamed &is_named) const;

    /// A sound of a key that we made and that the project does not name: of a run that ended before
    /// it could save.
    std::optional<std::string> orphan(const std::string &key, const IsNamed &is_named) const;

    /// Removes what killed runs have left here more than an hour ago: unfinished sound, and names
    /// that were reserved.
    void clear(const IsNamed &is_named) const;

private:
    std::string path_;
};

} // namespace kinescore::bridge

#endif

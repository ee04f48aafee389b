/*
 * How projects name files: paths, URLs, and what a name tells of a file.
 */
#ifndef KINESCORE_BRIDGE_URL_HPP
#define KINESCORE_BRIDGE_URL_HPP

#include <string>
#include <string_view>

namespace kinescore::bridge {

std::string lower(std::string text);

/// Writes all bytes but letters, digits and those in `plain` as % and two hexadecimal digits.
std::string percent_encoded(const std::string &text, std::string_view plain = "-._~");

std::string percent_decoded(const std::string &text);

/// The scheme of a URL in lower case; "" for a path. One letter is a drive of Windows.
std::string scheme_of(const std::string &url);

/// Whether a name is one of a file on a computer with Windows: "C:\\film.mp4", "C:/film.mp4" or
/// "\\\\server\\film.mp4".
bool is_path_of_windows(const std::string &name);

/// The last part of a path or URL, also of one on a computer with Windows.
std::string file_name_of(const std::string &name);

/// How the media of a project are named.
enum class Naming { url, absolute, relative };

Naming naming_of(const std::string &url);

/// The path of what a project refers to, by a URL or a path; "" where it is no file on this
/// computer.
std::string path_of(const std::string &url, const std::string &folder);

std::string url_of(const std::string &path, const std::string &folder, Naming naming);

/// What a file is, told by its name alone: formats of projects do not tell.
enum class Looks {
    like_video,   ///< Or like nothing that is known.
    like_sound,
    like_still,
    like_project  ///< Of an editor: a nested timeline.
};

Looks looks_of(const std::string &path);

} // namespace kinescore::bridge

#endif
